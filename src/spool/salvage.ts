// The last resort against a writer that raced a removal: the name is gone, but the descriptor still has the bytes.
// They are written under the private folder and appear in the slot only when complete.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { sameContentIdentity } from './entry.ts';
import type { OpenDirectory } from './open-directory.ts';
import { inSubfolders } from './private-folder.ts';
import type { SpoolFile } from './spool-file.ts';

const CHUNK_BYTES = 1 << 20;
// A writer that never pauses cannot hold this up for ever.
const ROUNDS_MAX = 3;
// The descriptor is all there is of the content: a passing error is no reason to let go of it.
const ATTEMPTS_MAX = 5;
const CREATE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/** Writes what `file`'s descriptor holds to `slot` in `home`. Rejects with the system error; nothing torn is left. */
export async function salvage(file: SpoolFile, home: OpenDirectory, slot: Buffer): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inSubfolders(home, () => copyOut(file, home, slot));
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function copyOut(file: SpoolFile, home: OpenDirectory, slot: Buffer): Promise<void> {
  const temporary = `tmp/${randomUUID()}`;
  try {
    const copy = await open(home.at(temporary), CREATE_FLAGS, file.mode);
    try {
      for (let round = 1; ; round++) {
        const before = await file.currentIdentity();
        for (let offset = 0; offset < before.sizeBytes; ) {
          const chunk = await file.read(offset, Math.min(CHUNK_BYTES, before.sizeBytes - offset));
          await copy.write(chunk, 0, chunk.length, offset);
          offset += chunk.length;
        }
        await copy.truncate(before.sizeBytes);
        if (round === ROUNDS_MAX || sameContentIdentity(await file.currentIdentity(), before)) break;
      }
      await copy.sync();
    } finally {
      await copy.close();
    }
    await rename(home.at(temporary), home.at(slot));
  } catch (error) {
    if ((await home.lookUp(temporary)) !== undefined) await home.unlink(temporary);
    throw error;
  }
}
