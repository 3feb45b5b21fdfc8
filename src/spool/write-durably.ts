// A small file of our own, there in full or not at all, also after a power cut.
import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import type { OpenDirectory } from './open-directory.ts';

/** Writes `content` to `name` in the private folder `home`, replacing what is there. Rejects with the system error. */
export async function writeDurably(home: OpenDirectory, name: string, content: string): Promise<void> {
  const temporary = `tmp/${randomUUID()}`;
  try {
    const file = await open(home.at(temporary), 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(home.at(temporary), home.at(name));
  } catch (error) {
    if ((await home.lookUp(temporary)) !== undefined) await home.unlink(temporary);
    throw error;
  }
}
