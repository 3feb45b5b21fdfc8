// Decides whether an object is still what the manifest says. Deterministic.
import { compositeSha256 } from '../store/digest.ts';
import { digestIn, unquoted } from '../store/evidence.ts';
import type { Digest, Receipt } from '../store/object-store.ts';
import { type ManifestLine, objectOf } from './manifest-line.ts';

export type Comparison =
  /** `size`: nothing else of the answer can be compared. */
  | { readonly verdict: 'same'; readonly by: 'version' | 'sha256' | 'etag' | 'read-back' | 'size' }
  | { readonly verdict: 'missing' }
  | { readonly verdict: 'differs'; readonly because: string };

/** Compares what the store says about the object. Undefined: it has none. */
export function compareAnswer(line: ManifestLine, answer: Receipt | undefined): Comparison {
  if (answer === undefined) return { verdict: 'missing' };
  const { bytes } = objectOf(line);
  if (answer.sizeBytes !== undefined && answer.sizeBytes !== bytes)
    return { verdict: 'differs', because: `it has ${answer.sizeBytes} bytes instead of ${bytes}` };
  // Buckets without versions answer `null`.
  if (line.versionId !== undefined && line.versionId !== 'null' && line.versionId === answer.versionId)
    return { verdict: 'same', by: 'version' };
  const bySha256 = compareSha256(line, answer);
  if (bySha256 !== undefined) return bySha256;
  if (line.etag === undefined || answer.etag === undefined) return { verdict: 'same', by: 'size' };
  if (unquoted(line.etag).toLowerCase() === unquoted(answer.etag).toLowerCase())
    return { verdict: 'same', by: 'etag' };
  return {
    verdict: 'differs',
    because: `its ETag is ${unquoted(answer.etag)} instead of ${unquoted(line.etag)}`,
  };
}

function compareSha256(line: ManifestLine, { checksumSha256 }: Receipt): Comparison | undefined {
  const found = checksumSha256 === undefined ? undefined : digestIn(checksumSha256, 32);
  if (found === undefined) return undefined;
  const object = objectOf(line);
  if (found.hex === object.sha256 && found.parts === undefined) return { verdict: 'same', by: 'sha256' };
  if (found.hex === object.sha256OfParts && (found.parts ?? object.parts) === object.parts)
    return { verdict: 'same', by: 'sha256' };
  // A digest of parts depends on where they were cut, so that another one proves nothing.
  const isComparable = found.parts === undefined && object.sha256 !== undefined;
  return isComparable ? { verdict: 'differs', because: 'its SHA-256 is another one' } : undefined;
}

/** Compares the digests of the bytes that were read back, cut as the line says. */
export function compareBytes(line: ManifestLine, digests: readonly Digest[]): Comparison {
  const { sha256, sha256OfParts } = objectOf(line);
  const isSame =
    sha256OfParts === undefined
      ? digests.length === 1 && digests[0]?.sha256Hex === sha256
      : compositeSha256(digests) === sha256OfParts;
  if (isSame) return { verdict: 'same', by: 'read-back' };
  return { verdict: 'differs', because: 'its bytes are others' };
}
