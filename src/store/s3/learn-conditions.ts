// Finds out once for each store whether `If-None-Match: *` keeps an object from being overwritten,
// so that later uploads need not look first: the same bytes are put again under a key where they
// were just stored.
import { Fault } from '../../system/fault.ts';
import type { Digest, Receipt, Upload } from '../object-store.ts';
import { isTaken, type S3Bucket } from './bucket.ts';

/** A body is sent again for it when it is as small as this … */
const SMALL_BYTES = 16 * 1024;
/** … or no more than this part of what has been sent. */
const SMALL_PART = 1 / 40;

export class ConditionsLesson {
  readonly #bucket: S3Bucket;
  #sentBytes = 0;
  /** One upload finds out, the others need not: on a slow line each of them would be sent twice. */
  #isLearning = false;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /**
   * What the store said last of the object, which may be less than before: then it has to be asked
   * again.
   */
  async after(stored: Upload, body: Buffer, digest: Digest, signal: AbortSignal): Promise<Receipt> {
    const { dialect } = this.#bucket;
    const { receipt, outcome } = stored;
    if (dialect.conditions('put object') !== 'unknown' || outcome !== 'stored') return receipt;
    this.#sentBytes += body.byteLength;
    if (this.#isLearning || body.byteLength > Math.max(SMALL_BYTES, this.#sentBytes * SMALL_PART))
      return receipt;
    this.#isLearning = true;
    try {
      const again = await this.#bucket.put(receipt.key, body, digest, 'on trial', signal);
      // Refused after all, and put without the condition: the answer is as good.
      if (dialect.conditions('put object') === 'unknown') dialect.learnConditions('put object', 'ignored');
      await this.#removeOlder(receipt, again, signal);
      return again;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // It may have been carried out all the same, with bytes damaged on the way: the first answer
      // proves nothing now.
      if (!isTaken(error)) return { key: receipt.key };
      dialect.learnConditions('put object', 'supported');
      return receipt;
    } finally {
      this.#isLearning = false;
    }
  }

  /**
   * In a bucket with versions the first one would stay behind the second for ever; where that is
   * refused, it does.
   */
  async #removeOlder({ key, versionId }: Receipt, again: Receipt, signal: AbortSignal): Promise<void> {
    if (versionId === undefined || versionId === again.versionId) return;
    try {
      await this.#bucket.delete(key, versionId, signal);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
}
