// The permission for a removal. The spool asks for it before it deletes a producer's file. Only
// drain/verify makes one.
import { type FileIdentity, sameContentIdentity } from './entry.ts';

declare const proven: unique symbol;

/** Proves that the store holds exactly the bytes that were read from these files. */
export interface RemovalProof {
  readonly [proven]: true;
  /** The files' identities when their content was read. */
  readonly files: readonly FileIdentity[];
}

/**
 * A proof for one file is not valid for another file, nor for what was written to the file
 * afterwards.
 */
export function isProofOf({ files }: RemovalProof, identity: FileIdentity): boolean {
  return files.some((file) => sameContentIdentity(file, identity));
}
