// The last resort when a process wrote to a file during its removal. The name is gone, but the
// descriptor still has the bytes. They are written to the private folder and appear in the slot
// only when complete.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Fault } from '../system/fault.ts';
import { sameContentIdentity } from './entry.ts';
import type { OpenDirectory } from './open-directory.ts';
import { inSubfolders } from './private-folder.ts';
import { spoolFault } from './spool-fault.ts';
import type { SpoolFile } from './spool-file.ts';

const CHUNK_BYTES = 1 << 20;
// A writer that never pauses must not hold this up for ever.
const ROUNDS_MAX = 3;
const CREATE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/**
 * Called each time the content could not be written, with the fault (a full disk, for example). The
 * descriptor holds the only copy of the content. Resolves when it is time to try again. Rejects to
 * give the content up.
 */
export type WaitForRoom = (fault: Fault) => Promise<void>;

/**
 * Writes what the descriptor of `file` holds to `slot` in `privateFolder`, durably. Rejects as
 * `waitForRoom` does, and then leaves no incomplete file.
 */
export async function salvage(
  file: SpoolFile,
  privateFolder: OpenDirectory,
  slot: Buffer,
  waitForRoom: WaitForRoom,
): Promise<void> {
  for (;;) {
    try {
      return await inSubfolders(privateFolder, () => copyOut(file, privateFolder, slot));
    } catch (error) {
      await waitForRoom(spoolFault(error, 'put back', file.path.toString()));
    }
  }
}

async function copyOut(file: SpoolFile, privateFolder: OpenDirectory, slot: Buffer): Promise<void> {
  const temporary = `tmp/${randomUUID()}`;
  try {
    const copy = await open(privateFolder.at(temporary), CREATE_FLAGS, file.mode);
    try {
      for (let round = 1; ; round += 1) {
        const before = await file.currentIdentity();
        for (let offset = 0; offset < before.sizeBytes; ) {
          const chunk = await file.read(offset, Math.min(CHUNK_BYTES, before.sizeBytes - offset));
          // A disk that is nearly full accepts a part of the chunk and refuses the rest at the next
          // write.
          const { bytesWritten } = await copy.write(chunk, 0, chunk.length, offset);
          offset += bytesWritten;
        }
        await copy.truncate(before.sizeBytes);
        if (round === ROUNDS_MAX || sameContentIdentity(await file.currentIdentity(), before)) break;
      }
      await copy.sync();
    } finally {
      await copy.close();
    }
    await rename(privateFolder.at(temporary), privateFolder.at(slot));
    await privateFolder.syncDirectory(slot.subarray(0, slot.lastIndexOf('/')));
  } catch (error) {
    if ((await privateFolder.lookUp(temporary)) !== undefined) await privateFolder.unlink(temporary);
    throw error;
  }
}
