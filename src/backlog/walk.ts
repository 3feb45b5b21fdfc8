// Walks over the spool and tells what is in it. It follows no link. Its findings are facts only for
// the moment of the look: the directory is the truth.
import type { BigIntStats } from 'node:fs';
import { SpoolPath } from '../spool/entry.ts';
import { PRIVATE_FOLDER, PROBE_PREFIX } from '../spool/private-folder.ts';
import { errnoOf } from '../system/fault.ts';
import { FoundFiles } from './found-files.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import type { MountPoints } from './mounts-below.ts';
import { folderOddity, type Oddity, type OddityKind } from './oddity.ts';
import { type Closable, NoAnswer, type SilentFolders } from './silent-folders.ts';

/** A folder that is open for a walk. Methods reject with the system error. */
export interface WalkedFolder extends Closable {
  readonly dev: bigint;
  readonly ino: bigint;
  names(): Promise<NameList>;
  /** Follows no link. Resolves for each name with its stats, an oddity, or 'gone'. */
  lookUp(names: readonly Buffer[]): Promise<readonly Look[]>;
  enter(name: Buffer): Promise<WalkedFolder>;
}

export interface NameList extends Closable {
  /** The next names of the folder; none at its end. They are valid until the next call. */
  next(): Promise<readonly Buffer[]>;
}

export type Look = BigIntStats | Oddity | 'gone';

export interface WalkPlace {
  readonly root: WalkedFolder;
  /** The private folder, which the walk leaves out. */
  readonly privateFolder: { readonly dev: bigint; readonly ino: bigint };
  readonly mounts: MountPoints;
}

export interface WalkRequest {
  readonly ignore: Pick<IgnoreRules, 'ignores' | 'patterns'>;
  /** The first batch to fill [a new one]. */
  readonly batch?: FoundFiles;
  /**
   * Called for every file that is not ignored, in batches that are not empty. Returns the next
   * batch to fill.
   */
  readonly onFound: (found: FoundFiles) => FoundFiles;
  /** Called for every odd thing found. */
  readonly onOddity: (path: SpoolPath, oddity: Oddity) => void;
  /** A crash has left probes in this folder. */
  readonly onProbe: (folder: SpoolPath) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
  /** Gives up on folders that do not answer. Without it, the walk waits for ever. */
  readonly silent?: Silence | undefined;
}

/** What a walk uses of SilentFolders. */
export type Silence = Pick<SilentFolders, 'has' | 'within' | 'close'>;

export interface WalkResult {
  readonly folders: number;
  /**
   * True if the spool contains mounts or folders that do not answer. Then only a scan may look at
   * them.
   */
  readonly hasSilent: boolean;
}

// Each level holds two descriptors. A deeper path is unlikely to make a usable key.
const DEPTH_MAX = 64;
/** NTFS has the longest names: 255 characters, 3 bytes each. And a slash. */
const NAME_BYTES_MAX = 3 * 255 + 1;

const MOUNT: Oddity = { kind: 'mount' };
const SILENT: Oddity = { kind: 'silent folder' };
const SLASH = Buffer.from('/');
const DOT = 0x2e;

/** Rejects with the system error of the root, or with the signal's reason. */
export async function walk(place: WalkPlace, request: WalkRequest): Promise<WalkResult> {
  const it = new Walk(place, request);
  await it.folder(place.root, Buffer.alloc(0), 0);
  return it.end();
}

class Walk {
  readonly #place: WalkPlace;
  readonly #request: WalkRequest;
  readonly #path = Buffer.alloc((DEPTH_MAX + 1) * NAME_BYTES_MAX);
  #found: FoundFiles;
  #folders = 0;
  #hasSilent = false;

  constructor(place: WalkPlace, request: WalkRequest) {
    this.#place = place;
    this.#request = request;
    this.#found = request.batch ?? new FoundFiles();
  }

