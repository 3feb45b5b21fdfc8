// Where an object may go without harming another: the conflict policy, for whole and multipart
// uploads alike.
// Invariant: unless the policy is `overwrite`, no key is written that may hold other bytes: either
// the store refuses to overwrite, or the key has been looked at.
import { Fault } from '../../system/fault.ts';
import { suffixedKey } from '../keys.ts';
import type { LocalContent, Receipt, Upload } from '../object-store.ts';
import type { HeldObject } from './answers.ts';
import { isDenied, isTaken, type S3Bucket } from './bucket.ts';
import { heldIfSame } from './compare.ts';
import { mayBeTheHeader, type Writing } from './dialect.ts';

export type ConflictPolicy = 'keep-both' | 'overwrite' | 'skip';

/** The bytes to place and the way to write them. */
export interface Placement {
  readonly bucket: S3Bucket;
  readonly policy: ConflictPolicy;
  readonly key: string;
  readonly signal: AbortSignal;
  /** The request that makes the object appear. */
  readonly writes: Writing;
  /** Ask before writing even where the store would refuse to overwrite: a write is expensive. */
  readonly lookFirst: boolean;
  /** Finds out with objects of our own whether the store refuses to overwrite. */
  findOut(writes: Writing, signal: AbortSignal): Promise<void>;
  /** Digests of the local bytes; may have to read them. */
  local(): Promise<LocalContent>;
  /** SHA-256 of the whole content, for a key of its own. */
  sha256Hex(): Promise<string>;
  /**
   * Rejects with a Fault for which `isTaken` holds when `onlyIfAbsent` kept it from overwriting.
   */
  write(key: string, onlyIfAbsent: boolean): Promise<Receipt>;
}

interface Found {
  /** A key was taken by what could not be compared: whose fault that is, is not certain. */
  unreadable: boolean;
}

/**
 * Digits of the content's SHA-256 in the key of an object kept beside another, should shorter ones
 * be taken, too.
 */
const SUFFIX_DIGITS = [8, 16, 64] as const;

export async function place(placement: Placement): Promise<Upload> {
  if (placement.policy === 'overwrite') return stored(placement, await placement.write(placement.key, false));
  const found: Found = { unreadable: false };
  const first = await placeAt(placement, placement.key, found);
  if (first !== undefined) return first;
  if (placement.policy === 'skip') {
    throw new Fault(
      found.unreadable ? 'unknown' : 'file',
      'the bucket already holds another object under this key',
      {
        operation: 'put object',
        subject: `${placement.bucket.name}/${placement.key}`,
        hint: 'Rename the file, or set s3.conflict to keep-both or overwrite.',
        code: 'ObjectExists',
      },
    );
  }
  const sha256Hex = await placement.sha256Hex();
  for (const digits of SUFFIX_DIGITS) {
    const upload = await placeAt(placement, suffixedKey(placement.key, sha256Hex, digits), found);
    if (upload !== undefined) return upload;
  }
  throw new Fault(
    found.unreadable ? 'unknown' : 'file',
    'every key for this content is taken by another object',
    {
      operation: 'put object',
      subject: `${placement.bucket.name}/${placement.key}`,
      code: 'ObjectExists',
    },
  );
}

/** Undefined when the key holds other bytes, or bytes that cannot be read. */
async function placeAt(placement: Placement, key: string, found: Found): Promise<Upload | undefined> {
  const { bucket, writes } = placement;
  const isGuarded = bucket.dialect.conditions(writes) === 'supported';
  if (placement.lookFirst || !isGuarded || bucket.taken.has(key)) {
    const held = await lookUp(placement, key);
    if (held !== undefined) return alreadyThere(placement, held, found);
  }
  try {
    const upload = await stored(placement, await placement.write(key, true));
    bucket.taken.add(key);
    return upload;
  } catch (error) {
    if (await foundOut(placement, error)) return placeAt(placement, key, found);
    if (!isTaken(error)) throw error;
    bucket.taken.add(key);
    const held = await lookUp(placement, key);
    // Taken a moment ago and gone again: the Fault is transient, the drain tries anew.
    if (held === undefined) throw error;
    return alreadyThere(placement, held, found);
  }
}

/**
 * Whether the store has now been found to take the condition or not, on a key of our own: sent
 * without it, a write that arrives late, or twice, would replace another's object.
 */
async function foundOut({ bucket, writes, findOut, signal }: Placement, refusal: unknown): Promise<boolean> {
  const isOpen = () => bucket.dialect.conditions(writes) === 'unknown';
  if (writes !== 'put object' || !isOpen() || !mayBeTheHeader(refusal)) return false;
  // What the trial meets says nothing of this file.
  await findOut(writes, signal).catch((fault: unknown) => {
    if (!(fault instanceof Fault)) throw fault;
  });
  return !isOpen();
}

/** Undefined for a free key. */
async function lookUp(placement: Placement, key: string): Promise<HeldObject | 'unreadable' | undefined> {
  const { bucket, signal } = placement;
  try {
    const held = await bucket.head(key, signal);
    if (held === undefined) bucket.taken.forget(key);
    return held;
  } catch (error) {
    // An object that is encrypted with a key of its writer's own (SSE-C) is answered so.
    if (error instanceof Fault && error.code === 'InvalidRequest') return 'unreadable';
    if (!isDenied(error)) throw error;
    if (bucket.taken.has(key)) return 'unreadable';
  }
  await refuseUnguarded(placement, key);
  return undefined;
}

/**
 * Without s3:ListBucket S3 answers 403 for what is not there, and where the store is known to
 * refuse to overwrite that is good enough to go on.
 */
async function refuseUnguarded({ bucket, writes, findOut, signal }: Placement, key: string): Promise<void> {
  if (bucket.dialect.conditions(writes) === 'unknown') await findOut(writes, signal);
  if (bucket.dialect.conditions(writes) === 'supported') return;
  throw new Fault(
    'breaker',
    'the credentials may not look whether the key is free, and the store would overwrite',
    {
      operation: 'look up object',
      subject: `${bucket.name}/${key}`,
      hint: 'Allow s3:GetObject below the prefix and s3:ListBucket on the bucket, or set s3.conflict to overwrite.',
      code: 'CannotLook',
    },
  );
}

async function stored(placement: Placement, receipt: Receipt): Promise<Upload> {
  return { local: await placement.local(), receipt, outcome: 'stored' };
}

async function alreadyThere(
  placement: Placement,
  held: HeldObject | 'unreadable',
  found: Found,
): Promise<Upload | undefined> {
  if (held === 'unreadable') {
    found.unreadable = true;
    return undefined;
  }
  const { bucket, signal } = placement;
  const local = await placement.local();
  const receipt = await heldIfSame(bucket, local, held, signal);
  return receipt === undefined ? undefined : { local, receipt, outcome: 'already-there' };
}
