// fsync(2) of a file or a folder, on file systems that have it. Not fdatasync(2): a file that was
// renamed to its name, or linked there, has only its ctime changed by that, which fdatasync leaves
// in memory.
import { errnoOf } from '../system/fault.ts';

interface Syncable {
  sync(): Promise<void>;
}

/**
 * What fsync(2) answers where the file system has none, as some do for folders and some FUSE file
 * systems for all: nothing can be promised there, and nothing is wrong with the file.
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
