// Limits a storm of failures of one kind to a line a minute that names every file once.
import type { Clock } from '../system/clock.ts';

/** Kinds are fault classes and codes, a few dozen. Beyond this many, kinds share one line. */
const KINDS_MAX = 64;
/** journald accepts 1,024 fields in an entry (ENTRY_FIELD_COUNT_MAX), and a datagram 200 KB. */
export const NAMES_IN_LINE_MAX = 500;
const BYTES_IN_LINE_MAX = 64 * 1024;
/** About 2 MB for each kind. */
const NAMES_MAX = 20_000;

/** What a line tells. */
export interface NamedBatch {
  /** Files that no earlier line of the kind has named. */
  readonly files: readonly string[];
  /** How often the kind was noted since its last line; 0 at the first line. */
  readonly repeats: number;
}

export type TellBatch = (batch: NamedBatch) => void;

interface Kind {
  readonly named: Set<string>;
  readonly waiting: Set<string>;
  repeats: number;
  latest: TellBatch;
  cancel: () => void;
}

/**
 * Tells the first file of a kind at once, and the others at the end of the period, in as few lines
 * as hold their names: the rest waits for the next period. Each file is named at least once while
 * its kind lasts, unless more than `namesMax` names wait. Monotonic clock.
 */
export class NamedFiles {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #namesMax: number;
  readonly #kinds = new Map<string, Kind>();

  /** `namesMax`: how many names are remembered for each kind. */
  constructor(clock: Clock, periodMs: number, namesMax = NAMES_MAX) {
    this.#clock = clock;
    this.#periodMs = periodMs;
    this.#namesMax = namesMax;
  }

  /** Calls `tell` now, or the latest `tell` at the end of the period. */
  note(kind: string, file: string, tell: TellBatch): void {
    const name = this.#kinds.has(kind) || this.#kinds.size < KINDS_MAX ? kind : 'other';
    const known = this.#kinds.get(name);
    if (known === undefined) {
      const cancel = this.#afterPeriod(name);
      this.#kinds.set(name, {
        ...{ named: new Set([file]), waiting: new Set<string>(), repeats: 0, latest: tell, cancel },
      });
      return tell({ files: [file], repeats: 0 });
    }
    known.repeats += 1;
    known.latest = tell;
    if (!known.named.has(file) && known.waiting.size < this.#namesMax) known.waiting.add(file);
  }

  /** Tells everything that waits, and forgets every kind. */
  stop(): void {
    const kinds = [...this.#kinds.values()];
    this.#kinds.clear();
    for (const kind of kinds) {
      kind.cancel();
      while (kind.repeats > 0 || kind.waiting.size > 0) tellNext(kind, this.#namesMax);
    }
  }

  #afterPeriod(name: string): () => void {
    return this.#clock.schedule(this.#periodMs, () => {
      const kind = this.#kinds.get(name);
      if (kind === undefined) return;
      if (kind.repeats === 0 && kind.waiting.size === 0) {
        this.#kinds.delete(name);
        return;
      }
      kind.cancel = this.#afterPeriod(name);
      tellNext(kind, this.#namesMax);
    });
  }
}

function tellNext(kind: Kind, namesMax: number): void {
  const { named, waiting, repeats, latest } = kind;
  const files = namesForLine(waiting);
  for (const file of files) {
    waiting.delete(file);
    named.add(file);
  }
  for (const oldest of named) {
    if (named.size <= namesMax) break;
    named.delete(oldest);
  }
  kind.repeats = 0;
  latest({ files, repeats });
}

/** The first of the names, as many as one line takes. */
export function namesForLine(names: Iterable<string>): string[] {
  const taken: string[] = [];
  let bytes = 0;
  for (const name of names) {
    bytes += Buffer.byteLength(name);
    if (taken.length === NAMES_IN_LINE_MAX || (bytes > BYTES_IN_LINE_MAX && taken.length > 0)) break;
    taken.push(name);
  }
  return taken;
}
