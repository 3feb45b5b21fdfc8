// Finds out what the store already has of an open multipart upload. A part counts only if the
// store's digest of it matches the local bytes.

import { digestIn, type Evidence, evidenceOf } from '../evidence.ts';
import type { Digest, LocalContent, Receipt } from '../object-store.ts';
import type { S3Bucket } from './bucket.ts';
import { partsOf, strong, type UploadPlace } from './multipart-requests.ts';

export interface StoredPart {
  /** Written as the store wrote it, with quotes: completing the upload repeats it. */
  readonly etag: string;
  readonly checksumSha256: string | undefined;
  readonly sizeBytes: number | undefined;
}

/**
 * Resolves with the parts by number. A part that was listed without an ETag cannot be completed, so
 * it is left out and sent again.
 */
export async function standingParts(
  bucket: S3Bucket,
  upload: UploadPlace,
  signal: AbortSignal,
): Promise<Map<number, StoredPart> | 'gone' | 'untold'> {
  if (bucket.dialect.lacks.has('list parts')) return 'untold';
  const listed = await partsOf(bucket, upload, signal);
  if (typeof listed === 'string') return listed;
  const parts = new Map<number, StoredPart>();
  for (const { PartNumber, ETag, Size: sizeBytes, ChecksumSHA256: checksumSha256 } of listed) {
    if (PartNumber !== undefined && ETag !== undefined)
      parts.set(PartNumber, { etag: strong(ETag) ?? ETag, checksumSha256, sizeBytes });
  }
  return parts;
}

/** Decides what the store's part says about ours. */
export function evidenceOfPart(part: StoredPart, digest: Digest, bytes: number): Evidence['verdict'] {
  const { etag, checksumSha256, sizeBytes } = part;
  return evidenceOf(contentOf(digest, bytes), {
    key: '',
    etag,
    ...(checksumSha256 === undefined ? {} : { checksumSha256 }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  }).verdict;
}

/** True if the store's answer to a part means that it has different bytes. */
export function isOtherPart(answer: Receipt, digest: Digest, bytes: number, md5Etags: boolean): boolean {
  return evidenceOf(contentOf(digest, bytes), answer, { md5Etags }).verdict === 'different';
}

/** True if the ETag is the MD5 of these bytes. */
export function isMd5(etag: string | undefined, { md5Hex }: Digest): boolean {
  return etag !== undefined && digestIn(etag, 16)?.hex === md5Hex;
}

function contentOf(digest: Digest, sizeBytes: number): LocalContent {
  return { sizeBytes, parts: [digest], multipart: false };
}
