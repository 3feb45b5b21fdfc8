// What `halfpipe check` and the start of the daemon ask of a bucket, with objects of our own only.
import { Fault } from '../../system/fault.ts';
import { evidenceOf } from '../evidence.ts';
import type { Receipt } from '../object-store.ts';
import { isDenied, type S3Bucket } from './bucket.ts';
import { statusOf } from './classify.ts';
import type { ConditionSupport } from './dialect.ts';
import { beginUpload, uploadsOf } from './multipart-requests.ts';
import { type Leftovers, OwnObjects, otherBytesFault } from './own-objects.ts';
import { digestsOfObject } from './read-back.ts';

export interface RoundTrip {
  readonly key: string;
  /**
   * Whether `If-None-Match` keeps objects from being overwritten. If it does not, `keep-both` looks
   * first.
   */
  readonly conditions: ConditionSupport;
  /** The same for the completion of a multipart upload. */
  readonly conditionsInParts: ConditionSupport;
  /** Why the store begins no multipart uploads. It then accepts no file larger than one part. */
  readonly partsRefused: Fault | undefined;
  /** What the store refuses: each a request and what it carried. */
  readonly refusals: readonly string[];
  /**
   * True if the open uploads of a key can be listed, so that none stays open unnoticed after a
   * crash.
   */
  readonly listsUploads: boolean;
  readonly leftovers: Leftovers;
}

/**
 * Rejects with a Fault that says what is wrong with the bucket, the credentials or the way to the
 * store.
 */
export async function probeBucket(bucket: S3Bucket, signal: AbortSignal): Promise<void> {
  const held = { key: `${bucket.prefix}.halfpipe-probe`, sizeBytes: 0 };
  try {
    await digestsOfObject(bucket, { sizeBytes: 0 }, held, signal);
  } catch (error) {
    // NoSuchKey: all is well. AccessDenied: S3's answer for a missing object without s3:ListBucket.
    if (error instanceof Fault && ABSENT.has(error.code ?? '')) return;
    throw error;
  }
}

const ABSENT = new Set(['NoSuchKey', 'AccessDenied', 'NotFound', 'InvalidRange', 'ReadBackSize']);

/**
 * Puts one tiny object whole and one in parts, reads them back, tries to overwrite them, begins and
 * aborts an upload, and removes what it has put. The last part of an upload may be tiny, and here
 * it is the only one: about 2 KB are sent in all. two-part-trip tests a part of full size. Rejects
 * with a Fault, or with the signal's reason.
 */
export async function roundTrip(bucket: S3Bucket, signal: AbortSignal): Promise<RoundTrip> {
  const own = new OwnObjects(bucket, signal);
  const key = own.key('');
  const keyInParts = own.key('-parts');
  let leftovers: Leftovers;
  let partsRefused: Fault | undefined;
  try {
    await refuseOther(bucket, own, await own.put(key, false), false, signal);
    await own.learnConditions('put object', key);
    partsRefused = await tryParts(bucket, own, keyInParts, signal);
  } finally {
    leftovers = await own.cleanUp();
  }
  const { dialect } = bucket;
  return {
    key,
    conditions: dialect.conditions('put object'),
    conditionsInParts: dialect.conditions('complete upload'),
    partsRefused,
    refusals: dialect.refusals(),
    listsUploads: !dialect.lacks.has('list uploads'),
    leftovers,
  };
}

/** Resolves with the reason if the store does not know multipart uploads. */
async function tryParts(
  bucket: S3Bucket,
  own: OwnObjects,
  key: string,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  try {
    const { uploadId } = await beginUpload(bucket, key, signal);
    await bucket.abort(bucket.name, key, uploadId, signal);
  } catch (error) {
    if (error instanceof Fault && NO_PARTS.has(statusOf(error.cause) ?? 0)) return error;
    throw error;
  }
  await refuseOther(bucket, own, await own.putInParts(key, false), true, signal);
  await own.learnConditions('complete upload', key);
  await uploadsOf(bucket, bucket.name, key, signal);
  return undefined;
}

/**
 * Statuses of a store without multipart uploads. An object with the same headers was put whole
 * before.
 */
const NO_PARTS = new Set([405, 501]);

/**
 * Credentials that may only write cannot read back. Then the answer of the write has to suffice.
 */
async function refuseOther(
  bucket: S3Bucket,
  own: OwnObjects,
  receipt: Receipt,
  inParts: boolean,
  signal: AbortSignal,
): Promise<void> {
  const local = await own.local(inParts);
  const { key, etag } = receipt;
  const held = { key, ...(etag === undefined ? {} : { etag }) };
  try {
    const readBack = await digestsOfObject(bucket, local, held, signal);
    if (evidenceOf(local, { key, readBack }).verdict === 'same') return;
  } catch (error) {
    if (isDenied(error) && evidenceOf(local, receipt).verdict === 'same') return;
    if (!(error instanceof Fault && error.code === 'ReadBackSize')) throw error;
  }
  throw otherBytesFault(bucket, key);
}
