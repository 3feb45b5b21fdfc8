// Reads the names in a folder as bytes, one batch at a time, so that a folder of a million files is
// never in memory at once.
import { type Dir, type Dirent, opendir } from 'node:fs';
import { promisify } from 'node:util';
import type { OpenDirectory } from '../spool/open-directory.ts';

type BufferDirent = Omit<Dirent, 'name'> & { readonly name: Buffer };

/**
 * Large enough to keep the four threads of the pool busy, and small enough to keep each turn of the
 * event loop short.
 */
export const BATCH = 64;

const openDir = promisify(opendir);

/** Rejects with the system error. */
export function openNames(folder: OpenDirectory): Promise<Dir> {
  const options = { encoding: 'buffer' as BufferEncoding, bufferSize: BATCH };
  return openDir(folder.at('.').toString(), options);
}

/** The next BATCH names of the folder, or fewer at its end. */
export async function nextNames(dir: Dir): Promise<Buffer[]> {
  const names: Buffer[] = [];
  while (names.length < BATCH) {
    const dirent = await dir.read();
    if (dirent === null) break;
    // The types do not know a Dir of Buffers, but with this encoding its names are Buffers.
    names.push((dirent as unknown as BufferDirent).name);
  }
  return names;
}
