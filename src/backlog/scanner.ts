// One walk over the spool. It counts everything, keeps the best N settled files and follows no
// link. Its findings are facts only for the moment of the look: the directory is the truth.
import { type BigIntStats, lstat } from 'node:fs';
import { promisify } from 'node:util';
import { type Entry, type FileIdentity, type SpoolOrder, SpoolPath } from '../spool/entry.ts';
import type { OpenDirectory } from '../spool/open-directory.ts';
import { PRIVATE_FOLDER, PROBE_PREFIX } from '../spool/private-folder.ts';
import type { SpoolDirectory, WalkedSpool } from '../spool/spool-directory.ts';
import { identityOf } from '../spool/spool-file.ts';
import { errnoOf } from '../system/fault.ts';
import { BestEntries } from './best-entries.ts';
import { BATCH, nextNames, openNames } from './folder-names.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import { type MountPoints, mountsBelow } from './mounts-below.ts';
import { folderOddity, type Oddity, type OddityKind } from './oddity.ts';
import type { Moment, Settle } from './settle.ts';
import { type Closable, NoAnswer, type SilentFolders } from './silent-folders.ts';

export interface ScanRequest {
  readonly order: SpoolOrder;
  /** How many entries to keep, ≥ 1. */
  readonly capacity: number;
  readonly ignore: Pick<IgnoreRules, 'ignores'>;
  readonly settle: Settle;
  /** The moment the scan began. Every file is judged by it. */
  readonly now: Moment;
  /** Called for every file that is counted. False keeps it out of the entries. */
  readonly wants: (path: SpoolPath, identity: FileIdentity) => boolean;
  /** Called for every file that is counted, with the time until it is settled; 0: it is. */
  readonly onFile?: (path: SpoolPath, identity: FileIdentity, settlesInMs: number) => void;
  /** True if the file came to its name by a rename, as far as is known. */
  readonly wasRenamed: (id: string, identity: FileIdentity) => boolean;
  /** Called for every odd thing found, in every scan. */
  readonly onOddity: (path: SpoolPath, oddity: Oddity) => void;
  readonly signal?: AbortSignal;
  /** Gives up on folders that do not answer. Without it, the scan waits for ever. */
  readonly silent?: SilentFolders;
}

export interface ScanResult {
  /** The settled and wanted files, best first, at most `capacity`. */
  readonly entries: readonly Entry[];
  /** How many files were settled and wanted. */
  readonly eligible: number;
  /** Regular files that are not ignored, in any state, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Wall clock, milliseconds since the epoch. Null when there is no file. */
  readonly oldestModifiedAtMs: number | null;
  /** The file that was modified then. */
  readonly oldestPath: SpoolPath | null;
  readonly unsettled: number;
  /** When the first unsettled file may be settled, counted from `now`. Null when there is none. */
  readonly settlesInMs: number | null;
  readonly folders: number;
  /**
   * True if the spool contains mounts or folders that do not answer. Then only a scan may look at
   * them.
   */
  readonly hasSilent: boolean;
}

// Each level holds two descriptors. A deeper path is unlikely to make a usable key.
const DEPTH_MAX = 64;

const MOUNT: Oddity = { kind: 'mount' };
const SILENT: Oddity = { kind: 'silent folder' };

// From node:fs, not node:fs/promises: it needs a third less CPU, and a scan spends most of its time
// here.
const lookUp = promisify(lstat);

/** The spool itself, as a path relative to its root. */
const ROOT = SpoolPath.from('');

/** A spool that can be scanned. */
export interface ScannedSpool {
  readonly path: string;
  scan(request: ScanRequest): Promise<ScanResult>;
}

/** The spool as the scan loop sees it. */
export function scanned(spool: SpoolDirectory): ScannedSpool {
  return { path: spool.path, scan: (request) => scan(spool, request) };
}

/**
 * Resolves with what is in the spool now, without its private folder. Rejects with a Fault, or with
 * the signal's reason.
 */
export function scan(spool: Pick<SpoolDirectory, 'whileThere'>, request: ScanRequest): Promise<ScanResult> {
  const { silent, settle } = request;
  const walk = async (walked: WalkedSpool) => {
    const it = new Walk(walked, request);
    await it.folder(walked.root, Buffer.alloc(0), 0);
    settle.endScan();
    return it.result();
  };
  return spool.whileThere(walk, silent && ((look) => silent.within(ROOT, look, () => undefined)));
}

class Walk {
  readonly #spool: WalkedSpool;
  readonly #request: ScanRequest;
  readonly #best: BestEntries;
  readonly #mounts: MountPoints;
  #eligible = 0;
  #files = 0;
  #bytes = 0;
  #oldestModifiedAtMs = Number.POSITIVE_INFINITY;
  #oldestPath: SpoolPath | null = null;
  #unsettled = 0;
  #settlesInMs = Number.POSITIVE_INFINITY;
  #folders = 0;
  #hasSilent = false;

  constructor(spool: WalkedSpool, request: ScanRequest) {
    this.#spool = spool;
    this.#request = request;
    this.#mounts = mountsBelow(spool.root);
    this.#best = new BestEntries(request.capacity, request.order);
  }

  /** `prefix` is the folder's path with a trailing `/`; empty for the root. */
  async folder(folder: OpenDirectory, prefix: Buffer, depth: number): Promise<void> {
    const path = new SpoolPath(prefix.subarray(0, -1));
    const dir = await this.#answer(
      path,
      () => openNames(folder),
      (late) => late.close(),
    );
    try {
      for (let more = true; more; ) {
        const names = await this.#answer(path, () => nextNames(dir));
        await this.#lookAt(folder, prefix, names, depth);
        more = names.length === BATCH;
      }
    } finally {
      await this.#close(path, dir);
    }
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

