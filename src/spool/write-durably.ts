// Writes small files of our own. Also after a power cut, such a file is there in full or not at
// all.
import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OpenDirectory } from './open-directory.ts';
import { inSubfolders } from './private-folder.ts';
import { isDiskFull, writeIntoSpare } from './spare-space.ts';

/**
 * Writes `content` to `name` in `privateFolder`, replacing what is there. Resolves when
 * both name and content are durable. On a full disk, the content may end in spaces. Rejects with
 * the system error.
 */
export function writeDurably(privateFolder: OpenDirectory, name: string, content: string): Promise<void> {
  return inSubfolders(privateFolder, () => write(privateFolder, name, content));
}

async function write(privateFolder: OpenDirectory, name: string, content: string): Promise<void> {
  const temporary = `tmp/${randomUUID()}`;
  try {
    await writeAnew(privateFolder, temporary, content).catch(async (error: unknown) => {
      if (!isDiskFull(error)) throw error;
      await discard(privateFolder, temporary);
      if (!(await writeIntoSpare(privateFolder, temporary, content))) throw error;
    });
    await rename(privateFolder.at(temporary), privateFolder.at(name));
    await privateFolder.syncDirectory(dirname(name));
  } catch (error) {
    await discard(privateFolder, temporary);
    throw error;
  }
}

async function writeAnew(privateFolder: OpenDirectory, name: string, content: string): Promise<void> {
  const file = await open(privateFolder.at(name), 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function discard(privateFolder: OpenDirectory, name: string): Promise<void> {
  if ((await privateFolder.lookUp(name)) !== undefined) await privateFolder.unlink(name);
}
