// Finds out whether the store holds an object of which only size and digest are known, because its
// own file cannot be read any more.
import type { FileIdentity } from '../spool/entry.ts';
import type { ObjectStore, Upload } from '../store/object-store.ts';
import { asFault } from './drain-faults.ts';
import { isProof, type Proof, verify } from './verify.ts';

export interface KnownObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256Hex: string;
  /** What the file was that it was sent from. */
  readonly identity: FileIdentity;
}

export interface FoundObject {
  readonly upload: Upload;
  readonly proof: Proof;
}

/**
 * Resolves with undefined if the store does not provably hold it. Rejects with a Fault if the store
 * cannot be asked now, or with the signal's reason.
 */
export async function findObject(
  { key, sizeBytes, sha256Hex, identity }: KnownObject,
  store: Pick<ObjectStore, 'confirm'>,
  signal: AbortSignal,
): Promise<FoundObject | undefined> {
  const local = { sizeBytes, parts: [{ sha256Hex, md5Hex: '' }], multipart: false };
  try {
    const receipt = await store.confirm(key, local, signal);
    const proof = verify(local, receipt, [identity]);
    return isProof(proof) ? { upload: { local, receipt, outcome: 'already-there' }, proof } : undefined;
  } catch (error) {
    signal.throwIfAborted();
    const { faultClass, code } = asFault(error);
    const isAnswer = code === 'NotFound' || code === 'NotProven';
    if (isAnswer || faultClass === 'file') return undefined;
    throw error;
  }
}
