// One streaming walk over the spool: counts everything, keeps the best N settled files, follows no link.
// The directory is the truth; what this finds is a fact for the moment it was looked at.
import { type BigIntStats, type Dir, type Dirent, lstat, opendir } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf } from '../system/fault.ts';
import { BestEntries } from './best-entries.ts';
import { type Entry, type SpoolOrder, SpoolPath } from './entry.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import type { OpenDirectory } from './open-directory.ts';
import { PRIVATE_FOLDER, PROBE_PREFIX } from './private-folder.ts';
import type { Moment, Settle } from './settle.ts';
import { identityOf } from './spool-file.ts';

/** What is in a spool but is never drained. */
export type Oddity =
  | 'symbolic link'
  | 'FIFO'
  | 'socket'
  | 'device'
  | 'other file system'
  | 'unreadable'
  | 'too deep';

export interface ScanRequest {
  readonly order: SpoolOrder;
  /** How many entries to keep, ≥ 1. */
  readonly capacity: number;
  readonly ignore: IgnoreRules;
  readonly settle: Settle;
  /** The moment the scan began; every file is judged by it. */
  readonly now: Moment;
  /** Called for every file counted; false keeps it out of the entries. */
  readonly wants: (path: SpoolPath) => boolean;
  /** Called for every odd thing found, in every scan. */
  readonly onOddity: (path: SpoolPath, oddity: Oddity) => void;
  readonly signal?: AbortSignal;
}

export interface ScanResult {
  /** Settled and wanted, best first, at most `capacity`. */
  readonly entries: readonly Entry[];
  /** How many were settled and wanted. */
  readonly eligible: number;
  /** Regular files that are not ignored, whatever their state, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  readonly oldestModifiedMs: number | null;
  readonly unsettled: number;
  /** When the first unsettled file may be settled, counted from `now`; null when none is. */
  readonly settlesInMs: number | null;
  readonly folders: number;
}

type BufferDirent = Omit<Dirent, 'name'> & { readonly name: Buffer };

// Enough to keep the four threads of the pool busy; few enough that no turn of the event loop gets long.
const BATCH = 64;
// Each level holds two descriptors. A path deeper than this is hardly a key.
const DEPTH_MAX = 64;

const openDir = promisify(opendir);
// Of node:fs rather than node:fs/promises: a third less CPU, and this is where a scan spends its time.
const lookUp = promisify(lstat);

/** Walks `root`, leaving out the private folder `home`. Rejects with the system error, or the signal's reason. */
export async function scanSpool(
  root: OpenDirectory,
  home: OpenDirectory,
  request: ScanRequest,
): Promise<ScanResult> {
  const walk = new Walk(root, home, request);
  await walk.folder(root, Buffer.alloc(0), 0);
  request.settle.endScan();
  return walk.result();
}

class Walk {
  readonly #root: OpenDirectory;
  readonly #home: OpenDirectory;
  readonly #request: ScanRequest;
  readonly #best: BestEntries;
  #eligible = 0;
  #files = 0;
  #bytes = 0;
  #oldestModifiedMs = Number.POSITIVE_INFINITY;
  #unsettled = 0;
  #settlesInMs = Number.POSITIVE_INFINITY;
  #folders = 0;

  constructor(root: OpenDirectory, home: OpenDirectory, request: ScanRequest) {
    this.#root = root;
    this.#home = home;
    this.#request = request;
    this.#best = new BestEntries(request.capacity, request.order);
  }

