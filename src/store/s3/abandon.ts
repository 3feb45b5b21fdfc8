// Gives up what is recorded of a multipart upload: the upload by its name, those of the key whose
// name was lost, and what was left open elsewhere before. Never an upload that was open before ours
// was asked for.
import { Fault } from '../../system/fault.ts';
import type { BegunUpload, JournaledUpload } from '../object-store.ts';
import type { S3Bucket } from './bucket.ts';
import { uploadsOf } from './multipart-requests.ts';

/** Places that halfpipe was sent to one after the other while one file waited. */
const LEFT_MAX = 8;

/**
 * Resolves with what has to stay on record because it is elsewhere; undefined for nothing. Rejects
 * when the present bucket does not let go of an upload of its own.
 */
export async function abandon(
  bucket: S3Bucket,
  upload: JournaledUpload,
  signal: AbortSignal,
): Promise<JournaledUpload | undefined> {
  const left: BegunUpload[] = [];
  for (const begun of [upload, ...(upload.left ?? [])]) {
    if (begun.uploadId === undefined && begun.unnamedBeside === undefined) continue;
    if (!(await abandonOne(bucket, begun, signal))) left.push(begunOnly(begun));
  }
  if (left.length === 0) return undefined;
  const { key, partSizeBytes } = upload;
  return { bucket: bucket.name, key, partSizeBytes, left: left.slice(-LEFT_MAX) };
}

function begunOnly({ endpoint, bucket, key, uploadId, unnamedBeside }: BegunUpload): BegunUpload {
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...{ bucket, key },
    ...(uploadId === undefined ? {} : { uploadId }),
    ...(unnamedBeside === undefined ? {} : { unnamedBeside }),
  };
}

/** False when it is elsewhere. */
async function abandonOne(bucket: S3Bucket, begun: BegunUpload, signal: AbortSignal): Promise<boolean> {
  const { endpoint = bucket.endpoint, key, uploadId } = begun;
  try {
    if (endpoint !== bucket.endpoint) throw undefined;
    if (uploadId !== undefined) await bucket.abort(begun.bucket, key, uploadId, signal);
    await abortUnnamed(bucket, begun, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error !== undefined && (!(error instanceof Fault) || begun.bucket === bucket.name)) throw error;
    // With its bucket the upload has gone, too.
    if (error instanceof Fault && error.code === 'NoSuchBucket') return true;
  }
  bucket.notice(
    `an unfinished upload of ${key} stays open in bucket ${begun.bucket} at ${endpoint}: it is aborted once these ` +
      'settings are back; until then the store keeps (and charges for) its parts.',
  );
  return false;
}

/** The uploads that are open now and were not when ours was asked for. */
export async function abortUnnamed(
  bucket: S3Bucket,
  { bucket: name, key, unnamedBeside }: BegunUpload,
  signal: AbortSignal,
): Promise<void> {
  if (unnamedBeside === undefined) return;
  const open = (await uploadsOf(bucket, name, key, signal)) ?? [];
  for (const uploadId of open)
    if (!unnamedBeside.includes(uploadId)) await bucket.abort(name, key, uploadId, signal);
}
