// What makes a refused request worth sending once more at once, before anything is paused: other
// credentials than those that were refused, or another time to sign with.
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

export class SecondTry {
  readonly credentials: Credentials;
  readonly #storeClock: StoreClock;

  constructor(client: S3Client, clock: Clock) {
    this.credentials = new Credentials(client, clock);
    this.#storeClock = new StoreClock(client, clock);
  }

  /**
   * Runs `request` once the credentials are there; again when it was refused for something that is
   * mended by now. Rejects with the last refusal.
   */
  async run<T>(request: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const mended = { credentials: false, time: false };
    for (;;) {
      await this.credentials.ready(signal);
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
      // What the store said of the old ones tells more than what kept new ones from coming.
      signal.throwIfAborted();
      return false;
    }
  }
}
