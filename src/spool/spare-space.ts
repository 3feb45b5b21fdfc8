// Room for the few small files of our own on a full disk: the process that empties the spool must
// not wait for space in it. Spares are written once, while there is room, and overwritten later. On
// most file systems, overwriting needs no new space.
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { OpenDirectory } from './open-directory.ts';

/** More than a record needs for a path of 1,024 bytes, the longest path that can be a key. */
const SPARE_BYTES = 4096;
/** Enough for the large uploads that run at once and for the pid file. */
const SPARES = 4;
const FOLDER = 'spare';
const CREATE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/** Returns true if a write failed because there was no room. */
export function isDiskFull(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Makes the missing spares in `privateFolder`, as far as there is room. Rejects with the
 * system error.
 */
export async function makeSpares(privateFolder: OpenDirectory): Promise<void> {
  try {
    await privateFolder.makeDirectory(FOLDER, 0o700);
    for (let spare = 0; spare < SPARES; spare += 1) await makeSpare(privateFolder, `${FOLDER}/${spare}`);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

async function makeSpare(privateFolder: OpenDirectory, name: string): Promise<void> {
  if ((await privateFolder.lookUp(name)) !== undefined) return;
  try {
    const file = await open(privateFolder.at(name), CREATE_FLAGS, 0o600);
    try {
      await file.writeFile(padded(''));
    } finally {
      await file.close();
    }
  } catch (error) {
    // A spare without its space is useless. Another process may have made it meanwhile.
    if (errnoOf(error) === 'EEXIST') return;
    if ((await privateFolder.lookUp(name)) !== undefined) await privateFolder.unlink(name);
    throw error;
  }
}

/**
 * Moves a spare to `name` and writes `content` into it, padded with spaces, durably. Resolves with
 * false if no spare is left or the content is too long.
 */
export async function writeIntoSpare(
  privateFolder: OpenDirectory,
  name: string,
  content: string,
): Promise<boolean> {
  if (Buffer.byteLength(content) > SPARE_BYTES) return false;
  for (let spare = 0; spare < SPARES; spare += 1) {
    try {
      await rename(privateFolder.at(`${FOLDER}/${spare}`), privateFolder.at(name));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') continue;
      throw error;
    }
    const file = await open(privateFolder.at(name), constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      await file.writeFile(padded(content));
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  }
  return false;
}

function padded(content: string): Buffer {
  const bytes = Buffer.alloc(SPARE_BYTES, ' ');
  bytes.write(content);
  return bytes;
}
