// Logs that the line takes less than its configured capacity.

import type { Logger } from '../log/log.ts';
import type { Clock } from '../system/clock.ts';
import { slowLineText } from '../view/slow-line-text.ts';
import type { LinkView } from '../view/snapshot.ts';

const PERIOD_MS = 86_400_000;

/** Logs it when it is found, once a day while it lasts, and when it is over. Monotonic clock. */
export class SlowLineReport {
  readonly #clock: Clock;
  readonly #log: Logger;
  #told: { readonly text: string; readonly atMs: number } | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Call this often. */
  tell(link: LinkView | null): void {
    if (link === null) return;
    const text = slowLineText(link);
    const nowMs = this.#clock.monotonicMs();
    if (text === undefined) {
      if (this.#told !== undefined)
        this.#log.info({ event: 'lineKeepsUp' }, 'the line keeps up with the budget again');
      this.#told = undefined;
      return;
    }
    if (this.#told?.text === text && nowMs - this.#told.atMs < PERIOD_MS) return;
    this.#told = { text, atMs: nowMs };
    this.#log.warn(
      { event: 'slowLine', ...link.slowLine, capacityBitsPerSec: link.capacityBitsPerSec },
      text,
    );
  }
}
