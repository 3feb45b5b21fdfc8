// How many requests are answered in a second, whatever clients ask: an answer costs CPU time, and
// the drain needs that.
import type { Clock } from '../system/clock.ts';

/** Ten scrapes a second and what ten browsers ask when they open the page. */
const PER_SEC = 20;
const BURST = 100;

/**
 * Calls go through at once, or one after another at the pace. Deterministic under its clock
 * (monotonic). The caller bounds how many wait.
 */
export class Turnstile {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #credit = BURST;
  #countedAtMs: number;
  #isTurning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#countedAtMs = clock.monotonicMs();
  }

  pass(go: () => void): void {
    this.#waiting.push(go);
    if (!this.#isTurning) this.#turn();
  }

  #turn(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#credit = Math.min(BURST, this.#credit + ((nowMs - this.#countedAtMs) * PER_SEC) / 1000);
    this.#countedAtMs = nowMs;
    while (this.#credit >= 1) {
      const go = this.#waiting.shift();
      if (go === undefined) break;
      this.#credit -= 1;
      go();
    }
    this.#isTurning = this.#waiting.length > 0;
    if (this.#isTurning) this.#clock.schedule(1000 / PER_SEC, () => this.#turn());
  }
}
