// What the store already has of a journaled multipart upload. It is believed only where a part's size and digest
// are those of the local bytes, which multipart.ts checks.
import { ListPartsCommand } from '@aws-sdk/client-s3';
import { Fault } from '../system/fault.ts';
import type { Bucket } from './bucket.ts';
import { statusOf } from './classify.ts';
import type { JournaledUpload } from './object-store.ts';

export interface StoredPart {
  /** As answered, quotes included: completing the upload repeats it. */
  readonly etag: string;
  readonly checksumSha256: string | undefined;
  readonly sizeBytes: number;
}

/** By part number; undefined when the upload is no longer open. */
export async function openParts(
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
        bucket.client.send(command, { abortSignal: signal }),
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
