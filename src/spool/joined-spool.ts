// The spool as a second user of this process has it, beside the drain: found as the drain has made
// it, and never made or changed.
import { errnoOf, Fault } from '../system/fault.ts';
import type { OpenDirectory } from './open-directory.ts';
import { openRoot, PRIVATE_FOLDER } from './private-folder.ts';
import { goneFault } from './spool-fault.ts';

export interface JoinedSpool {
  readonly root: OpenDirectory;
  readonly privateFolder: OpenDirectory;
}

/**
 * Opens the folder at `path` and its private folder. Rejects with Fault `spool-gone` where there is
 * none, or where the private folder is missing or open to other users: the drain does not use such
 * a folder.
 */
export async function joinSpool(path: string): Promise<JoinedSpool> {
  const root = await openRoot(path).catch((fault: unknown) => {
    throw errnoOf(fault) === 'ENOENT' ? goneFault(path, 'the folder is not there', fault) : fault;
  });
  return root.unlessClosed(async () => {
    const privateFolder = await openPrivate(root, path);
    await privateFolder.unlessClosed(() => requireOwn(root, privateFolder, path));
    return { root, privateFolder };
  });
}

/** Returns true if `joined` has the private folder that is in its root now. */
export async function isPrivateInPlace({ root, privateFolder }: JoinedSpool): Promise<boolean> {
  const found = await root.lookUp(PRIVATE_FOLDER);
  return found?.ino === privateFolder.ino && found.dev === privateFolder.dev;
}

async function openPrivate(root: OpenDirectory, path: string): Promise<OpenDirectory> {
  try {
    return await root.openDirectory(PRIVATE_FOLDER);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw goneFault(path, `it has no folder ${PRIVATE_FOLDER}: is the spool not mounted?`, error);
  }
}

async function requireOwn(root: OpenDirectory, privateFolder: OpenDirectory, path: string): Promise<void> {
  const { uid, mode } = await privateFolder.stat();
  const isOwn = uid === BigInt(process.geteuid?.() ?? 0) && (mode & 0o077n) === 0n;
  if (isOwn && privateFolder.dev === root.dev) return;
  const subject = `${path}/${PRIVATE_FOLDER}`;
  const hint = 'the log of the drain names the cause and the remedy; restart halfpipe after that';
  throw new Fault('breaker', `${subject} does not belong to this user alone, on the disk of the spool`, {
    ...{ operation: 'open spool', subject, hint, code: 'EACCES' },
  });
}
