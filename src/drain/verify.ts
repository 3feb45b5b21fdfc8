// Turns what the store answered into a proof, or into nothing. Pure, and the only place where a Proof is made:
// without one, drain/dispose cannot be called, so an unproven delete does not compile.
import { expectedEtag, expectedSha256 } from '../store/digest.ts';
import type { Digest, LocalContent, Receipt } from '../store/object-store.ts';

declare const proven: unique symbol;

/** The store holds exactly the bytes that were read from the file. */
export interface Proof {
  readonly [proven]: true;
  readonly key: string;
  readonly sizeBytes: number;
  /** Which of the store's answers was compared. */
  readonly by: 'sha256' | 'etag' | 'read-back';
}

/** Not proven: the answers differ from the local bytes, or there was nothing to compare. */
export interface Doubt {
  readonly doubt: string;
}

/**
 * Compares the strongest answer there is. A size that differs is always a doubt; an ETag is believed only where it is
 * the MD5 that the local bytes have, since encrypting stores answer with one that merely looks like an MD5.
 */
export function verify(local: LocalContent, receipt: Receipt): Proof | Doubt {
  if (receipt.sizeBytes !== undefined && receipt.sizeBytes !== local.sizeBytes)
    return { doubt: `the store holds ${receipt.sizeBytes} bytes, the file has ${local.sizeBytes}` };
  if (receipt.readBack !== undefined)
    return sameParts(local, receipt.readBack)
      ? prove(local, receipt, 'read-back')
      : { doubt: 'the object read back differs from the file' };
  if (receipt.checksumSha256 !== undefined)
    return receipt.checksumSha256 === expectedSha256(local)
      ? prove(local, receipt, 'sha256')
      : { doubt: `the store's SHA-256 ${receipt.checksumSha256} is not the file's` };
  if (receipt.etag !== undefined && receipt.etag === expectedEtag(local))
    return prove(local, receipt, 'etag');
  return { doubt: `the store's answer cannot be compared (ETag ${receipt.etag ?? 'missing'})` };
}

export function isProof(verdict: Proof | Doubt): verdict is Proof {
  return !('doubt' in verdict);
}

function prove(local: LocalContent, receipt: Receipt, by: Proof['by']): Proof {
  return { key: receipt.key, sizeBytes: local.sizeBytes, by } as Proof;
}

function sameParts({ parts }: LocalContent, readBack: readonly Digest[]): boolean {
  return (
    parts.length === readBack.length && parts.every((part, at) => part.sha256Hex === readBack[at]?.sha256Hex)
  );
}
