// A directory held open, and every name below it reached through its descriptor:
// `/proc/self/fd/N/name` is openat(2) for a runtime that has none. No parent can be swapped for a
// symbolic link between two steps. The only file that unlinks anything.
import { constants, fstatSync, lstatSync, unlinkSync } from 'node:fs';
import { type FileHandle, mkdir, open, rmdir, unlink } from 'node:fs/promises';
import { errnoOf, Fault } from '../system/fault.ts';
import type { SpoolPath } from './entry.ts';
import { syncToDisk } from './sync-to-disk.ts';

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const SLASH = 0x2f;

export class OpenDirectory {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly #handle: FileHandle;
  readonly #prefix: Buffer;

  private constructor(handle: FileHandle, dev: bigint, ino: bigint) {
    this.#handle = handle;
    this.#prefix = Buffer.from(`/proc/self/fd/${handle.fd}/`);
    this.dev = dev;
    this.ino = ino;
  }

  /** Rejects with the system error: ENOTDIR also when the last component is a symbolic link. */
  static async open(path: string | Buffer): Promise<OpenDirectory> {
    const handle = await open(path, DIRECTORY_FLAGS);
    try {
      const { dev, ino } = await handle.stat({ bigint: true });
      return new OpenDirectory(handle, dev, ino);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get fd(): number {
    return this.#handle.fd;
  }

  /** A path to `name` in this very directory. Valid until close(). */
  at(name: Buffer | string): Buffer {
    return Buffer.concat([this.#prefix, typeof name === 'string' ? Buffer.from(name) : name]);
  }

  stat() {
    return this.#handle.stat({ bigint: true });
  }

  chmod(mode: number): Promise<void> {
    return this.#handle.chmod(mode);
  }

  openDirectory(name: Buffer | string): Promise<OpenDirectory> {
    return OpenDirectory.open(this.at(name));
  }

  /** Creates `name` unless it is there already; says whether it did. */
  async makeDirectory(name: Buffer | string, mode: number): Promise<boolean> {
    try {
      await mkdir(this.at(name), { mode });
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /**
   * Undefined when there is nothing under that name. Does not follow a link. A local file system
   * answers from memory, in less than it takes to ask by way of the thread pool.
   */
  async lookUp(name: Buffer | string) {
    try {
      return lstatSync(this.at(name), { bigint: true });
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  unlink(name: Buffer | string): Promise<void> {
    return unlink(this.at(name));
  }

  /** Removes the directory `name` if it is there and empty; says whether it did. */
  async removeIfEmpty(name: Buffer | string): Promise<boolean> {
    try {
      await rmdir(this.at(name));
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Names that were made, moved or removed in this very directory are durable when resolved. */
  sync(): Promise<void> {
    return syncToDisk(this.#handle);
  }

  /** The same for the directory `name` below. */
  async syncDirectory(name: Buffer | string): Promise<void> {
    const directory = await this.openDirectory(name);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Whether `path` leads to the file open as `claim`, and that is still empty. */
export function isClaimed(path: Buffer, claim: number): boolean {
  const { dev, ino } = fstatSync(claim, { bigint: true });
  const present = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return present?.ino === ino && present.dev === dev && present.size === 0n;
}

/**
 * Takes a claim back, unless something else has its name by now. Synchronous: so nothing gets
 * between.
 */
export function unlinkClaim(path: Buffer, claim: number): void {
  if (isClaimed(path, claim)) unlinkSync(path);
}

/**
 * Runs `use` with the directory that holds `path`, walked to component by component without
 * following links. With 'create', missing folders on the way are made, durably, each with the mode
 * of the one it lies in.
 */
export async function inParent<T>(
  root: OpenDirectory,
  path: SpoolPath,
  use: (parent: OpenDirectory, name: Buffer) => Promise<T>,
  missing: 'create' | 'refuse' = 'refuse',
): Promise<T> {
  const components = componentsOf(path);
  const name = components.pop() ?? Buffer.alloc(0);
  let parent = root;
  try {
    for (const component of components) {
      const isNew = missing === 'create' && (await parent.makeDirectory(component, 0o700));
      const before = parent;
      parent = await before.openDirectory(component);
      try {
        if (isNew) await imitate(before, parent);
      } finally {
        if (before !== root) await before.close();
      }
    }
    return await use(parent, name);
  } finally {
    if (parent !== root) await parent.close();
  }
}

/**
 * Its producers are to get in as before: by mode and, where the bit for it is set, by group. Not
 * sticky: we remove.
 */
async function imitate(parent: OpenDirectory, made: OpenDirectory): Promise<void> {
  const { mode } = await parent.stat();
  await made.chmod(Number(mode) & 0o2777);
  await parent.sync();
}

/** The names a path is made of; refuses one that would lead out of the spool. */
function componentsOf(path: SpoolPath): Buffer[] {
  const components: Buffer[] = [];
  for (let start = 0; start <= path.bytes.length; ) {
    const slash = path.bytes.indexOf(SLASH, start);
    const end = slash === -1 ? path.bytes.length : slash;
    const component = path.bytes.subarray(start, end);
    const text = component.toString('latin1');
    if (text === '' || text === '.' || text === '..') {
      throw new Fault('file', `${path} is not a path below the spool`, {
        operation: 'resolve',
        subject: path.toString(),
      });
    }
    components.push(component);
    start = end + 1;
  }
  return components;
}
