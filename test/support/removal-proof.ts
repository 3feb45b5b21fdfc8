// A proof that a file is stored, as drain/verify makes one, for tests that remove it.
import { createHash } from 'node:crypto';
import { isProof, type Proof, verify } from '../../src/drain/verify.ts';
import type { FileIdentity } from '../../src/spool/entry.ts';

export function proofFor({ identity }: { readonly identity: FileIdentity }): Proof {
  const md5Hex = createHash('md5').digest('hex');
  const sha256Hex = createHash('sha256').digest('hex');
  const local = { sizeBytes: 0, multipart: false, parts: [{ md5Hex, sha256Hex, sizeBytes: 0 }] };
  const proof = verify(local, { key: 'key', etag: md5Hex }, [identity]);
  if (!isProof(proof)) throw new Error(proof.doubt);
  return proof;
}
