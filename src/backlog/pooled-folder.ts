// A folder whose calls run in the thread pool, so that none of them blocks the main thread.
import { type Dir, type Dirent, lstat, opendir } from 'node:fs';
import { promisify } from 'node:util';
import type { OpenDirectory } from '../spool/open-directory.ts';
import { codeOf, type Look, lookOf, type NameList, type WalkedFolder } from './walk.ts';

type BufferDirent = Omit<Dirent, 'name'> & { readonly name: Buffer };

/**
 * Large enough to keep the four threads of the pool busy, and small enough to keep each turn of the
 * event loop short.
 */
const BATCH = 64;
const OPTIONS = { encoding: 'buffer' as BufferEncoding, bufferSize: BATCH };

// From node:fs, not node:fs/promises: it needs a third less CPU, and a scan spends most of its time
// here.
const lookUp = promisify(lstat);
const openDir = promisify(opendir);

/** Takes over an open directory. */
export class PooledFolder implements WalkedFolder {
  readonly #directory: OpenDirectory;

  constructor(directory: OpenDirectory) {
    this.#directory = directory;
  }

  get dev(): bigint {
    return this.#directory.dev;
  }

  get ino(): bigint {
    return this.#directory.ino;
  }

  async names(): Promise<NameList> {
    const dir = await openDir(this.#directory.at('.').toString(), OPTIONS);
    return { next: () => nextNames(dir), close: () => dir.close() };
  }

  lookUp(names: readonly Buffer[]): Promise<readonly Look[]> {
    return Promise.all(
      names.map(async (name) => {
        try {
          return await lookUp(this.#directory.at(name), { bigint: true });
        } catch (error) {
          return lookOf(codeOf(error));
        }
      }),
    );
  }

  async enter(name: Buffer): Promise<WalkedFolder> {
    return new PooledFolder(await this.#directory.openDirectory(name));
  }

  close(): Promise<void> {
    return this.#directory.close();
  }
}

async function nextNames(dir: Dir): Promise<Buffer[]> {
  const names: Buffer[] = [];
  while (names.length < BATCH) {
    const dirent = await dir.read();
    if (dirent === null) break;
    // The types do not know a Dir of Buffers, but with this encoding its names are Buffers.
    names.push((dirent as unknown as BufferDirent).name);
  }
  return names;
}