  /** `prefix` is the folder's path with a trailing `/`; empty for the root. */
  async folder(folder: WalkedFolder, prefix: Buffer, depth: number): Promise<void> {
    const path = new SpoolPath(prefix.subarray(0, -1));
    const list = await this.#answer(
      path,
      () => folder.names(),
      (late) => late.close(),
    );
    try {
      for (let more = true; more; ) {
        const names = await this.#answer(path, () => list.next());
        await this.#lookAt(folder, path, prefix, names, depth);
        more = names.length > 0;
      }
    } finally {
      await this.#close(path, list);
    }
  }

  /** Valid until the next call. A path of its own for each file would make much garbage. */
  #below(prefix: Buffer, name: Buffer): Buffer {
    prefix.copy(this.#path);
    name.copy(this.#path, prefix.length);
    return this.#path.subarray(0, prefix.length + name.length);
  }

  end(): WalkResult {
    this.#tell();
    return { folders: this.#folders, hasSilent: this.#hasSilent };
  }

  #tell(): void {
    if (this.#found.count > 0) this.#found = this.#request.onFound(this.#found);
  }

  /** Runs `call`, which reads the folder `path`. Rejects with NoAnswer when it is given up. */
  #answer<T>(
    path: SpoolPath,
    call: () => Promise<T>,
    late: (result: T) => unknown = () => undefined,
  ): Promise<T> {
    const { silent } = this.#request;
    return silent === undefined ? call() : silent.within(path, call, late);
  }

  #close(path: SpoolPath, opened: Closable): Promise<void> {
    return this.#request.silent?.close(path, opened) ?? opened.close();
  }

  async #lookAt(
    folder: WalkedFolder,
    path: SpoolPath,
    prefix: Buffer,
    all: readonly Buffer[],
    depth: number,
  ): Promise<void> {
    this.#request.signal?.throwIfAborted();
    if (all.some(isProbe)) await this.#request.onProbe(path);
    const names = all.filter((name) => this.#isOfInterest(name, prefix, depth));
    if (names.length === 0) return;
    const looks = await this.#answer(path, () => folder.lookUp(names));
    for (const [place, name] of names.entries()) {
      const look = looks[place] ?? 'gone';
      if (look === 'gone') continue;
      const bytes = this.#below(prefix, name);
      if ('kind' in look) this.#request.onOddity(ownPath(bytes), look);
      else if (look.isFile()) this.#file(bytes, look);
      else if (look.isDirectory()) await this.#descend(folder, name, ownPath(bytes), depth + 1);
      else this.#request.onOddity(ownPath(bytes), { kind: kindOf(look) });
    }
  }

  /** False for what is ignored, and for what must not be touched. */
  #isOfInterest(name: Buffer, prefix: Buffer, depth: number): boolean {
    if (isProbe(name)) return false;
    if (depth === 0 && name[0] === DOT && name.toString('latin1') === PRIVATE_FOLDER) return false;
    const path = this.#below(prefix, name);
    if (this.#request.ignore.ignores(name, path)) return false;
    const id = path.toString('latin1');
    const isMount = this.#place.mounts.has(id);
    if (!isMount && this.#request.silent?.has({ id }) !== true) return true;
    this.#request.onOddity(ownPath(path), this.#sawSilent(isMount ? MOUNT : SILENT));
    return false;
  }

  #file(path: Buffer, stats: BigIntStats): void {
    this.#found.add(path, stats);
    if (this.#found.isFull) this.#tell();
  }

  /**
   * A failure in a folder is reported as that folder's oddity; the rest of the spool is still
   * scanned.
   */
  async #descend(parent: WalkedFolder, name: Buffer, path: SpoolPath, depth: number): Promise<void> {
    if (depth > DEPTH_MAX) return this.#request.onOddity(path, { kind: 'too deep' });
    try {
      const open = () => parent.enter(name);
      await this.#walkInto(await this.#answer(path, open, (late) => late.close()), path, depth);
    } catch (error) {
      this.#request.signal?.throwIfAborted();
      if (error instanceof NoAnswer) return this.#request.onOddity(path, this.#sawSilent(SILENT));
      const code = codeOf(error);
      // It is gone, or it is a file or a link now. The next scan finds out.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') this.#request.onOddity(path, folderOddity(code));
    }
  }

  async #walkInto(folder: WalkedFolder, path: SpoolPath, depth: number): Promise<void> {
    try {
      // The private folder may have been moved here.
      const { root, privateFolder } = this.#place;
      if (folder.dev === privateFolder.dev && folder.ino === privateFolder.ino) return;
      if (folder.dev !== root.dev) return this.#request.onOddity(path, MOUNT);
      this.#folders += 1;
      await this.folder(folder, Buffer.concat([path.bytes, SLASH]), depth);
    } finally {
      await this.#close(path, folder);
    }
  }

  #sawSilent(oddity: Oddity): Oddity {
    this.#hasSilent = true;
    return oddity;
  }
}

/** An error without an errno is a bug in halfpipe, so it is not blamed on a folder. */
export function codeOf(error: unknown): string {
  const code = errnoOf(error);
  if (code === undefined) throw error;
  return code;
}

/** What a look at a name has found that failed with `code`. */
export function lookOf(code: string): Look {
  return code === 'ENOENT' ? 'gone' : { kind: 'broken entry', code };
}

function isProbe(name: Buffer): boolean {
  return name[0] === DOT && name.toString('latin1').startsWith(PROBE_PREFIX);
}

function ownPath(bytes: Buffer): SpoolPath {
  return new SpoolPath(Buffer.from(bytes));
}

function kindOf(stats: BigIntStats): OddityKind {
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isFIFO()) return 'FIFO';
  return stats.isSocket() ? 'socket' : 'device';
}
