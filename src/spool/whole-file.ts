// Writes a file outside of the spool that has its name only once it is whole, and takes the name of
// no other file.
import { randomUUID } from 'node:crypto';
import { constants, linkSync } from 'node:fs';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { OpenDirectory } from './open-directory.ts';
import { cannotLink, claimAndRename } from './put-back.ts';

const CREATE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/**
 * Writes all of `content` to the new file `name`. Resolves with `created` when both are durable, or
 * with `taken` if something has the name. Rejects with the system error, or as `content` does; then
 * nothing is left behind.
 */
export async function writeWhole(
  parent: OpenDirectory,
  name: Buffer | string,
  content: AsyncIterable<Uint8Array>,
  modifiedAtMs: number,
): Promise<'created' | 'taken'> {
  if ((await parent.lookUp(name)) !== undefined) return 'taken';
  const temporary = `.halfpipe-${randomUUID()}`;
  const file = await open(parent.at(temporary), CREATE_FLAGS, 0o666);
  try {
    await fill(file, content, modifiedAtMs);
    if (!takeName(parent, temporary, name)) return 'taken';
  } finally {
    if (parent.lookUpNow(temporary) !== undefined) parent.unlinkNow(temporary);
  }
  await parent.sync();
  return 'created';
}

async function fill(
  file: FileHandle,
  content: AsyncIterable<Uint8Array>,
  modifiedAtMs: number,
): Promise<void> {
  try {
    await writeFile(file, content);
    const modifiedAt = new Date(modifiedAtMs);
    await file.utimes(modifiedAt, modifiedAt);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Returns false if something has the name. */
function takeName(parent: OpenDirectory, temporary: string, name: Buffer | string): boolean {
  const [from, to] = [parent.at(temporary), parent.at(name)];
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    if (!cannotLink(error)) throw error;
    return claimAndRename(from, to) === 'restored';
  }
}
