// Whether a file still has the bytes that were sent, by reading it again: asked when its ctime
// moved and nothing else, as by chmod, by a link that goes, or by a tool that restores mtime after
// it has written.
import { createHash } from 'node:crypto';
import type { LocalContent, UploadSource } from '../store/object-store.ts';

/** Read at once; others want memory and the disk, too. */
const CHUNK_BYTES = 1 << 20;

/** Rejects as the source does, or with the signal's reason. `onRead` is called for each piece. */
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
