// Where an object may go without harming another: the conflict policy, for whole and multipart uploads alike.
// Invariant: unless the policy is `overwrite`, no key is written that is known to hold other bytes.
import { Fault } from '../system/fault.ts';
import { type Bucket, type HeldObject, isTaken } from './bucket.ts';
import { heldIfSame } from './compare.ts';
import { suffixedKey } from './keys.ts';
import type { LocalContent, Receipt, Upload } from './object-store.ts';

export type ConflictPolicy = 'keep-both' | 'overwrite' | 'skip';

/** The bytes to place and the way to write them. */
export interface Placement {
  readonly bucket: Bucket;
  readonly policy: ConflictPolicy;
  readonly key: string;
  readonly signal: AbortSignal;
  /** Ask before writing even where the store would refuse to overwrite: a write is expensive. */
  readonly lookFirst: boolean;
  /** Digests of the local bytes; may have to read them. */
  local(): Promise<LocalContent>;
  /** SHA-256 of the whole content, for a key of its own. */
  sha256Hex(): Promise<string>;
  /** Rejects with a Fault for which `isTaken` holds when `onlyIfAbsent` kept it from overwriting. */
  write(key: string, onlyIfAbsent: boolean): Promise<Receipt>;
}

/** Digits of the content's SHA-256 in the key of an object kept beside another, should shorter ones be taken, too. */
const SUFFIX_DIGITS = [8, 16, 64] as const;

export async function place(placement: Placement): Promise<Upload> {
  if (placement.policy === 'overwrite') return stored(placement, await placement.write(placement.key, false));
  const first = await placeAt(placement, placement.key);
  if (first !== undefined) return first;
  if (placement.policy === 'skip') {
    throw new Fault('file', 'the bucket already holds another object under this key', {
      operation: 'put object',
      subject: `${placement.bucket.name}/${placement.key}`,
      hint: 'Rename the file, or set s3.conflict to keep-both or overwrite.',
      code: 'ObjectExists',
    });
  }
  const sha256Hex = await placement.sha256Hex();
  for (const digits of SUFFIX_DIGITS) {
    const upload = await placeAt(placement, suffixedKey(placement.key, sha256Hex, digits));
    if (upload !== undefined) return upload;
  }
  throw new Fault('file', 'every key for this content is taken by another object', {
    operation: 'put object',
    subject: `${placement.bucket.name}/${placement.key}`,
    code: 'ObjectExists',
  });
}

/** Undefined when the key holds other bytes. */
async function placeAt(placement: Placement, key: string): Promise<Upload | undefined> {
  const { bucket, signal } = placement;
  if (placement.lookFirst || bucket.conditions !== 'supported') {
    const held = await lookUp(bucket, key, signal);
    if (held !== undefined) return alreadyThere(placement, held);
  }
  try {
    return await stored(placement, await writeIfAbsent(placement, key));
  } catch (error) {
    if (!isTaken(error)) throw error;
    bucket.conditions = 'supported';
    const held = await bucket.head(key, signal);
    // Taken a moment ago and gone again: the Fault is transient, the drain tries anew.
    if (held === undefined) throw error;
    return alreadyThere(placement, held);
  }
}

/**
 * Without s3:ListBucket S3 answers 403 for what is not there, and where the store refuses to overwrite that is
 * good enough to go on.
 */
async function lookUp(bucket: Bucket, key: string, signal: AbortSignal): Promise<HeldObject | undefined> {
  try {
    return await bucket.head(key, signal);
  } catch (error) {
    const denied = error instanceof Fault && (error.code === 'Http403' || error.code === 'Forbidden');
    if (denied && (bucket.conditions === 'supported' || bucket.conditions === 'unknown')) return undefined;
    throw error;
  }
}

/** A store that does not know the condition says so: then looking first is all there is. */
async function writeIfAbsent(placement: Placement, key: string): Promise<Receipt> {
  const { bucket } = placement;
  const asks = bucket.conditions === 'supported' || bucket.conditions === 'unknown';
  try {
    return await placement.write(key, asks);
  } catch (error) {
    if (!asks || bucket.conditions !== 'unknown' || !isRefusal(error)) throw error;
    const receipt = await placement.write(key, false);
    bucket.conditions = 'refused';
    return receipt;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Fault && REFUSALS.has(error.code ?? '');
}

const REFUSALS = new Set(['NotImplemented', 'InvalidArgument', 'InvalidRequest', 'Http501', 'Http400']);

async function stored(placement: Placement, receipt: Receipt): Promise<Upload> {
  return { local: await placement.local(), receipt, outcome: 'stored' };
}

async function alreadyThere(placement: Placement, held: HeldObject): Promise<Upload | undefined> {
  const { bucket, signal } = placement;
  const local = await placement.local();
  const same = await heldIfSame(bucket, local, held, signal);
  if (same === undefined) return undefined;
  const { etagMayBeMd5: _, ...receipt } = same;
  return { local, receipt, outcome: 'already-there' };
}
