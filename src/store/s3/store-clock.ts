// Which time requests are signed with: this machine's, until the store refuses it and tells its
// own. The SDK by itself would take the Date of any answer for the truth, also that of a proxy or a
// captive portal with a wrong clock.
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';

/** S3 takes signatures that are 15 min off; the SDK begins to correct at 4 min. */
const SKEW_MS = 4 * 60_000;

export class StoreClock {
  readonly #clock: Clock;
  #offsetMs = 0;

  constructor(client: S3Client, clock: Clock) {
    this.#clock = clock;
    // The SDK adds it to the time it signs with, and sets it from every answer.
    Object.defineProperty(client.config, 'systemClockOffset', {
      get: () => this.#offsetMs,
      set: () => undefined,
      enumerable: true,
      configurable: true,
    });
  }

  /** What is added to this machine's time. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /**
   * After a request that was signed with `usedOffsetMs` was refused for its time. True when another
   * time is signed with now: the store's, where that is another, or this machine's again, where it
   * was the store's that was refused.
   */
  refused(usedOffsetMs: number, storeMs: number | undefined): boolean {
    if (this.#offsetMs !== usedOffsetMs) return true;
    const wanted = usedOffsetMs === 0 && storeMs !== undefined ? storeMs - this.#clock.wallMs() : 0;
    this.#offsetMs = Math.abs(wanted) < SKEW_MS ? 0 : wanted;
    return this.#offsetMs !== usedOffsetMs;
  }

  /** Neither time was taken: from now on this machine's. */
  reset(): void {
    this.#offsetMs = 0;
  }
}
