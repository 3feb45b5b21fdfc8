// The part of `halfpipe check` for large files: an upload in two parts, by the code that sends such
// files. Some stores and proxies accept a small body but refuse one of the size that S3 requires of
// a part.
import { randomBytes } from 'node:crypto';
import { digestOf } from '../digest.ts';
import { evidenceOf } from '../evidence.ts';
import type { LocalContent, Receipt, UploadSource } from '../object-store.ts';
import { PART_BYTES_MIN, PartPlanner } from '../part-plan.ts';
import type { S3Bucket } from './bucket.ts';
import { PartwiseUpload } from './multipart.ts';
import { type Leftovers, OwnObjects, otherBytesFault } from './own-objects.ts';

/** The last part may have any size. */
const LAST_PART_BYTES = 1_024;

/** The least that S3 accepts in two parts. */
export const TWO_PARTS_BYTES = PART_BYTES_MIN + LAST_PART_BYTES;

/** Resolves with what the store holds under the key, read back if necessary. */
type Confirm = (key: string, local: LocalContent) => Promise<Receipt>;

export interface TwoPartTrip {
  readonly bucket: S3Bucket;
  /** The size of the first part. */
  readonly partSizeBytes: number;
  readonly confirm: Confirm;
  /** Bounds the upload only. */
  readonly during: AbortSignal;
  /** Bounds the whole trip. */
  readonly signal: AbortSignal;
}

/**
 * Puts an object of two parts, compares it and deletes it. Rejects with a Fault, or with the reason
 * of one of the signals; the upload is then aborted.
 */
export async function twoPartTrip(trip: TwoPartTrip): Promise<Leftovers> {
  const { bucket, partSizeBytes, confirm, during, signal } = trip;
  const own = new OwnObjects(bucket, signal);
  const key = own.key('-two-parts');
  let leftovers: Leftovers;
  try {
    const { receipt, local } = await send(bucket, own, key, partSizeBytes, during);
    await refuseOther(bucket, local, receipt, confirm);
  } finally {
    leftovers = await own.cleanUp();
  }
  return leftovers;
}

async function send(
  bucket: S3Bucket,
  own: OwnObjects,
  key: string,
  partSizeBytes: number,
  signal: AbortSignal,
): Promise<{ receipt: Receipt; local: LocalContent }> {
  const source = contentOf(partSizeBytes + Math.min(partSizeBytes, LAST_PART_BYTES));
  const planner = new PartPlanner({ partSizeBytes, partsAtOnce: 1, leastPartBytes: partSizeBytes });
  const plan = planner.plan(source.sizeBytes);
  const parts = { journal: undefined, onAccepted: undefined, onlyIfAbsent: false };
  const upload = new PartwiseUpload({ ...parts, bucket, key, source, plan, digestOf, signal });
  try {
    const receipt = await upload.write();
    own.wrote(receipt);
    return { receipt, local: upload.local };
  } catch (error) {
    // The answer may have been lost although the object is there.
    await own.lookFor(key);
    throw error;
  }
}

/** Random content, so that nothing on the way can make it smaller by compression. */
function contentOf(sizeBytes: number): UploadSource {
  const content = randomBytes(sizeBytes);
  return { sizeBytes, read: async (offset, length) => content.subarray(offset, offset + length) };
}

/** Asks the store again only if the answer leaves it open, as for a file. */
async function refuseOther(
  bucket: S3Bucket,
  local: LocalContent,
  receipt: Receipt,
  confirm: Confirm,
): Promise<void> {
  if (evidenceOf(local, receipt).verdict === 'same') return;
  const confirmed = await confirm(receipt.key, local);
  if (evidenceOf(local, confirmed).verdict !== 'same') throw otherBytesFault(bucket, receipt.key);
}
