// What a file in the spool holds, so that the same upload that comes again is known.
import { createHash } from 'node:crypto';
import { sameContentIdentity } from './entry.ts';
import { changedFault } from './spool-fault.ts';
import type { SpoolFile } from './spool-file.ts';

export interface DepositContent {
  readonly sizeBytes: number;
  readonly sha256: Buffer;
}

const AT_ONCE_BYTES = 1 << 20;

/**
 * Reads all of `file`. Rejects with Fault `changed` if it is written to meanwhile, and with the
 * reason of `signal`.
 */
export async function sha256Of(file: SpoolFile, signal?: AbortSignal): Promise<DepositContent> {
  const { sizeBytes } = file;
  const hash = createHash('sha256');
  for (let offset = 0; offset < sizeBytes; offset += AT_ONCE_BYTES) {
    signal?.throwIfAborted();
    hash.update(await file.read(offset, Math.min(AT_ONCE_BYTES, sizeBytes - offset)));
  }
  if (!sameContentIdentity(await file.currentIdentity(), file.identity))
    throw changedFault('read', `${file.path}`, 'changed while it was read');
  return { sizeBytes, sha256: hash.digest() };
}
