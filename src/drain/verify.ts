// Turns what the store answered into a proof, or into a doubt. Deterministic. The only place where
// a Proof is made: without one the spool removes nothing, so an unproven delete does not compile.
import type { FileIdentity } from '../spool/entry.ts';
import type { RemovalProof } from '../spool/proof.ts';
import { type Evidence, evidenceOf } from '../store/evidence.ts';
import type { LocalContent, Receipt } from '../store/object-store.ts';

export interface Proof extends RemovalProof {
  readonly key: string;
  readonly sizeBytes: number;
  /** Which of the store's answers was compared. */
  readonly by: (Evidence & { verdict: 'same' })['by'];
}

/** Not proven: the answers differ from the local bytes, or nothing could be compared. */
export interface Doubt {
  readonly doubt: string;
}

/**
 * Returns a proof if the answer says that the store holds the same bytes; see store/evidence for
 * the rules. The proof allows the removal of `files`, from which `local` was read, and of no
 * others.
 */
export function verify(
  local: LocalContent,
  receipt: Receipt,
  files: readonly FileIdentity[] = [],
): Proof | Doubt {
  const evidence = evidenceOf(local, receipt);
  if (evidence.verdict !== 'same') return { doubt: evidence.because };
  return { files, key: receipt.key, sizeBytes: local.sizeBytes, by: evidence.by } as Proof;
}

/** True if verify() returned a proof. */
export function isProof(verdict: Proof | Doubt): verdict is Proof {
  return !('doubt' in verdict);
}
