// Reads a file once, only for its digests: to find out, before a large upload to a key that is
// taken, whether the upload is needed. Holds one chunk at a time.
import { createHash } from 'node:crypto';
import { HASHED_AT_ONCE_BYTES } from './digest.ts';
import type { Digest, LocalContent, UploadSource } from './object-store.ts';

/**
 * Resolves with the digests of the parts and of the whole. Rejects as `source` does, or with the
 * signal's reason.
 */
export async function digestSource(
  source: UploadSource,
  partSizeBytes: number,
  signal: AbortSignal,
): Promise<LocalContent & { readonly whole: Digest }> {
  const { sizeBytes } = source;
  const wholeMd5 = createHash('md5');
  const wholeSha256 = createHash('sha256');
  const parts: Digest[] = [];
  for (let start = 0; start < sizeBytes; start += partSizeBytes) {
    const md5 = createHash('md5');
    const sha256 = createHash('sha256');
    const end = Math.min(start + partSizeBytes, sizeBytes);
    for (let offset = start; offset < end; offset += HASHED_AT_ONCE_BYTES) {
      signal.throwIfAborted();
      const chunk = await source.read(offset, Math.min(HASHED_AT_ONCE_BYTES, end - offset));
      for (const hash of [wholeMd5, wholeSha256, md5, sha256]) hash.update(chunk);
      source.giveBack?.(chunk);
    }
    parts.push({ md5Hex: md5.digest('hex'), sha256Hex: sha256.digest('hex') });
  }
  const whole = { md5Hex: wholeMd5.digest('hex'), sha256Hex: wholeSha256.digest('hex') };
  return { sizeBytes, parts, multipart: true, partSizeBytes, whole };
}
