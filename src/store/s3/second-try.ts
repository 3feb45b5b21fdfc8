// Decides when a refused request is sent once more at once, before anything is paused.
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';
import { nameOf, serverTimeOf } from './classify.ts';
import { Credentials } from './credentials.ts';
import { StoreClock } from './store-clock.ts';

export const REFUSED_TIMES: ReadonlySet<string | undefined> = new Set([
  'RequestTimeTooSkewed',
  'RequestExpired',
  'RequestInTheFuture',
]);

/**
 * Repeats a refused request with other credentials than those that were refused, or with another
 * time in the signature. Each helps at most once for a request.
 */
export class SecondTry {
  readonly credentials: Credentials;
  readonly #storeClock: StoreClock;

  constructor(client: S3Client, clock: Clock) {
    this.credentials = new Credentials(client, clock);
    this.#storeClock = new StoreClock(client, clock);
  }

  /**
   * Runs `request` once the credentials are there, and again if the reason for its refusal is
   * mended. Rejects with the last refusal, or with the signal's reason.
   */
  async run<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const mended = { credentials: false, time: false };
    for (;;) {
      if (!this.credentials.isReady) await this.credentials.ready(signal);
      const { generation } = this.credentials;
      const { offsetMs } = this.#storeClock;
      try {
        return await request();
      } catch (error) {
        signal.throwIfAborted();
        const what = REFUSED_TIMES.has(nameOf(error)) ? 'time' : 'credentials';
        if (mended[what]) {
          if (what === 'time') this.#storeClock.reset();
          throw error;
        }
        mended[what] = true;
        const isMended =
          what === 'time'
            ? this.#storeClock.refused(offsetMs, serverTimeOf(error))
            : await this.#renewed(error, generation, signal);
        if (!isMended) throw error;
      }
    }
  }

  async #renewed(error: unknown, generation: number, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.credentials.renewed(nameOf(error), generation, signal);
    } catch {
      // What the store said about the old credentials says more than the reason why no new ones
      // came.
      signal.throwIfAborted();
      return false;
    }
  }
}
