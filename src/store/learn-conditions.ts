// Finds out once for each store whether `If-None-Match: *` keeps an object from being overwritten, so that later
// uploads need not look first: the same bytes are put again under a key where they were just stored.
import { Fault } from '../system/fault.ts';
import { type Bucket, isTaken } from './bucket.ts';
import type { Digest, Receipt, Upload } from './object-store.ts';

/** Not worth more than this of the link. */
const LARGEST_BYTES = 256 * 1024;

/** What the store said last of the object, which may be less than before: then it has to be asked again. */
export async function learnConditions(
  bucket: Bucket,
  stored: Upload,
  body: Buffer,
  digest: Digest,
  signal: AbortSignal,
): Promise<Receipt> {
  const { receipt, outcome } = stored;
  if (bucket.conditions !== 'unknown' || outcome !== 'stored' || body.byteLength > LARGEST_BYTES)
    return receipt;
  try {
    const again = await bucket.put(receipt.key, body, digest, true, signal);
    bucket.conditions = 'ignored';
    return again;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // It may have been carried out all the same, with bytes damaged on the way: the first answer proves nothing now.
    if (!isTaken(error)) return { key: receipt.key };
    bucket.conditions = 'supported';
    return receipt;
  }
}
