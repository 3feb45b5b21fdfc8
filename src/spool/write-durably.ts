// Writes small files of our own. Also after a power cut, such a file is there in full or not at
// all.
import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OpenDirectory } from './open-directory.ts';
import { inSubfolders } from './private-folder.ts';
import { isDiskFull, writeIntoSpare } from './spare-space.ts';

/**
 * Writes `content` to `name` in the private folder `home`, replacing what is there. Resolves when
 * both name and content are durable. On a full disk, the content may end in spaces. Rejects with
 * the system error.
 */
export function writeDurably(home: OpenDirectory, name: string, content: string): Promise<void> {
  return inSubfolders(home, () => write(home, name, content));
}

async function write(home: OpenDirectory, name: string, content: string): Promise<void> {
  const temporary = `tmp/${randomUUID()}`;
  try {
    await writeAnew(home, temporary, content).catch(async (error: unknown) => {
      if (!isDiskFull(error)) throw error;
      await discard(home, temporary);
      if (!(await writeIntoSpare(home, temporary, content))) throw error;
    });
    await rename(home.at(temporary), home.at(name));
    await home.syncDirectory(dirname(name));
  } catch (error) {
    await discard(home, temporary);
    throw error;
  }
}

async function writeAnew(home: OpenDirectory, name: string, content: string): Promise<void> {
  const file = await open(home.at(name), 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function discard(home: OpenDirectory, name: string): Promise<void> {
  if ((await home.lookUp(name)) !== undefined) await home.unlink(name);
}
