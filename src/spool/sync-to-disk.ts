// Calls fsync(2) for a file or a folder, on file systems that have it. Not fdatasync(2): a rename
// or a link changes only the file's ctime, and fdatasync leaves that in memory.
import { errnoOf } from '../system/fault.ts';

interface Syncable {
  sync(): Promise<void>;
}

/**
 * What fsync(2) answers on file systems that do not have it: some for folders only, some FUSE file
 * systems for everything. Nothing can be promised there, but the file is not at fault.
 */
const UNSUPPORTED = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** Resolves when what `handle` is open on survives a power cut. Rejects with the system error. */
export async function syncToDisk(handle: Syncable): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (!UNSUPPORTED.has(errnoOf(error) ?? '')) throw error;
  }
}
