// What the store already has of a journaled multipart upload, and whether a part of it is ours. It is believed only
// where size and digest are those of the local bytes.
import { ListPartsCommand } from '@aws-sdk/client-s3';
import { Fault } from '../system/fault.ts';
import { type Bucket, unquoted } from './bucket.ts';
import { statusOf } from './classify.ts';
import { sha256Base64 } from './digest.ts';
import type { Digest, JournaledUpload, UploadJournal } from './object-store.ts';
import type { PartPlan } from './part-plan.ts';
import { withSignal } from './request-signal.ts';

/** What identifies a part's bytes, in the store's words. */
export interface PartAnswer {
  readonly etag: string | undefined;
  readonly checksumSha256: string | undefined;
}

export interface StoredPart extends PartAnswer {
  /** As answered, quotes included: completing the upload repeats it. */
  readonly etag: string;
  readonly checksumSha256: string | undefined;
  readonly sizeBytes: number;
}

/** The multipart upload an earlier attempt left open. */
export interface OpenUpload {
  readonly uploadId: string;
  /** By part number. */
  readonly parts: ReadonlyMap<number, StoredPart>;
}

interface Wanted {
  readonly key: string;
  readonly plan: PartPlan;
  readonly journal: UploadJournal | undefined;
  readonly signal: AbortSignal;
}

/** The journaled upload if it is for this key, cut this way and still open; any other is aborted and forgotten. */
export async function takeUp(bucket: Bucket, wanted: Wanted): Promise<OpenUpload | undefined> {
  const { key, plan, journal, signal } = wanted;
  await dropStale(bucket, journal, signal);
  const journaled = await journal?.load();
  if (journaled === undefined) return undefined;
  const { uploadId } = journaled;
  if (
    journaled.bucket !== bucket.name ||
    journaled.key !== key ||
    journaled.partSizeBytes !== plan.partSizeBytes
  ) {
    await bucket.abandon(journaled, signal);
  } else {
    const parts = await openParts(bucket, journaled, signal);
    if (parts !== undefined) return { uploadId, parts };
  }
  await journal?.clear();
  return undefined;
}

/** The file changed since it was begun: nobody will complete that upload, and its record is about to be replaced. */
async function dropStale(
  bucket: Bucket,
  journal: UploadJournal | undefined,
  signal: AbortSignal,
): Promise<void> {
  const stale = await journal?.loadStale?.();
  if (stale === undefined) return;
  await bucket.abandon(stale, signal);
  await journal?.clear();
}

/** By part number; undefined when the upload is no longer open. */
async function openParts(
  bucket: Bucket,
  upload: JournaledUpload,
  signal: AbortSignal,
): Promise<Map<number, StoredPart> | undefined> {
  const parts = new Map<number, StoredPart>();
  let marker: string | undefined;
  do {
    const { key, uploadId } = upload;
    const command = new ListPartsCommand({
      Bucket: upload.bucket,
      Key: key,
      UploadId: uploadId,
      ...(marker === undefined ? {} : { PartNumberMarker: marker }),
    });
    try {
      const page = await bucket.call('list parts', key, signal, () =>
        bucket.client.send(withSignal(command, signal)),
      );
      for (const { PartNumber, ETag, Size, ChecksumSHA256 } of page.Parts ?? []) {
        if (PartNumber === undefined || ETag === undefined) continue;
        parts.set(PartNumber, { etag: ETag, checksumSha256: ChecksumSHA256, sizeBytes: Size ?? -1 });
      }
      const next = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
      // A marker that stands still would ask for ever.
      marker = next === marker ? undefined : next;
    } catch (error) {
      if (error instanceof Fault && statusOf(error.cause) === 404 && error.code !== 'NoSuchBucket')
        return undefined;
      throw error;
    }
  } while (marker !== undefined);
  return parts;
}

/** Positive evidence that the store's part has these bytes. */
export function isPart(part: PartAnswer, digest: Digest): boolean {
  if (part.checksumSha256 !== undefined) return part.checksumSha256 === sha256Base64(digest);
  return unquoted(part.etag) === digest.md5Hex;
}

/** Evidence that it has others; the ETag of an encrypted part, or one that is no MD5, is none. */
export function isOtherPart(part: PartAnswer, digest: Digest, encryption: string | undefined): boolean {
  if (part.checksumSha256 !== undefined) return part.checksumSha256 !== sha256Base64(digest);
  const etag = unquoted(part.etag) ?? '';
  return (encryption ?? 'AES256') === 'AES256' && /^[0-9a-f]{32}$/.test(etag) && etag !== digest.md5Hex;
}
