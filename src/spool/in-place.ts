// Finds out whether the spool is still the folder at its path. A spool that was removed, unmounted
// or replaced is gone, not empty.
import { lstat } from 'node:fs/promises';
import type { OpenDirectory } from './open-directory.ts';
import { goneFault } from './spool-fault.ts';

/** Rejects with Fault `spool-gone` unless the folder at `path` is `root`. */
export async function refuseGone(path: string, root: Pick<OpenDirectory, 'dev' | 'ino'>): Promise<void> {
  let found: { dev: bigint; ino: bigint };
  try {
    found = await lstat(path, { bigint: true });
  } catch (error) {
    throw goneFault(path, 'the folder is not there', error);
  }
  if (found.dev !== root.dev || found.ino !== root.ino) throw goneFault(path, 'the folder was replaced');
}
