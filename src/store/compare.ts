// Is what the bucket holds under a key the same bytes as ours? Decided from the store's answers where they are
// telling, else by reading the object back. A wrong "same" would lose a file: doubt means reading.
import { createHash } from 'node:crypto';
import { Fault } from '../system/fault.ts';
import type { Bucket, HeldObject } from './bucket.ts';
import { expectedEtag, expectedSha256 } from './digest.ts';
import type { Digest, LocalContent } from './object-store.ts';

export type Likeness = 'same' | 'different' | 'unknown';

/** `md5Etags`: this store is known to use MD5s as ETags, so that another one means other bytes. */
export function likeness(local: LocalContent, held: HeldObject, md5Etags: boolean): Likeness {
  if (held.sizeBytes !== local.sizeBytes) return 'different';
  if (held.checksumSha256 !== undefined && held.checksumSha256 === expectedSha256(local)) return 'same';
  if (held.etagMayBeMd5 && held.etag !== undefined && held.etag === expectedEtag(local)) return 'same';
  // Composed digests also depend on where the parts were cut: only those of whole objects can tell two apart.
  if (local.multipart) return 'unknown';
  if (held.checksumSha256 !== undefined && !held.checksumSha256.includes('-')) return 'different';
  if (md5Etags && held.etagMayBeMd5 && /^[0-9a-f]{32}$/.test(held.etag ?? '')) return 'different';
  return 'unknown';
}

/**
 * The object with its read-back digests where those were needed to tell; undefined when it is other bytes, and when it
 * is archived: nobody can read those, and to keep both is safe.
 */
export async function heldIfSame(
  bucket: Bucket,
  local: LocalContent,
  held: HeldObject,
  signal: AbortSignal,
): Promise<HeldObject | undefined> {
  const first = likeness(local, held, bucket.etagIsMd5);
  if (first !== 'unknown') return first === 'same' ? held : undefined;
  const readBack = await digestsOfObject(bucket, local, held, signal).catch(undefinedIfArchived);
  if (readBack === undefined) return undefined;
  const same = readBack.every((digest, index) => digest.sha256Hex === local.parts[index]?.sha256Hex);
  return same ? { ...held, readBack } : undefined;
}

function undefinedIfArchived(error: unknown): undefined {
  if (!(error instanceof Fault && error.code === 'InvalidObjectState')) throw error;
}

/**
 * Reads the object back, cut as `local` is, never holding more than a chunk of it. Rejects with a Fault of class
 * `transient` when its bytes are not as many as HEAD said, or it is replaced meanwhile.
 */
export async function digestsOfObject(
  bucket: Bucket,
  local: LocalContent,
  held: HeldObject,
  signal: AbortSignal,
): Promise<Digest[]> {
  const sizeBytes = held.sizeBytes ?? 0;
  const cutBytes = local.partSizeBytes ?? Math.max(1, sizeBytes);
  const digests: Digest[] = [];
  // One request a part: each has its own deadline, and none is long.
  for (let start = 0; start < sizeBytes || start === 0; start += cutBytes) {
    const end = Math.min(start + cutBytes, sizeBytes);
    const range = cutBytes < sizeBytes ? `${start}-${end - 1}` : undefined;
    const md5 = createHash('md5');
    const sha256 = createHash('sha256');
    let missingBytes = end - start;
    for await (const chunk of bucket.read(held.key, range, held.etag, signal)) {
      md5.update(chunk);
      sha256.update(chunk);
      missingBytes -= chunk.byteLength;
      if (missingBytes < 0) break;
    }
    if (missingBytes !== 0) throw tornAnswer(held.key);
    digests.push({ md5Hex: md5.digest('hex'), sha256Hex: sha256.digest('hex') });
  }
  return digests;
}

function tornAnswer(key: string): Fault {
  return new Fault('transient', 'the object read back is not as long as the store said', {
    operation: 'read object back',
    subject: key,
    code: 'ReadBackSize',
  });
}
