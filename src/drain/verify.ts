// Turns what the store answered into a proof, or into a doubt. Deterministic. The only place where
// a Proof is made: without one the spool removes nothing, so an unproven delete does not compile.
import type { FileIdentity } from '../spool/entry.ts';
import { isProofOf, type RemovalProof } from '../spool/proof.ts';
import { type Evidence, evidenceOf } from '../store/evidence.ts';
import type { LocalContent, Receipt } from '../store/object-store.ts';

export interface Proof extends RemovalProof {
  readonly key: string;
  readonly sizeBytes: number;
  /** Which of the store's answers was compared. */
  readonly by: (Evidence & { verdict: 'same' })['by'];
  /** The digest of the whole content, if it is known. */
  readonly sha256Hex: string | undefined;
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
  const { sizeBytes, multipart, parts, whole } = local;
  const sha256Hex = (multipart ? whole : parts[0])?.sha256Hex;
  return proofFor(files, { key: receipt.key, sizeBytes, by: evidence.by, sha256Hex });
}

/** A packet as it was packed, and the digest of its file as it was sent. */
export interface SentPacket {
  readonly identity: FileIdentity;
  readonly sizeBytes: number;
  readonly sha256Hex: string;
  readonly sentSha256Hex: string;
}

/**
 * Returns a proof for files that were packed, if `proof` is for the packet and the packet is still
 * as it was packed.
 */
export function membersProof(
  proof: Proof,
  packet: SentPacket,
  members: readonly FileIdentity[],
): Proof | Doubt {
  if (!isProofOf(proof, packet.identity) || proof.sizeBytes !== packet.sizeBytes)
    return { doubt: 'the proof is not for this packet' };
  if (packet.sentSha256Hex !== packet.sha256Hex) return { doubt: 'the packet is not what was packed' };
  return proofFor(members, proof);
}

function proofFor(
  files: readonly FileIdentity[],
  { key, sizeBytes, by, sha256Hex }: Pick<Proof, 'key' | 'sizeBytes' | 'by' | 'sha256Hex'>,
): Proof {
  return { files, key, sizeBytes, by, sha256Hex } as Proof;
}

/** True if verify() returned a proof. */
export function isProof(verdict: Proof | Doubt): verdict is Proof {
  return !('doubt' in verdict);
}
