// Reads a file through once, for its digests alone: before a large upload whose key is taken, to tell whether it
// is needed at all. Holds one chunk at a time.
import { createHash } from 'node:crypto';
import { HASHED_AT_ONCE_BYTES } from './digest.ts';
import type { Digest, LocalContent, UploadSource } from './object-store.ts';

export interface DigestedSource {
  readonly local: LocalContent;
  /** Of the whole content, whatever the parts. */
  readonly sha256Hex: string;
}

export async function digestSource(
  source: UploadSource,
  partSizeBytes: number,
  signal: AbortSignal,
): Promise<DigestedSource> {
  const { sizeBytes } = source;
  const whole = createHash('sha256');
  const parts: Digest[] = [];
  for (let start = 0; start < sizeBytes; start += partSizeBytes) {
    const md5 = createHash('md5');
    const sha256 = createHash('sha256');
    const end = Math.min(start + partSizeBytes, sizeBytes);
    for (let offset = start; offset < end; offset += HASHED_AT_ONCE_BYTES) {
      signal.throwIfAborted();
      const chunk = await source.read(offset, Math.min(HASHED_AT_ONCE_BYTES, end - offset));
      for (const hash of [whole, md5, sha256]) hash.update(chunk);
    }
    parts.push({ md5Hex: md5.digest('hex'), sha256Hex: sha256.digest('hex') });
  }
  return { local: { sizeBytes, parts, multipart: true, partSizeBytes }, sha256Hex: whole.digest('hex') };
}
