// Reads a file again to find out whether it still has the bytes that were sent. Used when only its
// ctime changed: by a chmod, by the removal of a link, or by a tool that restores mtime after a
// write.
import { createHash } from 'node:crypto';
import type { LocalContent, UploadSource } from '../store/object-store.ts';

/** How much is read at once. Other transfers need memory and the disk as well. */
const CHUNK_BYTES = 1 << 20;

/**
 * Resolves with true if the file has the same bytes. Rejects as the source does, or with the
 * signal's reason. `onRead` is called for each piece.
 */
export async function hasContent(
  source: UploadSource,
  local: LocalContent,
  onRead: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  if (source.sizeBytes !== local.sizeBytes) return false;
  const partBytes = local.partSizeBytes ?? local.sizeBytes;
  for (const [index, { sha256Hex }] of local.parts.entries()) {
    const start = index * partBytes;
    const end = local.multipart ? Math.min(start + partBytes, local.sizeBytes) : local.sizeBytes;
    const hash = createHash('sha256');
    for (let at = start; at < end; at += CHUNK_BYTES) {
      signal.throwIfAborted();
      hash.update(await source.read(at, Math.min(CHUNK_BYTES, end - at)));
      onRead();
    }
    if (hash.digest('hex') !== sha256Hex) return false;
  }
  return true;
}
