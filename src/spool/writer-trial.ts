// Finds out whether the spool's file system reports open writers correctly, with a file of our own.
// NFS has no leases, and on CIFS a refused lease may mean something else.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { OpenDirectory } from './open-directory.ts';
import type { WriterView } from './open-writers.ts';
import { inSubfolders } from './private-folder.ts';
import { isDiskFull } from './spare-space.ts';

const CREATE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/**
 * Resolves with true if `view` answers correctly in `privateFolder`. A trial that fails
 * counts as false, except on a full disk, which is no reason for doubt.
 */
export async function tellsWriters(privateFolder: OpenDirectory, view: WriterView): Promise<boolean> {
  const name = `tmp/${randomUUID()}`;
  try {
    return await inSubfolders(privateFolder, () => tryOut(privateFolder, name, view));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return isDiskFull(error);
  }
}

async function tryOut(privateFolder: OpenDirectory, name: string, view: WriterView): Promise<boolean> {
  const writer = await open(privateFolder.at(name), CREATE_FLAGS, 0o600);
  try {
    const reader = await open(privateFolder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const whileWritten = await view.ask(reader.fd);
      await writer.close();
      return whileWritten === 'some' && (await view.ask(reader.fd)) === 'none';
    } finally {
      await reader.close();
    }
  } finally {
    await writer.close();
    await privateFolder.unlink(name);
  }
}
