// One check for a whole kind of slip: a sync that is left out, not waited for, or too late. It watches what the spool
// code does to the real disk, and knows at every moment what a power cut might take:
// - a file gets a name only when what was written to it is on the disk;
// - a name goes only when every other new name of its file is;
// - when an act has ended, `undurable` tells which new names and contents might still be lost.
// Only paths that lead through a descriptor count, because the spool code alone uses those.
import fs, { type PathLike } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';

/** By device and inode. */
type Node = string;

interface NewName {
  readonly folder: Node;
  readonly file: Node;
  readonly path: string;
}

type HandleMethods = Record<
  'write' | 'writeFile' | 'truncate' | 'sync',
  (this: FileHandle, ...args: unknown[]) => Promise<unknown>
>;

const THROUGH_DESCRIPTOR = '/proc/self/fd/';

export class RecordedDisk {
  /** What a power cut in the wrong moment would have destroyed. */
  readonly mistakes: string[] = [];
  readonly #names = new Set<NewName>();
  /** Where something was written that is not on the disk. */
  readonly #contents = new Map<Node, string>();
  readonly #own = new WeakSet<FileHandle>();

  /** Until the test ends. */
  static async watch(t: TestContext): Promise<RecordedDisk> {
    const disk = new RecordedDisk();
    await disk.#begin(t);
    return disk;
  }

  /** New names and contents that a power cut may take. */
  get undurable(): string[] {
    return [...[...this.#names].map(({ path }) => path), ...this.#contents.values()];
  }

  /** A producer has written to this file of the spool. */
  producerWrote(path: PathLike): void {
    this.#contents.set(nodeOf(path), `${path}`);
  }

  /** A crash has left this name before it was durable. */
  crashLeft(path: PathLike): void {
    this.#names.add({ folder: nodeOf(folderOf(path)), file: nodeOf(path), path: `${path}` });
  }

  async #begin(t: TestContext): Promise<void> {
    const promises = fs.promises;
    const { rename, link, unlink, mkdir, open: openFile } = promises;
    const { renameSync, unlinkSync } = fs;
    t.mock.method(promises, 'open', async (path: PathLike, ...rest: [string | number, number?]) => {
      const handle = await openFile(path, ...rest);
      if (isOurs(path)) this.#own.add(handle);
      return handle;
    });
    t.mock.method(promises, 'rename', async (from: PathLike, to: PathLike) => {
      this.#loseName(from);
      await rename(from, to);
      this.#moved(from, to);
    });
    t.mock.method(fs, 'renameSync', (from: PathLike, to: PathLike) => {
      this.#loseName(from);
      renameSync(from, to);
      this.#moved(from, to);
    });
    t.mock.method(promises, 'link', async (from: PathLike, to: PathLike) => {
      await link(from, to);
      this.#named(to);
    });
    t.mock.method(promises, 'mkdir', async (path: PathLike, options: { readonly mode: number }) => {
      await mkdir(path, options);
      this.#named(path);
    });
    t.mock.method(promises, 'unlink', async (path: PathLike) => {
      this.#loseName(path);
      await unlink(path);
    });
    t.mock.method(fs, 'unlinkSync', (path: PathLike) => {
      this.#loseName(path);
      unlinkSync(path);
    });
    await this.#watchHandles(t);
    this.#watchBlocking(t);
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
  }

  async #watchHandles(t: TestContext): Promise<void> {
    const some = await open('/dev/null');
    const methods: HandleMethods = Object.getPrototypeOf(some);
    await some.close();
    const disk = this;
    for (const method of ['write', 'writeFile', 'truncate'] as const) {
      const original = methods[method];
      t.mock.method(methods, method, function (this: FileHandle, ...args: unknown[]) {
        if (disk.#own.has(this)) disk.#contents.set(nodeOf(fdPath(this)), fs.readlinkSync(fdPath(this)));
        return original.apply(this, args);
      });
    }
    const { sync } = methods;
    t.mock.method(methods, 'sync', async function (this: FileHandle) {
      const node = nodeOf(fdPath(this));
      // What is changed while the disk writes may be too late for it.
      const before = [...disk.#names].filter(({ folder }) => folder === node);
      const content = disk.#contents.get(node);
      await sync.call(this);
      for (const name of before) disk.#names.delete(name);
      if (content !== undefined) disk.#contents.delete(node);
    });
  }

  /** Calls that block, and descriptors that are no handles. */
  #watchBlocking(t: TestContext): void {
    const { linkSync, writeSync, fsync } = fs;
    t.mock.method(fs, 'linkSync', (from: PathLike, to: PathLike) => {
      linkSync(from, to);
      this.#named(to);
    });
    t.mock.method(fs, 'writeSync', (fd: number, bytes: Buffer, ...rest: [number, number, number]) => {
      const path = fdPath({ fd });
      // A test's own report is written by the same call.
      if (fd > 2) this.#contents.set(nodeOf(path), fs.readlinkSync(path));
      return writeSync(fd, bytes, ...rest);
    });
    t.mock.method(fs, 'fsync', (fd: number, done: (error: Error | null) => void) => {
      const node = nodeOf(fdPath({ fd }));
      fsync(fd, (error) => {
        if (error === null) this.#contents.delete(node);
        done(error);
      });
    });
  }

  #named(path: PathLike): void {
    // A socket is worth nothing after a power cut.
    if (!isOurs(path) || fs.lstatSync(path).isSocket()) return;
    const folder = folderOf(path);
    const name = { folder: nodeOf(folder), file: nodeOf(path), path: shown(path) };
    this.#names.add(name);
    const content = this.#contents.get(name.file);
    if (content !== undefined) this.mistakes.push(`${name.path} has a name, and its content may be lost`);
  }

  #moved(from: PathLike, to: PathLike): void {
    if (!isOurs(from)) return;
    const [folder, path] = [nodeOf(folderOf(from)), shown(from)];
    for (const name of this.#names)
      if (name.folder === folder && name.path === path) this.#names.delete(name);
    this.#named(to);
  }

  #loseName(path: PathLike): void {
    if (!isOurs(path) || fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
    const [file, gone] = [nodeOf(path), shown(path)];
    for (const name of this.#names) {
      if (name.file !== file) continue;
      if (name.path !== gone) this.mistakes.push(`${gone} goes while ${name.path} may be lost`);
      else if (fs.lstatSync(path).nlink === 1) this.#names.delete(name);
    }
  }
}

function isOurs(path: PathLike): boolean {
  return `${path}`.startsWith(THROUGH_DESCRIPTOR);
}

function fdPath({ fd }: { readonly fd: number }): string {
  return `${THROUGH_DESCRIPTOR}${fd}`;
}

function folderOf(path: PathLike): string {
  return dirname(`${path}`);
}

/** Of the name itself, should it be a link; of the folder that a descriptor is open on. */
function nodeOf(path: PathLike): Node {
  const isDescriptor = /^\/proc\/self\/fd\/\d+$/.test(`${path}`);
  const stats = isDescriptor ? fs.statSync(path, { bigint: true }) : fs.lstatSync(path, { bigint: true });
  return `${stats.dev}:${stats.ino}`;
}

/** From the spool's root on. */
function shown(path: PathLike): string {
  const [, descriptor = '', rest = ''] = /^(\/proc\/self\/fd\/\d+)\/(.*)$/s.exec(`${path}`) ?? [];
  const place = `${fs.readlinkSync(descriptor)}/${rest}`;
  return place.replace(/^.*?\/(spool|home)\//, '');
}
