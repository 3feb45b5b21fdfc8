// A file system in memory with what matters about a real one: identities, names apart from files, descriptors that
// outlive names, time stamps of the wall clock. Everything happens at once and whole; order and failure are its users'.
// Names are latin1 text, one character a byte.
import { type SimFileSystem, SimPowerCut } from './sim-power-cut.ts';
import type { SimRandom } from './sim-world-random.ts';

export interface SimNode {
  readonly ino: bigint;
  /** Of a folder; undefined for a file. */
  readonly entries: Map<string, SimNode> | undefined;
  readonly birthNs: bigint;
  content: Buffer;
  mode: number;
  links: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  /** How many have it open for writing; and what was last told of that. */
  writers: number;
  writersTold: 'none' | 'some' | undefined;
  /** Counts removals of the disk: when its last name was removed. */
  removedNth: number;
}

export type Errno =
  | 'ENOENT'
  | 'EEXIST'
  | 'ENOTDIR'
  | 'ENOTEMPTY'
  | 'ENOSPC'
  | 'EMFILE'
  | 'EIO'
  | 'EPERM'
  | 'EISDIR';

export function systemError(code: Errno, operation: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${operation}`), { code, syscall: operation });
}

export class SimDisk {
  readonly root: SimNode;
  /** Another one after each start of the machine. */
  dev = 1n;
  readonly #wallMs: () => number;
  readonly #powerCut: SimPowerCut;
  #removals = 0;
  #inos = 1n;
  #ticks = 0n;

  constructor(wallMs: () => number, kind: SimFileSystem = 'journal') {
    this.#wallMs = wallMs;
    this.root = this.#node(new Map(), 0o755);
    this.#powerCut = new SimPowerCut(this.root, kind);
  }

  /** As fsync(2), of a file or a folder. */
  sync(node: SimNode): void {
    this.#powerCut.sync(node);
  }

  /** As fdatasync(2), of a file: its names may still be lost. */
  syncContent(node: SimNode): void {
    this.#powerCut.syncContent(node);
  }

  /** The content that a power cut leaves at least. */
  onDisk(node: SimNode): Buffer {
    return this.#powerCut.onDisk(node);
  }

  /** What was not synced may be lost. Nothing may be open any more. */
  cutPower(random: SimRandom): void {
    this.#powerCut.cut(random);
    this.dev += 1n;
  }

  /** Undefined when there is nothing. Throws ENOTDIR when the way leads through a file. */
  find(path: string, from: SimNode = this.root): SimNode | undefined {
    let node: SimNode | undefined = from;
    for (const name of namesOf(path)) {
      if (node === undefined) return undefined;
      if (node.entries === undefined) throw systemError('ENOTDIR', 'lookup');
      node = node.entries.get(name);
    }
    return node;
  }

  get(path: string, from?: SimNode): SimNode {
    const node = this.find(path, from);
    if (node === undefined) throw systemError('ENOENT', 'lookup');
    return node;
  }

  /** A new file; EEXIST when the name is taken. */
  create(path: string, mode: number, from?: SimNode): SimNode {
    const { parent, folder, name } = this.#place(path, from);
    if (folder.has(name)) throw systemError('EEXIST', 'open');
    const node = this.#node(undefined, mode);
    folder.set(name, node);
    this.#powerCut.changed([parent, node], () => folder.delete(name));
    return node;
  }

  makeFolder(path: string, mode: number, from?: SimNode): void {
    const { parent, folder, name } = this.#place(path, from);
    if (folder.has(name)) throw systemError('EEXIST', 'mkdir');
    const node = this.#node(new Map(), mode);
    folder.set(name, node);
    this.#powerCut.changed([parent, node], () => folder.delete(name));
  }

  removeFolder(path: string, from?: SimNode): void {
    const { parent, folder, name } = this.#place(path, from);
    const node = folder.get(name);
    if (node === undefined) throw systemError('ENOENT', 'rmdir');
    if (node.entries === undefined) throw systemError('ENOTDIR', 'rmdir');
    if (node.entries.size > 0) throw systemError('ENOTEMPTY', 'rmdir');
    folder.delete(name);
    node.links = 0;
    this.#powerCut.changed([parent, node], () => folder.set(name, node), true);
  }

  unlink(path: string, from?: SimNode): SimNode {
    const { parent, folder, name } = this.#place(path, from);
    const node = folder.get(name);
    if (node === undefined) throw systemError('ENOENT', 'unlink');
    if (node.entries !== undefined) throw systemError('EISDIR', 'unlink');
    folder.delete(name);
    node.links -= 1;
    this.#removals += 1;
    node.removedNth = this.#removals;
    node.ctimeNs = this.#nowNs();
    this.#powerCut.changed([parent, node], () => folder.set(name, node));
    return node;
  }

  link(from: string, to: string, fromNode?: SimNode, toNode?: SimNode): void {
    const node = this.get(from, fromNode);
    const { parent, folder, name } = this.#place(to, toNode);
    if (folder.has(name)) throw systemError('EEXIST', 'link');
    folder.set(name, node);
    this.#powerCut.changed([parent, node], () => folder.delete(name));
    node.links += 1;
    node.ctimeNs = this.#nowNs();
  }

  /** Replaces a file that has the name, as rename(2) does. */
  rename(from: string, to: string, fromNode?: SimNode, toNode?: SimNode): void {
    const source = this.#place(from, fromNode);
    const target = this.#place(to, toNode);
    const node = source.folder.get(source.name);
    if (node === undefined) throw systemError('ENOENT', 'rename');
    const replaced = target.folder.get(target.name);
    if (replaced === node) return;
    if (replaced?.entries !== undefined) throw systemError('EISDIR', 'rename');
    if (replaced !== undefined) replaced.links -= 1;
    source.folder.delete(source.name);
    target.folder.set(target.name, node);
    this.#powerCut.changed([source.parent, target.parent, node], () => {
      if (replaced === undefined) target.folder.delete(target.name);
      else target.folder.set(target.name, replaced);
      source.folder.set(source.name, node);
    });
    node.ctimeNs = this.#nowNs();
  }

  write(node: SimNode, content: Buffer): void {
    node.content = content;
    node.mtimeNs = this.#nowNs();
    node.ctimeNs = node.mtimeNs;
  }

  /** Every file below `path`, by its path below it. */
  *files(path: string): Generator<[path: string, node: SimNode]> {
    const folder = this.find(path);
    for (const [name, node] of folder?.entries ?? []) {
      if (node.entries === undefined) yield [name, node];
      else for (const [below, file] of this.files(`${path}/${name}`)) yield [`${name}/${below}`, file];
    }
  }

  #place(path: string, from?: SimNode): { parent: SimNode; folder: Map<string, SimNode>; name: string } {
    const names = namesOf(path);
    const name = names.pop() ?? '';
    const parent = this.get(names.join('/'), from);
    if (parent.links === 0) throw systemError('ENOENT', 'lookup');
    if (parent.entries === undefined) throw systemError('ENOTDIR', 'lookup');
    return { parent, folder: parent.entries, name };
  }

  #node(entries: Map<string, SimNode> | undefined, mode: number): SimNode {
    const nowNs = this.#nowNs();
    const times = { birthNs: nowNs, mtimeNs: nowNs, ctimeNs: nowNs };
    return {
      ino: this.#inos++,
      entries,
      content: Buffer.alloc(0),
      mode,
      links: 1,
      writers: 0,
      writersTold: undefined,
      removedNth: 0,
      ...times,
    };
  }

  /** No two events at the same nanosecond. */
  #nowNs(): bigint {
    this.#ticks += 1n;
    return BigInt(Math.floor(this.#wallMs() * 1e3)) * 1_000n + (this.#ticks % 1_000n);
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
