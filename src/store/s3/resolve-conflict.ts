// Decides where an object may go without harming another: the conflict policy, for whole and
// multipart uploads.
// Invariant: unless the policy is `overwrite`, no key is written that may hold different bytes.
// Either the store refuses to overwrite, or the key was looked at.
import { Fault } from '../../system/fault.ts';
import { suffixedKey } from '../keys.ts';
import type { LocalContent, Receipt, Upload } from '../object-store.ts';
import type { PresentObject } from './answers.ts';
import { isDenied, isTaken, type S3Bucket } from './bucket.ts';
import { heldIfSame } from './compare.ts';
import { mayBeTheHeader, type Writing } from './dialect.ts';

export type ConflictPolicy = 'keep-both' | 'overwrite' | 'skip';

/** The bytes to place, and the way to write them. */
export interface Placement {
  readonly bucket: S3Bucket;
  readonly policy: ConflictPolicy;
  readonly key: string;
  readonly signal: AbortSignal;
  /** The request that makes the object appear. */
  readonly writes: Writing;
  /**
   * Look before writing even if the store would refuse to overwrite, because the write is
   * expensive.
   */
  readonly lookFirst: boolean;
  /** Nothing needs to be written if the same bytes are there, whatever the policy. */
  readonly mayBeThere: boolean;
  /** Finds out with objects of our own whether the store refuses to overwrite. */
  findOut(writes: Writing, signal: AbortSignal): Promise<void>;
  /** Digests of the local bytes. It may have to read them. */
  local(): Promise<LocalContent>;
  /** SHA-256 of the whole content, for the key of a second object. */
  sha256Hex(): Promise<string>;
  /**
   * Writes the object. If `onlyIfAbsent` kept it from overwriting, it rejects with a Fault for
   * which isTaken() is true.
   */
  write(key: string, onlyIfAbsent: boolean): Promise<Receipt>;
}

interface Found {
  /**
   * A key was taken by an object that could not be compared, so it is not certain what is to blame.
   */
  unreadable: boolean;
}

/**
 * How many digits of the content's SHA-256 the key of a second object has. Longer ones are used if
 * shorter keys are taken as well.
 */
const SUFFIX_DIGITS = [8, 16, 64] as const;

/**
 * Stores the object under the first key that the policy allows. Rejects with Fault `file` (or
 * `unknown`, if a key could not be read) when there is none, and as the requests do.
 */
export async function resolveConflict(placement: Placement): Promise<Upload> {
  if (placement.policy === 'overwrite') return overwrite(placement);
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

async function overwrite(placement: Placement): Promise<Upload> {
  const { bucket, key, signal, mayBeThere } = placement;
  const held = mayBeThere ? await bucket.head(key, signal).catch(undefinedIfDenied) : undefined;
  const present = held && (await alreadyThere(placement, held, { unreadable: false }));
  return present ?? stored(placement, await placement.write(key, false));
}

function undefinedIfDenied(error: unknown): undefined {
  if (!isDenied(error)) throw error;
}

/** Resolves with undefined if the key holds different bytes, or bytes that cannot be read. */
async function placeAt(placement: Placement, key: string, found: Found): Promise<Upload | undefined> {
  const { bucket, writes } = placement;
  const isGuarded = bucket.dialect.conditions(writes) === 'supported';
  if (placement.lookFirst || placement.mayBeThere || !isGuarded || bucket.taken.has(key)) {
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
    // The key was taken a moment ago and is free again. The Fault is transient, so the drain tries
    // again.
    if (held === undefined) throw error;
    return alreadyThere(placement, held, found);
  }
}

/**
 * Resolves with true if a trial on a key of our own has now shown whether the store accepts the
 * condition. The write must not be sent without the condition: arriving late or twice, it would
 * replace another object.
 */
async function foundOut({ bucket, writes, findOut, signal }: Placement, refusal: unknown): Promise<boolean> {
  const isOpen = () => bucket.dialect.conditions(writes) === 'unknown';
  if (writes !== 'put object' || !isOpen() || !mayBeTheHeader(refusal)) return false;
  // A failure of the trial says nothing about this file.
  await findOut(writes, signal).catch((fault: unknown) => {
    if (!(fault instanceof Fault)) throw fault;
  });
  return !isOpen();
}

/** Resolves with undefined for a free key. */
async function lookUp(placement: Placement, key: string): Promise<PresentObject | 'unreadable' | undefined> {
  const { bucket, signal } = placement;
  try {
    const held = await bucket.head(key, signal);
    if (held === undefined) bucket.taken.forget(key);
    return held;
  } catch (error) {
    // S3 answers so for an object that is encrypted with its writer's own key (SSE-C).
    if (error instanceof Fault && error.code === 'InvalidRequest') return 'unreadable';
    if (!isDenied(error)) throw error;
    if (bucket.taken.has(key)) return 'unreadable';
  }
  await refuseUnguarded(placement, key);
  return undefined;
}

/**
 * Without s3:ListBucket, S3 answers 403 for a missing object. If the store is known to refuse to
 * overwrite, that is good enough to continue.
 */
async function refuseUnguarded({ bucket, writes, findOut, signal }: Placement, key: string): Promise<void> {
  if (bucket.dialect.conditions(writes) === 'unknown') await findOut(writes, signal);
  if (bucket.dialect.conditions(writes) === 'supported') return;
  throw new Fault(
    'breaker',
    'the credentials do not allow a look at whether the key is free, and the store would overwrite the object',
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
  held: PresentObject | 'unreadable',
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
