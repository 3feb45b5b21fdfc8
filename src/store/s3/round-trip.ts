// What `halfpipe check` and the start of the daemon ask of a bucket, with objects of their own
// only.
import { Fault } from '../../system/fault.ts';
import { evidenceOf } from '../evidence.ts';
import type { Receipt } from '../object-store.ts';
import { isDenied, type S3Bucket } from './bucket.ts';
import { statusOf } from './classify.ts';
import type { ConditionSupport } from './dialect.ts';
import { beginUpload, uploadsOf } from './multipart-requests.ts';
import { type Leftovers, OwnObjects, otherBytes } from './own-objects.ts';
import { digestsOfObject } from './read-back.ts';

export interface RoundTrip {
  readonly key: string;
  /**
   * Whether `If-None-Match` keeps objects from being overwritten; without it, `keep-both` looks
   * first.
   */
  readonly conditions: ConditionSupport;
  /** The same where an upload in parts is completed. */
  readonly conditionsInParts: ConditionSupport;
  /**
   * Why the store begins no upload in parts: then it takes no file that is larger than one part.
   */
  readonly partsRefused: Fault | undefined;
  /** What the store was found not to take: a request and what it carried. */
  readonly refusals: readonly string[];
  /** The open uploads of a key can be listed, so that none stays open unknown after a crash. */
  readonly listsUploads: boolean;
  readonly leftovers: Leftovers;
}

/**
 * Rejects with a Fault that says what is wrong with the bucket, the credentials or the way there.
 */
export async function probeBucket(bucket: S3Bucket, signal: AbortSignal): Promise<void> {
  const held = { key: `${bucket.prefix}.halfpipe-probe`, sizeBytes: 0 };
  try {
    await digestsOfObject(bucket, { sizeBytes: 0, parts: [], multipart: false }, held, signal);
  } catch (error) {
    // NoSuchKey: all is well. AccessDenied: S3's answer for what is not there without
    // s3:ListBucket.
    if (error instanceof Fault && ABSENT.has(error.code ?? '')) return;
    throw error;
  }
}

const ABSENT = new Set(['NoSuchKey', 'AccessDenied', 'NotFound', 'InvalidRange', 'ReadBackSize']);

/**
 * Puts a tiny object whole and another in parts, reads them back, tries to overwrite them, begins
 * and aborts an upload; and removes what it has put. The last part of an upload may be tiny, and
 * here it is the only one: some 2 KB are sent in all. An upload with a part of full size is
 * two-part-trip's.
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

/** Resolves with why the store knows no uploads in parts, where it does not. */
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
 * Answers to the request to begin an upload, after an object was put whole with the same headers.
 */
const NO_PARTS = new Set([405, 501]);

/** Write-only credentials may not read back; then the answer of the write has to do. */
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
  throw otherBytes(bucket, key);
}
