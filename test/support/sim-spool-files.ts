// node:fs as the real spool code sees it in a simulation. Paths below `/sim/N` and descriptors opened there belong to
// process N; everything else goes to the real file system. Import it before anything of src/spool: some of that code
// takes its functions when it is loaded. Each call is one step of the process, which may fail, wait, or be its last.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { WriterView } from '../../src/spool/open-writers.ts';
import { type Errno, type SimDisk, type SimNode, systemError } from './sim-spool-disk.ts';

/** What decides about each step of a process. */
export interface SimSteps {
  readonly dead: boolean;
  /** True if the file system is of a kind that answers calls which block. */
  readonly isLocalDisk: boolean;
  /**
   * Runs `effect` when its time has come. Rejects with an error of the system's; never settles once the process is dead.
   */
  take<T>(operation: string, subject: string, effect: () => T): Promise<T>;
  /** The same for a call that waits for nothing, and between which and the next the process does not end. */
  takeNow<T>(operation: string, subject: string, effect: () => T): T;
  /** The same, but it may be the last step. What the code does after that has no effect any more. */
  takeAtOnce<T>(operation: string, subject: string, effect: () => T): T;
  /** A read(2) may give fewer bytes than asked for: how many of `bytes`, at least one. */
  shortRead(bytes: number): number;
}

interface Descriptor {
  readonly node: SimNode;
  readonly name: string;
  readonly writes: boolean;
}

type Path = string | Buffer;

const DESCRIPTORS_EACH = 1_000_000;
const NEVER = new Promise<never>(() => undefined);
const processes = new Map<number, SimFiles>();
const OWN_UID = BigInt(process.geteuid?.() ?? 0);
let made = 0;

/** One process's view of a disk. */
export class SimFiles {
  /** Where the spool is for this process. */
  readonly spoolPath: string;
  /** Where the manifest is, if the world has one. */
  readonly manifestPath: string;
  readonly #id: number;
  readonly #disk: SimDisk;
  readonly #steps: SimSteps;
  readonly #open = new Map<number, Descriptor>();
  #opened = 0;

