// The key to a removal: what the spool asks for before it deletes a producer's file. Only
// drain/verify makes one.
import { type FileIdentity, sameContentIdentity } from './entry.ts';

declare const proven: unique symbol;

/** The store holds exactly the bytes that were read from these files. */
export interface RemovalProof {
  readonly [proven]: true;
  /** As they were when their content was read. */
  readonly files: readonly FileIdentity[];
}

/** A proof for one file says nothing of another, nor of what was written to the file since. */
export function isProofOf({ files }: RemovalProof, identity: FileIdentity): boolean {
  return files.some((file) => sameContentIdentity(file, identity));
}
