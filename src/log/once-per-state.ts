// Keeps the log quiet while a state lasts, or comes and goes: one line of a state in a period.
// journald drops a service's lines after 10,000 in 30 s, and people stop reading earlier.
import type { Clock } from '../system/clock.ts';

/** What a line is about. */
export interface LineState {
  /** What can be in one state or another, for example the link, or a folder. */
  readonly condition: string;
  /** The state that the line tells. */
  readonly state: string;
}

/** Writes the line. `repeats` is how often the state was noted since its last line; 0 at first. */
export type TellState = (repeats: number) => void;

/** Beyond this many at once, states share the line of their condition. */
const STATES_MAX = 2_000;

interface Told {
  readonly condition: string;
  repeats: number;
  /** The latest line of the state, if it is held back. */
  held: TellState | undefined;
  cancel: () => void;
}

/**
 * Tells the first line of a state at once. Further ones are held back until the period is over.
 * Then the latest is told, unless its condition is in another state by now: so the last line about
 * a condition is true, whatever came before. Monotonic clock.
 */
export class OncePerState {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #told = new Map<string, Told>();
  /** The present state of each condition. */
  readonly #present = new Map<string, string>();

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  note({ condition, state }: LineState, tell: TellState): void {
    const key = this.#told.size < STATES_MAX ? `${condition}\n${state}` : condition;
    this.#present.set(condition, key);
    const told = this.#told.get(key);
    if (told === undefined) {
      this.#told.set(key, { condition, repeats: 0, held: undefined, cancel: this.#afterPeriod(key) });
      return tell(0);
    }
    told.repeats += 1;
    told.held = tell;
  }

  /** Tells what was held back and is still so, and forgets everything. */
  stop(): void {
    const all = [...this.#told];
    for (const [, { cancel }] of all) cancel();
    this.#told.clear();
    for (const [key, { condition, held, repeats }] of all)
      if (this.#present.get(condition) === key) held?.(repeats);
    this.#present.clear();
  }

  #afterPeriod(key: string): () => void {
    return this.#clock.schedule(this.#periodMs, () => {
      const told = this.#told.get(key);
      if (told === undefined) return;
      const { condition, held, repeats } = told;
      const isPresent = this.#present.get(condition) === key;
      if (held === undefined || !isPresent) {
        this.#told.delete(key);
        if (isPresent) this.#present.delete(condition);
        return;
      }
      [told.held, told.repeats] = [undefined, 0];
      told.cancel = this.#afterPeriod(key);
      held(repeats);
    });
  }
}
