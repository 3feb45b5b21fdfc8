// A small file that a setting names, such as a key, read as a whole.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Many times the largest bundle of certificates. */
const SIZE_BYTES_MAX = 16 * 1024 * 1024;
/** The open of a FIFO would otherwise wait for a writer, without end. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Rejects with a system error, or with a RangeError when it is not a small regular file. */
export async function readNamedFile(path: string): Promise<Buffer> {
  const file = await open(path, FLAGS);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new RangeError('it is not a regular file');
    if (stats.size > SIZE_BYTES_MAX) throw new RangeError('it is larger than 16 MiB');
    return await file.readFile();
  } finally {
    await file.close();
  }
}
