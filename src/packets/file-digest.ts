// The SHA-256 of a file as it is on the disk.
import { createHash } from 'node:crypto';
import type { OpenFile } from '../drain/transfer.ts';

/** How much is read at once. Uploads need memory and the disk as well. */
const CHUNK_BYTES = 1 << 20;

/** Rejects as the file does. */
export async function sha256Of(file: Pick<OpenFile, 'sizeBytes' | 'read'>): Promise<string> {
  const { sizeBytes } = file;
  const hash = createHash('sha256');
  for (let at = 0; at < sizeBytes; at += CHUNK_BYTES)
    hash.update(await file.read(at, Math.min(CHUNK_BYTES, sizeBytes - at)));
  return hash.digest('hex');
}
