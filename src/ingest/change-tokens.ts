// Changes the tokens file: one process at a time, and also after a power cut the file is there in
// full, as it was or as it became.
import { existsSync } from 'node:fs';
import { open, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { OpenDirectory } from '../spool/open-directory.ts';
import { syncToDisk } from '../spool/sync-to-disk.ts';
import type { Clock } from '../system/clock.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { writeFault } from './token-fault.ts';
import { readTokenFile, type TokenFile } from './token-file.ts';
import { formatTokens, type StoredToken } from './token-list.ts';

type Access = Pick<TokenFile, 'uid' | 'gid' | 'mode'>;

export interface ChangePorts {
  readonly clock: Pick<Clock, 'sleep' | 'wallMs'>;
  /** The group that may read a file that did not exist before; undefined for the owner alone. */
  readonly readers: number | undefined;
}

/** A change takes some milliseconds. */
const LOCK_ATTEMPTS_MAX = 100;
const LOCK_ATTEMPT_MS = 50;
/** A lock that names no process is that of a crash when it is this old. */
const LOCK_STALE_MS = 60_000;

/**
 * Replaces the tokens in the file at `path` by what `change` makes of them. An existing file keeps
 * its owner, group and mode. Resolves when the change is durable. Rejects with a Fault, or with
 * what `change` throws; the file then is as it was.
 */
export async function changeTokens(
  path: string,
  change: (tokens: readonly StoredToken[]) => readonly StoredToken[],
  { clock, readers }: ChangePorts,
): Promise<void> {
  const file = await followed(path);
  const folder = await openFolder(file);
  const name = basename(file);
  // Making it takes the right to write to the folder, so no other user can hold up a revocation.
  const lock = `.${name}.lock`;
  try {
    await takeLock(folder, lock, clock);
    try {
      const before = (await folder.lookUp(name)) === undefined ? undefined : readTokenFile(file);
      const content = formatTokens(change(before?.tokens ?? []));
      await replace(folder, name, content, before ?? accessFor(readers));
    } finally {
      await discard(folder, lock);
    }
  } catch (error) {
    throw errnoOf(error) === undefined || error instanceof Fault ? error : writeFault(file, error);
  } finally {
    await folder.close();
  }
}

/** A symbolic link stays: the file that it leads to is changed. */
async function followed(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw writeFault(path, error);
    return path;
  }
}

async function openFolder(file: string): Promise<OpenDirectory> {
  try {
    return await OpenDirectory.open(await realpath(dirname(file)));
  } catch (error) {
    throw writeFault(file, error);
  }
}

/** The lock is a file that names its process. */
async function takeLock(folder: OpenDirectory, name: string, clock: ChangePorts['clock']): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await writeFile(folder.at(name), `${process.pid}`, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || attempt === LOCK_ATTEMPTS_MAX) throw error;
      if (!(await clearStale(folder, name, clock))) await clock.sleep(LOCK_ATTEMPT_MS);
    }
}

/** Removes the lock of a process that has ended. Resolves with true if there is none any more. */
async function clearStale(
  folder: OpenDirectory,
  name: string,
  clock: ChangePorts['clock'],
): Promise<boolean> {
  const found = await folder.lookUp(name);
  if (found === undefined) return true;
  const holder = /^\d+$/.exec(await readFile(folder.at(name), 'utf8').catch(() => ''))?.[0];
  const ageMs = clock.wallMs() - Number(found.mtimeNs / 1_000_000n);
  if (holder === undefined ? ageMs < LOCK_STALE_MS : isRunning(Number(holder))) return false;
  if ((await folder.lookUp(name))?.ino !== found.ino) return false;
  await folder.unlink(name);
  return true;
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** chown(2) leaves alone what is -1. */
function accessFor(readers: number | undefined): Access {
  return { uid: -1, gid: readers ?? -1, mode: readers === undefined ? 0o600 : 0o640 };
}

async function replace(folder: OpenDirectory, name: string, content: string, access: Access): Promise<void> {
  // A crash may have left a file there.
  const temporary = `.${name}.new`;
  try {
    await discard(folder, temporary);
    await writeAnew(folder, temporary, content, access);
    await rename(folder.at(temporary), folder.at(name));
    await folder.sync();
  } catch (error) {
    await discard(folder, temporary);
    throw error;
  }
}

async function writeAnew(
  folder: OpenDirectory,
  name: string,
  content: string,
  { uid, gid, mode }: Access,
): Promise<void> {
  const file = await open(folder.at(name), 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.chown(uid, gid);
    // After chown(2), which may clear bits of the mode.
    await file.chmod(mode);
    await syncToDisk(file);
  } finally {
    await file.close();
  }
}

async function discard(folder: OpenDirectory, name: string): Promise<void> {
  if ((await folder.lookUp(name)) !== undefined) await folder.unlink(name);
}
