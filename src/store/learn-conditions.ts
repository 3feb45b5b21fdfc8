// Finds out once for each store whether `If-None-Match: *` keeps an object from being overwritten, so that later
// uploads need not look first: the same bytes are put again under a key where they were just stored.
import { Fault } from '../system/fault.ts';
import { type Bucket, isTaken } from './bucket.ts';
import type { Digest, Upload } from './object-store.ts';

/** Not worth more than this of the link. */
const LARGEST_BYTES = 256 * 1024;

export async function learnConditions(
  bucket: Bucket,
  stored: Upload,
  body: Buffer,
  digest: Digest,
  signal: AbortSignal,
): Promise<void> {
  if (bucket.conditions !== 'unknown' || stored.outcome !== 'stored' || body.byteLength > LARGEST_BYTES)
    return;
  try {
    await bucket.put(stored.receipt.key, body, digest, true, signal);
    bucket.conditions = 'ignored';
  } catch (error) {
    if (isTaken(error)) bucket.conditions = 'supported';
    // The upload itself is done. Whatever went wrong here, the next one asks again.
    else if (!(error instanceof Fault)) throw error;
  }
}
