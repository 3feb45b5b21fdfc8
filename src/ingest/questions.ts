// Questions about files that wait in the spool. An answer reads a whole file, so few are prepared
// at once, and none that its client has stopped waiting for.
import type { IncomingMessage } from 'node:http';
import type { DepositContent } from '../spool/deposit-content.ts';
import type { SpoolPath } from '../spool/entry.ts';
import type { SpoolEntrance } from './ingest-ports.ts';
import { Refusal, refusalOf, stopping } from './refusal.ts';

/** They share the disk with the drain. */
const AT_ONCE = 4;

/** All questions of one door. They take no place of an upload. */
export class Questions {
  readonly #spool: Pick<SpoolEntrance, 'find'>;
  readonly #asked = new Set<AbortController>();
  #isClosing = false;

  constructor(spool: Pick<SpoolEntrance, 'find'>) {
    this.#spool = spool;
  }

  /**
   * What waits in the spool under this name; undefined as well if the client has gone. Rejects with
   * a Refusal or with a bug.
   */
  async find({ socket }: IncomingMessage, path: SpoolPath): Promise<DepositContent | undefined> {
    if (this.#isClosing) throw stopping();
    if (this.#asked.size >= AT_ONCE)
      throw new Refusal(
        'busy',
        `${AT_ONCE} questions are being answered, which is the limit: try again in a second`,
      );
    const asked = new AbortController();
    const abort = () => asked.abort();
    this.#asked.add(asked);
    socket.once('close', abort);
    try {
      return await this.#spool.find(path, asked.signal);
    } catch (error) {
      if (!asked.signal.aborted) throw refusalOf(error, path);
      if (this.#isClosing) throw stopping();
      return undefined;
    } finally {
      socket.off('close', abort);
      this.#asked.delete(asked);
    }
  }

  /** No question is answered any more, not even one that is being answered. */
  close(): void {
    this.#isClosing = true;
    for (const asked of this.#asked) asked.abort();
  }
}
