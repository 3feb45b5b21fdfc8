// Works in a directory through its descriptor. Only this file unlinks anything.
import { type BigIntStats, constants, fstatSync, lstatSync, unlinkSync } from 'node:fs';
import { type FileHandle, mkdir, open, rmdir, statfs, unlink } from 'node:fs/promises';
import { errnoOf, Fault } from '../system/fault.ts';
import type { SpoolPath } from './entry.ts';
import { syncToDisk } from './sync-to-disk.ts';

const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const SLASH = 0x2f;
const SETGID = 0o2000;
/** Permissions, sticky and setgid. */
const FOLDER_MODE = 0o3777;

/**
 * A directory held open. Every name below it is reached through its descriptor:
 * `/proc/self/fd/N/name` is the openat(2) that Node.js lacks. So no parent can be replaced by a
 * symbolic link between two steps.
 * Methods reject with the system error and cannot be cancelled. After close(), paths from at() may
 * lead to another directory, because the kernel reuses descriptor numbers.
 */
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

  /**
   * Rejects with the system error. ENOTDIR also means that the last component is a symbolic link.
   */
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

  /** Creates `name` unless it exists. Resolves with true if it was created. */
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
   * Opens the folder `name`, and makes it if it is missing: with the mode of this directory. So
   * producers get in as before, and cannot remove each other's files where they could not before.
   * A new name is not durable before sync().
   */
  async makeFolder(name: Buffer | string): Promise<{ folder: OpenDirectory; isNew: boolean }> {
    const mode = await this.#modeBelow();
    // The kernel passes setgid on. A sandbox (RestrictSUIDSGID=) refuses a call that names the bit.
    const isNew = await this.makeDirectory(name, mode & ~SETGID);
    const folder = await this.openDirectory(name);
    if (isNew) await folder.unlessClosed(() => folder.#widen(mode));
    return { folder, isNew };
  }

  /** The owner of a new folder is this process, also if this directory has another owner. */
  async #modeBelow(): Promise<number> {
    return (Number((await this.stat()).mode) & FOLDER_MODE) | 0o700;
  }

  /**
   * Gives a new folder the bits that the umask took from it. Where that is refused, the folder is
   * less open than its parent, but this process can use it.
   */
  async #widen(mode: number): Promise<void> {
    if ((Number((await this.stat()).mode) & FOLDER_MODE) === mode) return;
    try {
      await this.chmod(mode);
    } catch (error) {
      if (errnoOf(error) !== 'EPERM') throw error;
    }
  }

  /** Closes this directory if `use` rejects, and rejects as it does. */
  async unlessClosed<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Does what lookUpNow() does, for callers that expect a promise. */
  async lookUp(name: Buffer | string) {
    return this.lookUpNow(name);
  }

  /**
   * Blocks. Returns undefined if the name does not exist, and does not follow a link. A local file
   * system answers from memory, which is faster than a call through the thread pool.
   */
  lookUpNow(name: Buffer | string): BigIntStats | undefined {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
  }

  /**
   * What this process may still write to the file system. `files` is undefined where that sets no
   * limit (btrfs counts none).
   */
  async freeSpace(): Promise<{ readonly bytes: number; readonly files: number | undefined }> {
    const { bavail, bsize, files, ffree } = await statfs(this.at('.'));
    return { bytes: bavail * bsize, files: files === 0 ? undefined : ffree };
  }

  unlink(name: Buffer | string): Promise<void> {
    return unlink(this.at(name));
  }

  /** Blocks. For a name that is given up in the moment in which its file has got another one. */
  unlinkNow(name: Buffer | string): void {
    unlinkSync(this.at(name));
  }

  /**
   * Removes the directory `name` if it exists and is empty. Resolves with true if it was removed.
   */
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

  /** Resolves when names that were created, moved or removed in this directory are durable. */
  sync(): Promise<void> {
    return syncToDisk(this.#handle);
  }

  /** Like sync(), for the directory `name` below this one. */
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

/** Returns true if `path` leads to the file that is open as `claim` and is still empty. */
export function isClaimed(path: Buffer, claim: number): boolean {
  const { dev, ino } = fstatSync(claim, { bigint: true });
  const present = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return present?.ino === ino && present.dev === dev && present.size === 0n;
}

/**
 * Removes a claim, unless its name now belongs to another file. Synchronous, so that nothing comes
 * in between.
 */
export function unlinkClaim(path: Buffer, claim: number): void {
  if (isClaimed(path, claim)) unlinkSync(path);
}

/** Opens the folder `name` of `parent`, on the way to a file. */
export type EnterFolder = (parent: OpenDirectory, name: Buffer) => Promise<OpenDirectory>;

const ENTER: Readonly<Record<'create' | 'refuse', EnterFolder>> = {
  refuse: (parent, name) => parent.openDirectory(name),
  create: async (parent, name) => {
    const { folder, isNew } = await parent.makeFolder(name);
    if (isNew) await folder.unlessClosed(() => parent.sync());
    return folder;
  },
};

/**
 * Runs `use` with the directory that holds `path`. It walks there component by component and
 * follows no links. With 'create', it makes missing folders durably, each with the mode of its
 * parent.
 */
export async function inParent<T>(
  root: OpenDirectory,
  path: SpoolPath,
  use: (parent: OpenDirectory, name: Buffer) => Promise<T>,
  enter: EnterFolder | 'create' | 'refuse' = 'refuse',
): Promise<T> {
  const components = componentsOf(path);
  const name = components.pop() ?? Buffer.alloc(0);
  let parent = root;
  try {
    for (const component of components) {
      const before = parent;
      parent = await (typeof enter === 'string' ? ENTER[enter] : enter)(before, component);
      if (before !== root) await before.close();
    }
    return await use(parent, name);
  } finally {
    if (parent !== root) await parent.close();
  }
}

/** Runs `use` with the directory `path`, which is `root` if it is empty. It follows no links. */
export async function inFolder<T>(
  root: OpenDirectory,
  path: SpoolPath,
  use: (folder: OpenDirectory) => Promise<T>,
): Promise<T> {
  if (path.id === '') return use(root);
  return inParent(root, path, async (parent, name) => {
    const folder = await parent.openDirectory(name);
    try {
      return await use(folder);
    } finally {
      await folder.close();
    }
  });
}

/** The components of a path. Throws Fault `file` if the path would lead out of the spool. */
export function componentsOf(path: SpoolPath): Buffer[] {
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
