// Finds out once for each store whether `If-None-Match: *` keeps an object from being overwritten,
// so that later uploads need not look first.
import { Fault } from '../../system/fault.ts';
import type { Digest, Receipt, Upload } from '../object-store.ts';
import { isTaken, type S3Bucket } from './bucket.ts';

/** A body of at most this size is sent again for the test. */
const SMALL_BYTES = 16 * 1024;
/** A larger body is sent again if it is at most this share of all bytes sent. */
const SMALL_PART = 1 / 40;

/**
 * Puts the same bytes again under a key where they were just stored, with the condition. That harms
 * nothing, and the answer shows whether the store heeds the condition.
 */
export class ConditionsLesson {
  readonly #bucket: S3Bucket;
  #sentBytes = 0;
  /** One upload finds out for all, because on a slow line each further one would be sent twice. */
  #isLearning = false;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /**
   * Resolves with the store's last receipt for the object. It may say less than the first one; then
   * the store has to be asked again. Rejects only with the signal's reason.
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
      // The store refused the condition, and the object was put without it. That is also an answer.
      if (dialect.conditions('put object') === 'unknown') dialect.learnConditions('put object', 'ignored');
      await this.#removeOlder(receipt, again, signal);
      return again;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // The second put may have been carried out, with damaged bytes. The first answer proves
      // nothing now.
      if (!isTaken(error)) return { key: receipt.key };
      dialect.learnConditions('put object', 'supported');
      return receipt;
    } finally {
      this.#isLearning = false;
    }
  }

  /**
   * Deletes the first version, which a bucket with versions would keep for ever behind the second.
   * A refused deletion is ignored.
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