  #isSilent(path: SpoolPath): boolean {
    return this.#request.silent?.has(path) === true;
  }

  result(): ScanResult {
    return {
      entries: this.#best.drain(),
      eligible: this.#eligible,
      files: this.#files,
      bytes: this.#bytes,
      oldestModifiedAtMs: this.#files === 0 ? null : this.#oldestModifiedAtMs,
      oldestPath: this.#oldestPath,
      unsettled: this.#unsettled,
      settlesInMs: this.#unsettled === 0 ? null : this.#settlesInMs,
      folders: this.#folders,
      hasSilent: this.#hasSilent,
    };
  }

  async #lookAt(
    folder: OpenDirectory,
    prefix: Buffer,
    names: readonly Buffer[],
    depth: number,
  ): Promise<void> {
    this.#request.signal?.throwIfAborted();
    const look = async () =>
      Promise.all(
        names.map(async (name) => {
          const path = Buffer.concat([prefix, name]);
          if (isProbe(name)) return void (await this.#spool.clearProbes(folder));
          if (depth === 0 && name.toString('latin1') === PRIVATE_FOLDER) return undefined;
          if (this.#request.ignore.ignores(name, path)) return undefined;
          const spoolPath = new SpoolPath(path);
          if (this.#mounts.has(spoolPath.id)) return { name, path: spoolPath, stats: this.#sawSilent(MOUNT) };
          if (this.#isSilent(spoolPath)) return { name, path: spoolPath, stats: this.#sawSilent(SILENT) };
          return { name, path: spoolPath, stats: await this.#lookUp(folder, name) };
        }),
      );
    const found = await this.#answer(new SpoolPath(prefix.subarray(0, -1)), look);
    for (const item of found) {
      if (item === undefined || item.stats === 'gone') continue;
      const { name, path, stats } = item;
      if ('kind' in stats) this.#request.onOddity(path, stats);
      else if (stats.isFile()) this.#file(path, stats);
      else if (stats.isDirectory()) await this.#descend(folder, name, path, depth + 1);
      else this.#request.onOddity(path, { kind: kindOf(stats) });
    }
  }

  async #lookUp(folder: OpenDirectory, name: Buffer): Promise<BigIntStats | Oddity | 'gone'> {
    try {
      return await lookUp(folder.at(name), { bigint: true });
    } catch (error) {
      const code = codeOf(error);
      return code === 'ENOENT' ? 'gone' : { kind: 'broken entry', code };
    }
  }

  #file(path: SpoolPath, stats: BigIntStats): void {
    const { settle, now, wants } = this.#request;
    const identity = identityOf(stats);
    const modifiedAtMs = Number(stats.mtimeNs / 1_000_000n);
    this.#files += 1;
    this.#bytes += identity.sizeBytes;
    if (modifiedAtMs < this.#oldestModifiedAtMs) this.#oldestPath = path;
    this.#oldestModifiedAtMs = Math.min(this.#oldestModifiedAtMs, modifiedAtMs);
    const wanted = wants(path, identity);
    const isWhole = identity.mtimeNs !== identity.ctimeNs || this.#request.wasRenamed(path.id, identity);
    const arrival = { isWhole, tellsWriters: this.#spool.writers.tells(stats.uid) };
    const remainingMs = settle.remainingMs(path.id, identity, now, arrival);
    this.#request.onFile?.(path, identity, remainingMs);
    if (remainingMs > 0) {
      this.#unsettled += 1;
      this.#settlesInMs = Math.min(this.#settlesInMs, remainingMs);
    } else if (wanted) {
      this.#eligible += 1;
      this.#best.offer({ path, identity, modifiedAtMs });
    }
  }

  /**
   * A failure in a folder is reported as that folder's oddity; the rest of the spool is still
   * scanned.
   */
  async #descend(parent: OpenDirectory, name: Buffer, path: SpoolPath, depth: number): Promise<void> {
    if (depth > DEPTH_MAX) return this.#request.onOddity(path, { kind: 'too deep' });
    try {
      const open = () => parent.openDirectory(name);
      await this.#walkInto(await this.#answer(path, open, (late) => late.close()), path, depth);
    } catch (error) {
      this.#request.signal?.throwIfAborted();
      if (error instanceof NoAnswer) return this.#request.onOddity(path, this.#sawSilent(SILENT));
      const code = codeOf(error);
      // It is gone, or it is a file or a link now. The next scan finds out.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') this.#request.onOddity(path, folderOddity(code));
    }
  }

  async #walkInto(folder: OpenDirectory, path: SpoolPath, depth: number): Promise<void> {
    try {
      // The private folder may have been moved here.
      const { root, privateFolder } = this.#spool;
      if (folder.dev === privateFolder.dev && folder.ino === privateFolder.ino) return;
      if (folder.dev !== root.dev) return this.#request.onOddity(path, MOUNT);
      this.#folders += 1;
      await this.folder(folder, Buffer.concat([path.bytes, Buffer.from('/')]), depth);
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
function codeOf(error: unknown): string {
  const code = errnoOf(error);
  if (code === undefined) throw error;
  return code;
}

function isProbe(name: Buffer): boolean {
  return name.toString('latin1').startsWith(PROBE_PREFIX);
}

function kindOf(stats: BigIntStats): OddityKind {
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isFIFO()) return 'FIFO';
  return stats.isSocket() ? 'socket' : 'device';
}
