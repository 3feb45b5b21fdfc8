// Turns what the store answered into a proof, or into nothing. Deterministic, and the only place where a Proof is made:
// without one, drain/dispose cannot be called, so an unproven delete does not compile.
import { type Evidence, evidenceOf } from '../store/evidence.ts';
import type { LocalContent, Receipt } from '../store/object-store.ts';

declare const proven: unique symbol;

/** The store holds exactly the bytes that were read from the file. */
export interface Proof {
  readonly [proven]: true;
  readonly key: string;
  readonly sizeBytes: number;
  /** Which of the store's answers was compared. */
  readonly by: (Evidence & { verdict: 'same' })['by'];
}

/** Not proven: the answers differ from the local bytes, or there was nothing to compare. */
export interface Doubt {
  readonly doubt: string;
}

/** A proof where the answer says that the store holds the same bytes; see store/evidence for what says so. */
export function verify(local: LocalContent, receipt: Receipt): Proof | Doubt {
  const evidence = evidenceOf(local, receipt);
  if (evidence.verdict !== 'same') return { doubt: evidence.because };
  return { key: receipt.key, sizeBytes: local.sizeBytes, by: evidence.by } as Proof;
}

export function isProof(verdict: Proof | Doubt): verdict is Proof {
  return !('doubt' in verdict);
}
