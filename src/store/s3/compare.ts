// Is what the bucket holds under a key the same bytes as ours? Decided from the store's answers
// where they are telling, else by reading the object back. A wrong "same" would lose a file: doubt
// means reading.
import { Fault } from '../../system/fault.ts';
import { evidenceOf } from '../evidence.ts';
import type { LocalContent } from '../object-store.ts';
import type { HeldObject } from './answers.ts';
import { isDenied, type S3Bucket } from './bucket.ts';
import { digestsOfObject } from './read-back.ts';

/**
 * The object with its read-back digests where those were needed to tell; undefined when it is other
 * bytes, and when it cannot be read (archived, denied, encrypted with a key of others): to keep
 * both is safe.
 */
export async function heldIfSame(
  bucket: S3Bucket,
  local: LocalContent,
  held: HeldObject,
  signal: AbortSignal,
): Promise<HeldObject | undefined> {
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
