// Changes the tokens file: one process at a time, and also after a power cut the file is there in
// full, as it was or as it became.
import { open, realpath, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { OpenDirectory } from '../spool/open-directory.ts';
import { syncToDisk } from '../spool/sync-to-disk.ts';
import type { Clock } from '../system/clock.ts';
import { errnoOf } from '../system/fault.ts';
import { type FilePlace, type HeldName, holdName } from '../system/held-name.ts';
import { writeFault } from './token-fault.ts';
import { readTokenFile, type TokenFile } from './token-file.ts';
import { formatTokens, type StoredToken } from './token-list.ts';

type Access = Pick<TokenFile, 'uid' | 'gid' | 'mode'>;

export interface ChangePorts {
  readonly clock: Pick<Clock, 'sleep'>;
  /** The group that may read a file that did not exist before; undefined for the owner alone. */
  readonly readers: number | undefined;
}

/** A change takes some milliseconds. */
const LOCK_ATTEMPTS_MAX = 100;
const LOCK_ATTEMPT_MS = 50;

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
  try {
    const lock = await waitForLock({ dev: folder.dev, ino: folder.ino, name: basename(file) }, file, clock);
    try {
      const before = (await folder.lookUp(basename(file))) === undefined ? undefined : readTokenFile(file);
      const content = formatTokens(change(before?.tokens ?? []));
      await replace(folder, basename(file), content, before ?? accessFor(readers)).catch((error) => {
        throw writeFault(file, error);
      });
    } finally {
      await lock.release();
    }
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

async function waitForLock(place: FilePlace, file: string, clock: Pick<Clock, 'sleep'>): Promise<HeldName> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await holdName('tokens', place);
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE' || attempt === LOCK_ATTEMPTS_MAX) throw writeFault(file, error);
      await clock.sleep(LOCK_ATTEMPT_MS);
    }
}

/** chown(2) leaves alone what is -1. */
function accessFor(readers: number | undefined): Access {
  return { uid: -1, gid: readers ?? -1, mode: readers === undefined ? 0o600 : 0o640 };
}

async function replace(folder: OpenDirectory, name: string, content: string, access: Access): Promise<void> {
  // The lock keeps other processes from this name. A crash may have left a file there.
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
