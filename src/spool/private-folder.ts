// `.halfpipe/`, where halfpipe keeps everything it knows about a spool. No other user may read or
// replace it. It is created and tried out at startup, so that a spool that cannot be drained is
// refused before the first upload.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, Fault } from '../system/fault.ts';
import { FIRST_LAYER } from './aside-slots.ts';
import { OpenDirectory } from './open-directory.ts';
import { isDiskFull, makeSpares } from './spare-space.ts';

/** Name of the private folder in the spool's root. */
export const PRIVATE_FOLDER = '.halfpipe';
/** Prefix of the probe files in the spool's root. The scanner skips them. */
export const PROBE_PREFIX = '.halfpipe-probe-';
/** Begins the private name of each deposit, in `.halfpipe/tmp`. */
export const DEPOSIT_PREFIX = 'deposit-';

const SUBFOLDERS = ['tmp', 'aside', FIRST_LAYER, 'multipart', 'packets', 'quarantine'];
const CREATE_FLAGS = constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW;
const STICKY = 0o1000n;

/**
 * Opens the spool's root. Rejects with a Fault that says what is wrong with `path` and what to do.
 */
export async function openRoot(path: string): Promise<OpenDirectory> {
  try {
    return await OpenDirectory.open(path);
  } catch (error) {
    throw refusalFault(path, error, describeRoot(path, errnoOf(error)));
  }
}

/**
 * Opens `.halfpipe/` in `root`, and creates it if it is missing. Rejects with Fault `breaker` if
 * the folder does not belong to this user alone.
 */
export async function openPrivateFolder(root: OpenDirectory, path: string): Promise<OpenDirectory> {
  const shown = `${path}/${PRIVATE_FOLDER}`;
  let folder: OpenDirectory;
  try {
    if (await root.makeDirectory(PRIVATE_FOLDER, 0o700)) await root.sync();
    folder = await root.openDirectory(PRIVATE_FOLDER);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOTDIR' || code === 'ELOOP') {
      throw refusalFault(
        path,
        error,
        `${shown} is a symbolic link or a file`,
        'remove it; halfpipe makes its own folder',
      );
    }
    const present = await root.lookUp(PRIVATE_FOLDER).catch(() => undefined);
    // The folder exists, and its owner lets no other user in.
    if (present !== undefined && present.uid !== ownUid()) throw foreignFault(path, shown, present.uid);
    throw refusalFault(
      path,
      error,
      `cannot create ${shown}: ${code}`,
      hintFor(error, 'make the spool writable for the service user'),
    );
  }
  try {
    await claim(root, folder, path, shown);
    await makeSubfolders(folder);
    await makeSpares(folder);
    return folder;
  } catch (error) {
    await folder.close();
    if (error instanceof Fault) throw error;
    const hint = hintFor(error, 'let the service user own it');
    throw refusalFault(path, error, `cannot write to ${shown}: ${errnoOf(error)}`, hint);
  }
}

async function makeSubfolders(folder: OpenDirectory): Promise<void> {
  for (const name of SUBFOLDERS)
    if (await folder.makeDirectory(name, 0o700)) await folder.syncDirectory(dirname(name));
}

/**
 * Runs `use`, and repeats it once after a subfolder was missing: cleanup jobs (`find -empty
 * -delete`) remove our empty subfolders.
 */
export async function inSubfolders<T>(folder: OpenDirectory, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await makeSubfolders(folder);
    return use();
  }
}

/** Returns the hint for the error's errno if there is one, else `otherwise`. */
function hintFor(error: unknown, otherwise: string): string {
  if (isDiskFull(error)) return 'free a little space on the disk; halfpipe needs it only for its first start';
  const writable =
    'mount it read-write; under systemd, also name it in ReadWritePaths= (systemctl edit halfpipe)';
  return errnoOf(error) === 'EROFS' ? writable : otherwise;
}

async function claim(root: OpenDirectory, folder: OpenDirectory, path: string, shown: string): Promise<void> {
  const { uid, mode } = await folder.stat();
  if (uid !== ownUid()) throw foreignFault(path, shown, uid);
  if (folder.dev !== root.dev) {
    const what = `another file system is mounted over ${shown}`;
    throw refusalFault(path, undefined, what, 'unmount it: files can only be moved within one file system');
  }
  if ((mode & 0o777n) !== 0o700n) await hide(folder, path, shown);
}

function ownUid(): bigint {
  return BigInt(process.geteuid?.() ?? 0);
}

/**
 * The folder holds what its owner keeps about the spool, including the quarantine, so the hint
 * never advises removing it.
 */
function foreignFault(path: string, shown: string, uid: bigint): Fault {
  const what = `${shown} belongs to user ${uid}, and this is user ${ownUid()}`;
  const handOver = `chown -R ${ownUid()}: ${shown}`;
  // Left by a `halfpipe run` that root started.
  if (uid === 0n) return refusalFault(path, undefined, what, `root has run halfpipe there: ${handOver}`);
  return refusalFault(
    path,
    undefined,
    what,
    `run halfpipe as user ${uid}, because the folder holds the records and the quarantine of that user; or give it to user ${ownUid()}: ${handOver}`,
  );
}

