// Gives up a recorded multipart upload: by its id, or by comparing what is open if its id was lost,
// and what was left open elsewhere before. Never touches an upload that was open before ours was
// requested.
import { Fault } from '../../system/fault.ts';
import type { BegunUpload, JournaledUpload } from '../object-store.ts';
import type { S3Bucket } from './bucket.ts';
import { uploadsOf } from './multipart-requests.ts';

/** How many places with unfinished uploads are remembered for one file. */
const LEFT_MAX = 8;

/**
 * Resolves with what stays on record because it is elsewhere; undefined if nothing does. Rejects
 * when the present bucket does not abort an upload of its own.
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

/** Resolves with false if the upload is elsewhere. */
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
    // The upload has gone with its bucket.
    if (error instanceof Fault && error.code === 'NoSuchBucket') return true;
  }
  bucket.notice(
    `an unfinished upload of ${key} stays open in bucket ${begun.bucket} at ${endpoint}: halfpipe aborts it once these ` +
      'settings are back; until then the store keeps (and charges for) its parts.',
  );
  return false;
}

/** Aborts the uploads that are open now and were not open when ours was requested. */
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
