// What `halfpipe check` and the start of the daemon ask of a bucket, with objects of their own only.
import { Fault } from '../system/fault.ts';
import { isDenied, type S3Bucket } from './bucket.ts';
import type { ConditionSupport } from './dialect.ts';
import { evidenceOf } from './evidence.ts';
import { beginUpload, uploadsOf } from './multipart-requests.ts';
import type { Receipt } from './object-store.ts';
import { type Leftovers, OwnObjects } from './own-objects.ts';
import { digestsOfObject } from './read-back.ts';

export interface RoundTrip {
  readonly key: string;
  /** Whether `If-None-Match` keeps objects from being overwritten; without it, `keep-both` looks first. */
  readonly conditions: ConditionSupport;
  /** The same where an upload in parts is completed. */
  readonly conditionsInParts: ConditionSupport;
  /** What the store was found not to take: a request and what it carried. */
  readonly refusals: readonly string[];
  /** The open uploads of a key can be listed, so that none stays open unknown after a crash. */
  readonly listsUploads: boolean;
  readonly leftovers: Leftovers;
}

/** Rejects with a Fault that says what is wrong with the bucket, the credentials or the way there. */
export async function probeBucket(bucket: S3Bucket, signal: AbortSignal): Promise<void> {
  const held = { key: `${bucket.prefix}.halfpipe-probe`, sizeBytes: 0 };
  try {
    await digestsOfObject(bucket, { sizeBytes: 0, parts: [], multipart: false }, held, signal);
  } catch (error) {
    // NoSuchKey: all is well. AccessDenied: S3's answer for what is not there without s3:ListBucket.
    if (error instanceof Fault && ABSENT.has(error.code ?? '')) return;
    throw error;
  }
}

const ABSENT = new Set(['NoSuchKey', 'AccessDenied', 'NotFound', 'InvalidRange', 'ReadBackSize']);

/**
 * Puts a tiny object whole and another in parts, reads them back, tries to overwrite them, begins and aborts an upload;
 * and removes what it has put. The least part of S3 is 5 MiB, but the last may be tiny: some 2 KB are sent in all.
 */
export async function roundTrip(bucket: S3Bucket, signal: AbortSignal): Promise<RoundTrip> {
  const own = new OwnObjects(bucket, signal);
  const key = own.key('');
  const keyInParts = own.key('-parts');
  let leftovers: Leftovers;
  try {
    await refuseOther(bucket, own, await own.put(key, false), false, signal);
    await own.learnConditions('put object', key);
    await refuseOther(bucket, own, await own.putInParts(keyInParts, false), true, signal);
    await own.learnConditions('complete upload', keyInParts);
    const { uploadId } = await beginUpload(bucket, keyInParts, signal);
    await bucket.abort(bucket.name, keyInParts, uploadId, signal);
    await uploadsOf(bucket, bucket.name, keyInParts, signal);
  } finally {
    leftovers = await own.cleanUp();
  }
  const { dialect } = bucket;
  return {
    key,
    conditions: dialect.conditions('put object'),
    conditionsInParts: dialect.conditions('complete upload'),
    refusals: dialect.refusals(),
    listsUploads: !dialect.lacks.has('list uploads'),
    leftovers,
  };
}

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
  throw new Fault('breaker', 'the store returned other bytes than were put', {
    operation: 'compare object',
    subject: `${bucket.name}/${key}`,
    hint: 'Something between here and the store changes the content: check s3.endpoint and any proxy.',
    code: 'RoundTripDiffers',
  });
}
