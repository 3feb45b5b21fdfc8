// Brings the content of each file to the disk before the file is read for its upload.
//
// A file's name reaches the disk sooner than its content: by default after 5 s (ext4(5), commit=)
// against 30 s (vm.dirty_expire_centisecs). A power cut in between brings the file back empty,
// although it was uploaded and removed. A file's age does not prove that its content is on the
// disk: the kernel's flusher may be minutes behind or may have failed, and a mount option may put
// off the commit that makes its writes count. So every file is synced, however old. Syncing a file
// that is already on the disk costs little.
//
// The sync comes before the read for two more reasons. First, an upload that ended before a power
// cut must not be replaced by the rest of its file. Second, a synced page is write-protected, so
// that a later store through mmap(2) changes mtime on ext4, xfs and btrfs: what was read is what is
// removed.
//
// The removal itself is not synced. A power cut may undo it, but then the whole content is back,
// and is found in the store or sent again. RemovedNames covers the one case in which that would do
// harm.
import type { FileIdentity } from './entry.ts';
import type { Syncable, SyncTurns } from './sync-turns.ts';

/** How many failed syncs are remembered. Beyond this, the oldest are forgotten. */
const FAILED_MAX = 1_000;

/**
 * libuv's default size of the thread pool, which serves the file calls, DNS lookups and digests of
 * the whole process.
 */
const POOL_THREADS = 4;

/**
 * How many threads of the pool may wait for the disk at once: `drain` to sync content before it is
 * read, `ingest` for files that arrive over HTTP. A sync holds its thread for as long as the disk
 * takes, so the rest is left for other file calls. `poolThreads` is the variable
 * UV_THREADPOOL_SIZE. Syncs that wait together share one commit of the journal and one flush of
 * the disk, so on a slow disk more threads sync more files.
 */
export function syncsAtOnce(poolThreads: string | undefined): {
  readonly drain: number;
  readonly ingest: number;
} {
  const given = Number(poolThreads ?? POOL_THREADS);
  const threads = Number.isInteger(given) ? given : POOL_THREADS;
  return { drain: Math.max(1, Math.floor(threads / 2)), ingest: Math.max(1, Math.floor(threads / 3)) };
}

/**
 * Brings the content of files to the disk, and remembers what the disk could not write.
 * Invariant: a power cut cannot bring a file back with less content than the store was given.
 */
export class ContentSync {
  readonly #turns: Pick<SyncTurns, 'run'>;
  /** Keyed by the identity of the content. */
  readonly #failed = new Map<string, unknown>();

  constructor(turns: Pick<SyncTurns, 'run'>) {
    this.#turns = turns;
  }

  /**
   * Resolves when the content is on the disk. Rejects with the system error, or with the reason of
   * `signal` while the sync waits for its turn.
   * A sync that failed is not tried again and fails for as long as the process runs, because the
   * kernel reports content it could not write only once and counts it as written from then on.
   */
  async run(identity: FileIdentity, handle: Syncable, signal: AbortSignal): Promise<void> {
    if (this.#failed.size > 0 && this.#failed.has(idOf(identity))) throw this.#failed.get(idOf(identity));
    try {
      await this.#turns.run(handle, signal);
    } catch (error) {
      if (error !== signal.reason) this.#remember(idOf(identity), error);
      throw error;
    }
  }

  #remember(id: string, error: unknown): void {
    this.#failed.set(id, error);
    for (const oldest of this.#failed.keys()) {
      if (this.#failed.size <= FAILED_MAX) break;
      this.#failed.delete(oldest);
    }
  }
}

function idOf({ dev, ino, sizeBytes, mtimeNs }: FileIdentity): string {
  return `${dev} ${ino} ${sizeBytes} ${mtimeNs}`;
}
