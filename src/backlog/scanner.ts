// One scan: a walk over the spool, of which every file is counted, judged and indexed.
import { type FileIdentity, SpoolPath } from '../spool/entry.ts';
import type { SpoolDirectory, WalkedSpool } from '../spool/spool-directory.ts';
import type { FileIndex } from './file-index.ts';
import type { FoundFiles } from './found-files.ts';
import { mountsBelow } from './mounts-below.ts';
import { PooledFolder } from './pooled-folder.ts';
import type { Moment, Settle } from './settle.ts';
import type { SilentFolders } from './silent-folders.ts';
import { type WalkRequest, type WalkResult, walk } from './walk.ts';

/**
 * Where a file belongs: it may wait in the index, it is out (in flight or deferred), or it is only
 * counted. `gone`: it has left the spool since the look, and is not even counted.
 */
export type Verdict = 'waiting' | 'out' | 'counted' | 'gone';

export interface ScanRequest extends Pick<SpoolWalkRequest, 'ignore' | 'onOddity' | 'signal' | 'onNoThread'> {
  /** Gives up on folders that do not answer. Without it, the scan waits for ever. */
  readonly silent?: SilentFolders | undefined;
  /** Gets the files that are settled. */
  readonly index: FileIndex;
  readonly settle: Settle;
  /** The moment the scan began. Every file is judged by it. */
  readonly now: Moment;
  /** Called for every file that the index does not have as it is. */
  readonly judge: (path: SpoolPath, identity: FileIdentity) => Verdict;
  /** True if judge() is to be called for all files. */
  readonly judgesAll?: boolean;
  /** Called for every file that was judged, with the time until it is settled; 0: it is. */
  readonly onFile?: (path: SpoolPath, identity: FileIdentity, settlesInMs: number) => void;
  /** True if the file came to its name by a rename, as far as is known. */
  readonly wasRenamed: (id: string, identity: FileIdentity) => boolean;
  /** Called when more files are in the index. */
  readonly onProgress?: () => void;
}

export interface ScanResult extends WalkResult {
  /** How many files are settled and not out. */
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
}

/** The spool itself, as a path relative to its root. */
const ROOT = SpoolPath.from('');

/** A spool that can be scanned. */
export interface ScannedSpool {
  readonly path: string;
  scan(request: ScanRequest): Promise<ScanResult>;
}

/**
 * Walks over a spool. Rejects with the system error of the root, or with the signal's reason. With
 * NoAnswer when a folder was given up and the walk must begin anew.
 */
export type WalkSpool = (spool: WalkedSpool, request: SpoolWalkRequest) => Promise<WalkResult>;

export interface SpoolWalkRequest extends WalkRequest {
  readonly silent?: SilentFolders | undefined;
  /** A thread broke down. Walks go on without one. */
  readonly onNoThread?: ((code: string) => void) | undefined;
}

/** By way of the thread pool. */
export const walkHere: WalkSpool = (spool, request) => {
  const { root, privateFolder } = spool;
  return walk({ root: new PooledFolder(root), privateFolder, mounts: mountsBelow(root) }, request);
};

/** The spool as the scan loop sees it. */
export function scanned(spool: SpoolDirectory, walkSpool: WalkSpool = walkHere): ScannedSpool {
  return { path: spool.path, scan: (request) => scan(spool, request, walkSpool) };
}

/**
 * Resolves with what is in the spool now, without its private folder. Rejects with a Fault, or with
 * the signal's reason; then the index has a part of the files.
 */
export function scan(
  spool: Pick<SpoolDirectory, 'whileThere'>,
  request: ScanRequest,
  walkSpool: WalkSpool = walkHere,
): Promise<ScanResult> {
  const { silent, index, ignore, onOddity, onNoThread, signal } = request;
  index.scanBegan();
  const walkIt = async (walked: WalkedSpool) => {
    const count = new ScanCount(request, (uid) => walked.writers.tells(uid));
    const result = await walkSpool(walked, {
      ...{ ignore, onOddity, onNoThread, signal, silent },
      onProbe: (folder) => walked.clearProbes(folder),
      onFound: (found) => count.add(found),
    });
    return count.end(result);
  };
  return spool.whileThere(walkIt, silent && ((look) => silent.within(ROOT, look, () => undefined)));
}

/** What a scan has found so far. */
export class ScanCount {
  readonly #request: ScanRequest;
  readonly #tellsWriters: (uid: bigint) => boolean;
  #files = 0;
  #bytes = 0;
  #oldestNs: bigint | undefined;
  #oldestPath: SpoolPath | null = null;
  #unsettled = 0;
  #settlesInMs = Number.POSITIVE_INFINITY;

  constructor(request: ScanRequest, tellsWriters: (uid: bigint) => boolean) {
    this.#request = request;
    this.#tellsWriters = tellsWriters;
  }

  /** Takes in a batch and empties it. */
  add(found: FoundFiles): FoundFiles {
    for (let file = 0; file < found.count; file += 1) this.#file(found, file);
    this.#request.onProgress?.();
    found.count = 0;
    return found;
  }

  /** The walk is through. */
  end(walked: WalkResult): ScanResult {
    const { settle, index } = this.#request;
    settle.endScan();
    index.scanEnded();
    return {
      ...walked,
      eligible: index.size + index.leftOut,
      files: this.#files,
      bytes: this.#bytes,
      oldestModifiedAtMs: this.#oldestNs === undefined ? null : Number(this.#oldestNs / 1_000_000n),
      oldestPath: this.#oldestPath,
      unsettled: this.#unsettled,
      settlesInMs: this.#unsettled === 0 ? null : this.#settlesInMs,
    };
  }

  #file(found: FoundFiles, file: number): void {
    const { index, judgesAll = false } = this.#request;
    const sighting = index.sighted(found, file);
    const isKnown = sighting === 'same';
    if (isKnown && !judgesAll) return this.#count(found, file);
    const path = found.pathOf(file);
    const identity = found.identityOf(file);
    const verdict = this.#request.judge(path, identity);
    if (verdict === 'gone') return;
    this.#count(found, file);
    const isSettled = isKnown || this.#isSettled(path, identity, found.uidOf(file));
    if (verdict === 'out') {
      if (sighting === 'new') index.add(found, file, 'out');
    } else if (isSettled && verdict === 'waiting') {
      if (!isKnown) index.add(found, file, 'waiting');
    } else if (sighting !== 'new') index.forget(path);
  }

  #count(found: FoundFiles, file: number): void {
    this.#files += 1;
    this.#bytes += found.sizeOf(file);
    const mtimeNs = found.mtimeNsOf(file);
    if (this.#oldestNs !== undefined && mtimeNs >= this.#oldestNs) return;
    this.#oldestNs = mtimeNs;
    this.#oldestPath = found.pathOf(file);
  }

  #isSettled(path: SpoolPath, identity: FileIdentity, uid: bigint): boolean {
    const { settle, now, wasRenamed, onFile } = this.#request;
    const isWhole = identity.mtimeNs !== identity.ctimeNs || wasRenamed(path.id, identity);
    const arrival = { isWhole, tellsWriters: this.#tellsWriters(uid) };
    const remainingMs = settle.remainingMs(path.id, identity, now, arrival);
    onFile?.(path, identity, remainingMs);
    if (remainingMs === 0) return true;
    this.#unsettled += 1;
    this.#settlesInMs = Math.min(this.#settlesInMs, remainingMs);
    return false;
  }
}
