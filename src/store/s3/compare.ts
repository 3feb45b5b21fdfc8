// Finds out whether the bucket holds the same bytes as ours under a key: from the store's answers
// if they suffice, else by reading the object back. A wrong "same" would lose a file, so doubt
// means reading.
import { Fault } from '../../system/fault.ts';
import { evidenceOf } from '../evidence.ts';
import type { LocalContent } from '../object-store.ts';
import type { PresentObject } from './answers.ts';
import { isDenied, type S3Bucket } from './bucket.ts';
import { digestsOfObject } from './read-back.ts';

/**
 * Resolves with the object, including read-back digests if they were needed. Resolves with
 * undefined if the bytes differ, or if the object cannot be read (archived, denied, encrypted with
 * another key): keeping both is safe then.
 */
export async function heldIfSame(
  bucket: S3Bucket,
  local: LocalContent,
  held: PresentObject,
  signal: AbortSignal,
): Promise<PresentObject | undefined> {
  const trust = { md5Etags: bucket.dialect.etagIsMd5, byOthers: true };
  const { verdict } = evidenceOf(local, held, trust);
  if (verdict !== 'unknown') return verdict === 'same' ? held : undefined;
  const readBack = await digestsOfObject(bucket, local, held, signal).catch(undefinedIfUnreadable);
  if (readBack === undefined) return undefined;
  const known = { ...held, sizeBytes: local.sizeBytes, readBack };
  return evidenceOf(local, known).verdict === 'same' ? known : undefined;
}

function undefinedIfUnreadable(error: unknown): undefined {
  const isArchived = error instanceof Fault && error.code === 'InvalidObjectState';
  if (!isArchived && !isDenied(error)) throw error;
}