/** FAT and many network file systems have only the permissions of their mount. */
async function hide(folder: OpenDirectory, path: string, shown: string): Promise<void> {
  const remedy = `mount it with umask=0077 and the service user as its owner (uid=, gid=)`;
  try {
    await folder.chmod(0o700);
  } catch (error) {
    const what = `the file system of ${shown} keeps no permissions (${errnoOf(error)})`;
    throw refusalFault(path, error, what, remedy);
  }
  if (((await folder.stat()).mode & 0o077n) === 0n) return;
  throw refusalFault(path, undefined, `the file system of ${shown} keeps no permissions`, remedy);
}

/**
 * Removes half-written files that a crash left and nothing refers to. Call it only with the
 * instance lock, and before the drain uses the folder. `deposits` stay if they may be under way.
 */
export async function clearTemporaries(
  root: OpenDirectory,
  folder: OpenDirectory,
  deposits: 'removed' | 'kept',
): Promise<void> {
  for (const name of await readdir(folder.at('tmp').toString())) {
    if (deposits === 'kept' && name.startsWith(DEPOSIT_PREFIX)) continue;
    // A crash during a probe may have left the probe's other file in the spool.
    if (name.startsWith(PROBE_PREFIX) && (await root.lookUp(name)) !== undefined) await root.unlink(name);
    // A socket may belong to an instance that is just being refused.
    if (!name.endsWith('.sock')) await folder.unlink(`tmp/${name}`);
  }
}

/**
 * Creates a file, moves it to the spool and back, and removes it: the steps that a removal needs.
 * Rejects with Fault `breaker`.
 */
export async function probe(root: OpenDirectory, folder: OpenDirectory, path: string): Promise<void> {
  await refuseSticky(root, path);
  const name = `${PROBE_PREFIX}${randomUUID()}`;
  // The marker stays until the end. If a crash comes in between, it names the file that was moved
  // out.
  const marker = `tmp/${name}`;
  const inside = `${marker}.moved`;
  let step = 'create a file in';
  try {
    for (const file of [marker, inside]) await (await open(folder.at(file), CREATE_FLAGS, 0o600)).close();
    step = 'rename a file within';
    await rename(folder.at(inside), root.at(name));
    await rename(root.at(name), folder.at(inside));
    step = 'remove a file from';
    for (const file of [inside, marker]) await folder.unlink(file);
  } catch (error) {
    const code = errnoOf(error);
    // A full disk must not stop the one process that empties it.
    if (isDiskFull(error)) return;
    throw refusalFault(
      path,
      error,
      `cannot ${step} the spool ${path}: ${code}`,
      hintFor(error, 'give the service user write access'),
    );
  }
}

/**
 * In a sticky folder of another user, the probe's own file could be renamed but the producers'
 * files could not.
 */
async function refuseSticky(root: OpenDirectory, path: string): Promise<void> {
  const { uid, mode } = await root.stat();
  const ownUid = process.geteuid?.() ?? 0;
  if ((mode & STICKY) === 0n || ownUid === 0 || uid === BigInt(ownUid)) return;
  const what = `the spool ${path} is sticky (mode 1777) and belongs to user ${uid}: files of other users cannot be removed`;
  throw refusalFault(path, undefined, what, `let the service user own it: chown ${ownUid} ${path}`);
}

function describeRoot(path: string, code: string | undefined): string {
  if (code === 'ENOENT')
    return `the spool ${path} does not exist: create the folder, owned by the service user${unlessHidden(path)}`;
  if (code === 'EACCES')
    return `the spool ${path} cannot be opened: give the service user access to it${unlessHidden(path)}`;
  if (code !== 'ENOTDIR' && code !== 'ELOOP') return `the spool ${path} cannot be opened: ${code}`;
  return `the spool ${path} is not a folder (a symbolic link is not followed): name the folder itself`;
}

/** The shipped unit hides these folders: the service sees empty ones instead. */
function unlessHidden(path: string): string {
  const setting = /^\/(home|root|run\/user)(\/|$)/.test(path)
    ? 'ProtectHome'
    : /^\/(var\/)?tmp(\/|$)/.test(path)
      ? 'PrivateTmp'
      : undefined;
  if (setting === undefined) return '';
  return `; under systemd, ${setting}= hides it: set ${setting}=no (systemctl edit halfpipe), or use a folder elsewhere`;
}

function refusalFault(path: string, cause: unknown, what: string, hint?: string): Fault {
  const code = errnoOf(cause);
  return new Fault('breaker', hint === undefined ? what : `${what}: ${hint}`, {
    operation: 'open spool',
    subject: path,
    ...(cause === undefined ? {} : { cause }),
    ...(hint === undefined ? {} : { hint }),
    ...(code === undefined ? {} : { code }),
  });
}