  constructor(disk: SimDisk, steps: SimSteps) {
    made += 1;
    this.#id = made;
    this.#disk = disk;
    this.#steps = steps;
    this.spoolPath = `/sim/${this.#id}/spool`;
    this.manifestPath = `/sim/${this.#id}/state/manifest.jsonl`;
    processes.set(this.#id, this);
  }

  /** Nothing of this process will ever be heard again. */
  end(): void {
    processes.delete(this.#id);
    for (const fd of [...this.#open.keys()]) this.#closeNow(fd);
  }

  /** As the kernel tells, by way of perl. `onDistrust`: it was not believed in a trial. */
  writers(onDistrust: () => void): WriterView {
    return {
      ask: (fd) => {
        const { node, name } = this.#descriptor(fd);
        const ask = () => (node.writersTold = node.writers > 0 ? 'some' : 'none');
        return this.#steps.take('ask', name, ask);
      },
      tells: () => true,
      distrust: onDistrust,
    };
  }

  get openDescriptors(): number {
    return this.#open.size;
  }

  open(path: Path, flags: number | string = 'r', mode = 0o666) {
    return this.#step('open', path, () => this.#handle(this.#openNow(path, flags, mode)));
  }

  lstat(path: Path) {
    return this.#step('lstat', path, () => statsOf(this.#disk.get(...this.#at(path)), this.#disk.dev));
  }

  realpath(path: Path) {
    return this.#step('realpath', path, () => {
      this.#disk.get(...this.#at(path));
      return textOf(path);
    });
  }

  mkdir(path: Path, options: { recursive?: boolean; mode?: number } = {}) {
    return this.#step('mkdir', path, () => {
      const [below, from] = this.#at(path);
      if (options.recursive !== true) return this.#disk.makeFolder(below, options.mode ?? 0o777, from);
      const names = below.split('/');
      for (let count = 1; count <= names.length; count += 1) {
        const folder = names.slice(0, count).join('/');
        if (this.#disk.find(folder, from) === undefined)
          this.#disk.makeFolder(folder, options.mode ?? 0o777, from);
      }
    });
  }

  rmdir(path: Path) {
    return this.#step('rmdir', path, () => this.#disk.removeFolder(...this.#at(path)));
  }

  unlink(path: Path) {
    return this.#step('unlink', path, () => void this.#disk.unlink(...this.#at(path)));
  }

  rename(from: Path, to: Path) {
    return this.#step('rename', to, () => this.#renameNow(from, to));
  }

  link(from: Path, to: Path) {
    return this.#step('link', to, () => this.#linkNow(from, to));
  }

  readFile(path: Path) {
    return this.#step('read', path, () => this.#disk.get(...this.#at(path)).content.toString('utf8'));
  }

  readdir(path: Path, options: { withFileTypes?: boolean } = {}) {
    return this.#step('readdir', path, () =>
      this.#entries(path).map(([name, node]) =>
        options.withFileTypes === true ? dirent(Buffer.from(name, 'latin1'), node) : name,
      ),
    );
  }

  access(path: Path) {
    return this.#step('access', path, () => void this.#disk.get(...this.#at(path)));
  }

  chmod(path: Path, mode: number) {
    return this.#step('chmod', path, () => void Object.assign(this.#disk.get(...this.#at(path)), { mode }));
  }

  opendir(path: Path, options: { encoding?: string } = {}) {
    const asBuffer = options.encoding === 'buffer';
    return this.#step('opendir', path, () => {
      const entries = this.#entries(path).map(([name, node]) =>
        dirent(asBuffer ? Buffer.from(name, 'latin1') : name, node),
      );
      async function* all() {
        yield* entries;
      }
      const read = async () => entries.shift() ?? null;
      return Object.assign(all(), { read, close: async () => undefined });
    });
  }

  openSync(path: Path, flags: number, mode: number): number {
    return this.#stepAtOnce('open', path, () => this.#openNow(path, flags, mode));
  }

  writeSync(fd: number, bytes: Buffer, from: number, length: number, offset: number): number {
    const { node, name } = this.#descriptor(fd);
    return this.#steps.takeAtOnce('write', name, () => this.#writeNow(node, bytes, from, length, offset));
  }

  linkSync(from: Path, to: Path): void {
    this.#stepAtOnce('link', to, () => this.#linkNow(from, to));
  }

  openDescriptor(path: Path, flags: number, mode?: number) {
    return this.#step('open', path, () => this.#openNow(path, flags, mode ?? 0o666));
  }

  closeDescriptor(fd: number) {
    return this.#steps.take('close', this.#nameOf(fd), () => this.#closeNow(fd));
  }

  readDescriptor(fd: number, into: Buffer, at: number, length: number, offset: number) {
    const { node, name } = this.#descriptor(fd);
    return this.#steps.take('read', name, () => this.#readNow(node, into, at, length, offset));
  }

  readSync(fd: number, into: Buffer, at: number, length: number, offset: number): number {
    const { node, name } = this.#descriptor(fd);
    return this.#steps.takeAtOnce('read', name, () => this.#readNow(node, into, at, length, offset));
  }

  accessSync(path: Path): void {
    this.#stepAtOnce('access', path, () => void this.#disk.get(...this.#at(path)));
  }

  fsync(fd: number) {
    const { node, name } = this.#descriptor(fd);
    return this.#steps.take('fsync', name, () => this.#disk.sync(node));
  }

  /** No step of the process: what is free changes nothing. */
  async statfs() {
    const type = this.#steps.isLocalDisk ? 0xef53 : 0;
    return { type, bavail: 1e6, bsize: 4_096, files: 1e6, ffree: 1e6 };
  }

  lstatSync(path: Path) {
    const node = this.#disk.find(...this.#at(path));
    return node && statsOf(node, this.#disk.dev);
  }

  fstatSync(fd: number) {
    const { node, name } = this.#descriptor(fd);
    return this.#steps.takeNow('fstat', name, () => statsOf(node, this.#disk.dev));
  }

  renameSync(from: Path, to: Path): void {
    this.#stepAtOnce('rename', to, () => this.#renameNow(from, to));
  }

  unlinkSync(path: Path): void {
    this.#stepAtOnce('unlink', path, () => void this.#disk.unlink(...this.#at(path)));
  }

  closeSync(fd: number): void {
    this.#closeNow(fd);
  }

  #step<T>(operation: string, path: Path, effect: () => T): Promise<T> {
    return this.#steps.take(operation, this.#shown(path), effect);
  }

  #stepAtOnce<T>(operation: string, path: Path, effect: () => T): T {
    return this.#steps.takeAtOnce(operation, this.#shown(path), effect);
  }

  /** The path for people and for the trace: the same in every run, so without what is drawn by the code itself. */
  #shown(path: Path): string {
    const text = textOf(path);
    const [, fd, below] = /^\/proc\/self\/fd\/(\d+)\/(.*)$/s.exec(text) ?? [];
    const shown = fd === undefined ? text.replace(/^\/sim\/\d+/, '') : `${this.#nameOf(Number(fd))}/${below}`;
    return shown
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '*')
      .replace(/(quarantine\/[0-9TZ]+-)[0-9a-f]{8}/, '$1*');
  }

  #nameOf(fd: number): string {
    return this.#open.get(fd)?.name ?? '?';
  }

  #at(path: Path): [below: string, from: SimNode | undefined] {
    const text = textOf(path);
    const [, fd, below = ''] = /^\/proc\/self\/fd\/(\d+)\/?(.*)$/s.exec(text) ?? [];
    if (fd === undefined) return [text.replace(/^\/sim\/\d+/, ''), undefined];
    return [below, this.#descriptor(Number(fd)).node];
  }

  #descriptor(fd: number): Descriptor {
    const descriptor = this.#open.get(fd);
    if (descriptor === undefined) throw new Error(`descriptor ${fd} is used after it was closed`);
    return descriptor;
  }

  #openNow(path: Path, flags: number | string, mode: number): number {
    const creates = typeof flags === 'string' ? flags.startsWith('w') : (flags & fs.constants.O_CREAT) !== 0;
    const [below, from] = this.#at(path);
    const found = this.#disk.find(below, from);
    const wantsFolder = typeof flags === 'number' && (flags & fs.constants.O_DIRECTORY) !== 0;
    const isExclusive = typeof flags === 'string' ? flags === 'wx' : (flags & fs.constants.O_EXCL) !== 0;
    if (found === undefined && !creates) throw systemError('ENOENT', 'open');
    if (found !== undefined && creates && isExclusive) throw systemError('EEXIST', 'open');
    if (found !== undefined && wantsFolder && found.entries === undefined)
      throw systemError('ENOTDIR', 'open');
    const node = found ?? this.#disk.create(below, mode, from);
    this.#opened += 1;
    const fd = this.#id * DESCRIPTORS_EACH + this.#opened;
    const writes =
      typeof flags === 'string'
        ? !flags.startsWith('r')
        : (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;
    if (writes) node.writers += 1;
    this.#open.set(fd, { node, name: this.#shown(path), writes });
    return fd;
  }

  #closeNow(fd: number): void {
    const descriptor = this.#open.get(fd);
    if (descriptor?.writes === true) descriptor.node.writers -= 1;
    this.#open.delete(fd);
  }

  #linkNow(from: Path, to: Path): void {
    const [[source, sourceNode], [target, targetNode]] = [this.#at(from), this.#at(to)];
    this.#disk.link(source, target, sourceNode, targetNode);
  }

  #writeNow(node: SimNode, bytes: Buffer, from: number, length: number, offset: number): number {
    const content = Buffer.alloc(Math.max(node.content.length, offset + length));
    node.content.copy(content);
    bytes.copy(content, offset, from, from + length);
    this.#disk.write(node, content);
    return length;
  }

  #readNow(node: SimNode, into: Buffer, at: number, length: number, offset: number): number {
    const available = Math.max(0, Math.min(length, node.content.length - offset));
    const bytesRead = available === 0 ? 0 : this.#steps.shortRead(available);
    node.content.copy(into, at, offset, offset + bytesRead);
    return bytesRead;
  }

  #renameNow(from: Path, to: Path): void {
    const [[source, sourceNode], [target, targetNode]] = [this.#at(from), this.#at(to)];
    this.#disk.rename(source, target, sourceNode, targetNode);
  }

  #entries(path: Path): [string, SimNode][] {
    const folder = this.#disk.get(...this.#at(path));
    if (folder.entries === undefined) throw systemError('ENOTDIR', 'opendir');
    return [...folder.entries];
  }

  #handle(fd: number) {
    const { node, name } = this.#descriptor(fd);
    const step = <T>(operation: string, effect: () => T) => this.#steps.take(operation, name, effect);
    let written = 0;
    return {
      fd,
      stat: () => step('fstat', () => statsOf(node, this.#disk.dev)),
      chmod: (mode: number) => step('chmod', () => void Object.assign(node, { mode })),
      sync: () => step('fsync', () => this.#disk.sync(node)),
      datasync: () => step('fsync', () => this.#disk.syncContent(node)),
      close: () => step('close', () => this.#closeNow(fd)),
      truncate: (size: number) =>
        step('truncate', () => this.#disk.write(node, Buffer.from(node.content.subarray(0, size)))),
      /** What is written first takes the place of all there is; the rest follows it. */
      writeFile: (data: string | Uint8Array) =>
        step('write', () => {
          const bytes = Buffer.from(data);
          if (written === 0) this.#disk.write(node, bytes);
          else this.#writeNow(node, bytes, 0, bytes.length, written);
          written += bytes.length;
        }),
      write: (bytes: Buffer, from: number, length: number, offset: number) =>
        step('write', () => ({ bytesWritten: this.#writeNow(node, bytes, from, length, offset) })),
      read: (into: Buffer, at: number, length: number, offset: number) =>
        step('read', () => ({ bytesRead: this.#readNow(node, into, at, length, offset) })),
    };
  }
}

function textOf(path: Path): string {
  return (typeof path === 'string' ? Buffer.from(path) : path).toString('latin1');
}

function dirent(name: string | Buffer, node: SimNode) {
  return { name, isDirectory: () => node.entries !== undefined, isFile: () => node.entries === undefined };
}

function statsOf(node: SimNode, dev: bigint) {
  const no = () => false;
  return {
    dev,
    ino: node.ino,
    uid: OWN_UID,
    size: BigInt(node.content.length),
    mode: BigInt(node.mode),
    mtimeNs: node.mtimeNs,
    ctimeNs: node.ctimeNs,
    birthtimeNs: node.birthNs,
    isFile: () => node.entries === undefined,
    isDirectory: () => node.entries !== undefined,
    ...{ isSymbolicLink: no, isFIFO: no, isSocket: no },
  };
}

/** The process a path or descriptor belongs to; `dead` when it has ended, undefined for the real file system. */
function ownerOf(target: unknown): SimFiles | 'dead' | undefined {
  let id: number;
  if (typeof target === 'number') id = Math.floor(target / DESCRIPTORS_EACH);
  else if (typeof target === 'string' || Buffer.isBuffer(target)) {
    const [, sim, fd] = /^\/(?:sim\/(\d+)\/|proc\/self\/fd\/(\d{7,})\/)/.exec(textOf(target)) ?? [];
    id = Number(sim ?? Math.floor(Number(fd ?? 0) / DESCRIPTORS_EACH));
  } else return undefined;
  return id === 0 ? undefined : (processes.get(id) ?? 'dead');
}

type Functions = Record<string, (...args: unknown[]) => unknown>;

function divert(
  module: Functions,
  name: string,
  style: 'promise' | 'callback' | 'sync',
  simulatedName = name,
): void {
  const real = module[name]?.bind(module);
  module[name] = (...args) => {
    const owner = ownerOf(args[0]);
    if (owner === undefined) return real?.(...args);
    if (owner === 'dead' && style === 'sync') throw systemError('EIO', name);
    // A callback that is never called: promisify() warns of functions that return a promise.
    if (owner === 'dead') return style === 'promise' ? NEVER : undefined;
    const simulated = owner as unknown as Functions;
    if (style !== 'callback') return simulated[simulatedName]?.(...args);
    const callback = args.pop() as (error: unknown, result?: unknown) => void;
    const done = simulated[simulatedName]?.(...args) as Promise<unknown> | undefined;
    done?.then((result) => callback(null, result), callback);
    return undefined;
  };
}

const PROMISED =
  'access chmod open lstat realpath mkdir rmdir unlink rename link readFile readdir opendir statfs'.split(
    ' ',
  );
for (const name of PROMISED) divert(fs.promises as unknown as Functions, name, 'promise');
for (const name of ['lstat', 'opendir', 'fsync']) divert(fs as unknown as Functions, name, 'callback');
for (const name of ['open', 'close', 'read'])
  divert(fs as unknown as Functions, name, 'callback', `${name}Descriptor`);
const BLOCKING =
  'openSync readSync accessSync writeSync linkSync lstatSync fstatSync renameSync unlinkSync closeSync'.split(
    ' ',
  );
for (const name of BLOCKING) divert(fs as unknown as Functions, name, 'sync');
syncBuiltinESMExports();

export type { Errno };