  /** `prefix` is the folder's path with a trailing `/`, empty for the root. */
  async folder(folder: OpenDirectory, prefix: Buffer, depth: number): Promise<void> {
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: BATCH };
    const dir: Dir = await openDir(folder.at('.').toString(), options);
    let batch: Buffer[] = [];
    for await (const dirent of dir) {
      // The types know no Dir of Buffers; with this encoding its names are.
      batch.push((dirent as unknown as BufferDirent).name);
      if (batch.length < BATCH) continue;
      await this.#lookAt(folder, prefix, batch, depth);
      batch = [];
    }
    await this.#lookAt(folder, prefix, batch, depth);
  }

  result(): ScanResult {
    return {
      entries: this.#best.drain(),
      eligible: this.#eligible,
      files: this.#files,
      bytes: this.#bytes,
      oldestModifiedMs: this.#files === 0 ? null : this.#oldestModifiedMs,
      unsettled: this.#unsettled,
      settlesInMs: this.#unsettled === 0 ? null : this.#settlesInMs,
      folders: this.#folders,
    };
  }

  async #lookAt(
    folder: OpenDirectory,
    prefix: Buffer,
    names: readonly Buffer[],
    depth: number,
  ): Promise<void> {
    this.#request.signal?.throwIfAborted();
    const found = await Promise.all(
      names.map(async (name) => {
        const path = Buffer.concat([prefix, name]);
        if (depth === 0 && isOurs(name)) return undefined;
        if (this.#request.ignore.ignores(name, path)) return undefined;
        return { name, path: new SpoolPath(path), stats: await this.#lookUp(folder, name) };
      }),
    );
    for (const item of found) {
      if (item === undefined || item.stats === 'gone') continue;
      const { name, path, stats } = item;
      if (stats === 'unreadable') this.#request.onOddity(path, 'unreadable');
      else if (stats.isFile()) this.#file(path, stats);
      else if (stats.isDirectory()) await this.#descend(folder, name, path, depth + 1);
      else this.#request.onOddity(path, oddityOf(stats));
    }
  }

  async #lookUp(folder: OpenDirectory, name: Buffer): Promise<BigIntStats | 'gone' | 'unreadable'> {
    try {
      return await lookUp(folder.at(name), { bigint: true });
    } catch (error) {
      return errnoOf(error) === 'ENOENT' ? 'gone' : 'unreadable';
    }
  }

  #file(path: SpoolPath, stats: BigIntStats): void {
    const { settle, now, wants } = this.#request;
    const identity = identityOf(stats);
    const modifiedMs = Number(stats.mtimeNs / 1_000_000n);
    this.#files++;
    this.#bytes += identity.sizeBytes;
    this.#oldestModifiedMs = Math.min(this.#oldestModifiedMs, modifiedMs);
    const wanted = wants(path);
    const remainingMs = settle.remainingMs(path.id, identity, now);
    if (remainingMs > 0) {
      this.#unsettled++;
      this.#settlesInMs = Math.min(this.#settlesInMs, remainingMs);
    } else if (wanted) {
      this.#eligible++;
      this.#best.offer({ path, identity, modifiedMs });
    }
  }

  async #descend(parent: OpenDirectory, name: Buffer, path: SpoolPath, depth: number): Promise<void> {
    if (depth > DEPTH_MAX) return this.#request.onOddity(path, 'too deep');
    let folder: OpenDirectory;
    try {
      folder = await parent.openDirectory(name);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EACCES' || code === 'EPERM') return this.#request.onOddity(path, 'unreadable');
      // Gone, or a file or link by now: the next scan sees what it is.
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return;
      throw error;
    }
    try {
      // The private folder, should somebody have moved it.
      if (folder.dev === this.#home.dev && folder.ino === this.#home.ino) return;
      if (folder.dev !== this.#root.dev) return this.#request.onOddity(path, 'other file system');
      this.#folders++;
      await this.folder(folder, Buffer.concat([path.bytes, Buffer.from('/')]), depth);
    } finally {
      await folder.close();
    }
  }
}

function isOurs(name: Buffer): boolean {
  const text = name.toString('latin1');
  return text === PRIVATE_FOLDER || text.startsWith(PROBE_PREFIX);
}

function oddityOf(stats: BigIntStats): Oddity {
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isFIFO()) return 'FIFO';
  return stats.isSocket() ? 'socket' : 'device';
}
