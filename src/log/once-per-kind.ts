// Limits a storm of one kind of trouble to one log line in a period. journald drops a service's
// lines after 10,000 in 30 s.
import type { Clock } from '../system/clock.ts';

/** Kinds are fault classes and codes, a few dozen. Beyond this many, kinds share one count. */
const KINDS_MAX = 64;

/**
 * Writes the line. `repeats` is how many were counted since the last line of this kind, 0 at the
 * first.
 */
export type TellKind = (repeats: number) => void;

interface Kind {
  repeats: number;
  latest: TellKind;
  cancel: () => void;
}

/**
 * Writes the first line of each kind at once, counts the rest, and writes one line for them at the
 * end of the period. Monotonic clock.
 */
export class OncePerKind {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #kinds = new Map<string, Kind>();

  /** At most one line of a kind in `periodMs`. */
  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  /**
   * Calls `tell(0)` at once if `kind` was quiet for a period. Otherwise counts, and calls the
   * latest `tell(repeats)` when the period is over.
   */
  note(kind: string, tell: TellKind): void {
    const name = this.#kinds.has(kind) || this.#kinds.size < KINDS_MAX ? kind : 'other';
    const known = this.#kinds.get(name);
    if (known === undefined) {
      this.#kinds.set(name, { repeats: 0, latest: tell, cancel: this.#afterPeriod(name) });
      tell(0);
    } else {
      known.repeats += 1;
      known.latest = tell;
    }
  }

  /** Writes what was counted so far, and forgets every kind. */
  stop(): void {
    const kinds = [...this.#kinds.values()];
    this.#kinds.clear();
    for (const { cancel, repeats, latest } of kinds) {
      cancel();
      if (repeats > 0) latest(repeats);
    }
  }

  #afterPeriod(name: string): () => void {
    return this.#clock.schedule(this.#periodMs, () => {
      const kind = this.#kinds.get(name);
      if (kind === undefined) return;
      const { repeats } = kind;
      if (repeats === 0) {
        this.#kinds.delete(name);
        return;
      }
      kind.repeats = 0;
      kind.cancel = this.#afterPeriod(name);
      kind.latest(repeats);
    });
  }
}
