// Decides which time requests are signed with.
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';

/** S3 accepts signatures that are 15 min off. The SDK begins to correct at 4 min. */
const SKEW_MS = 4 * 60_000;

/**
 * Signs with this machine's time until the store refuses it and answers with its own. The SDK alone
 * would trust the Date header of any answer, even from a proxy or a captive portal with a wrong
 * clock. Wall clock.
 */
export class StoreClock {
  readonly #clock: Clock;
  #offsetMs = 0;

  constructor(client: S3Client, clock: Clock) {
    this.#clock = clock;
    // The SDK adds this to the time it signs with, and tries to set it from every answer.
    Object.defineProperty(client.config, 'systemClockOffset', {
      get: () => this.#offsetMs,
      set: () => undefined,
      enumerable: true,
      configurable: true,
    });
  }

  /** Milliseconds added to this machine's time. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /**
   * Call after a request signed with `usedOffsetMs` was refused for its time. Returns true if
   * requests are now signed with another time: the store's if it differs, or this machine's again
   * if the store's was refused.
   */
  refused(usedOffsetMs: number, storeMs: number | undefined): boolean {
    if (this.#offsetMs !== usedOffsetMs) return true;
    const wanted = usedOffsetMs === 0 && storeMs !== undefined ? storeMs - this.#clock.wallMs() : 0;
    this.#offsetMs = Math.abs(wanted) < SKEW_MS ? 0 : wanted;
    return this.#offsetMs !== usedOffsetMs;
  }

  /** Neither time was accepted. Returns to this machine's time. */
  reset(): void {
    this.#offsetMs = 0;
  }
}
