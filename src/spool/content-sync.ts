// Brings the content of files to the disk before it is read for its upload. Invariant: whatever the
// store was given, a power cut cannot bring back as less.
//
// Content is in memory first, and its name reaches the disk sooner: by default after 5 s (ext4(5),
// commit=) against 30 s (vm.dirty_expire_centisecs). A power cut in between brings the file back
// empty, though it was uploaded and removed. Age is no proof that content is on the disk: the
// flusher may be minutes behind, may have failed, and what it wrote counts from the next commit
// only, which a mount option may put off. So every file is synced, however old it is; one that is
// on the disk already costs little.
//
// Before reading, not beside it, for two more reasons. An upload that ended before a power cut must
// not be replaced by the rest of its file. And a synced page is write-protected, so that a later
// store through mmap(2) changes mtime on ext4, xfs and btrfs: what is read is what is removed.
//
// The removal itself is not synced: a power cut may undo it, but then the whole content is back,
// and is found in the store, or sent again. RemovedNames sees to the one case in which that would
// do harm.
import type { FileIdentity } from './entry.ts';
import { syncToDisk } from './sync-to-disk.ts';

/** Files whose sync failed that are remembered: beyond that the oldest are forgotten. */
const FAILED_MAX = 1_000;

/**
 * libuv's own number: threads for the file calls, look-ups of names and digests of the whole
 * process.
 */
const POOL_THREADS = 4;

/**
 * How many of `poolThreads`, the variable UV_THREADPOOL_SIZE, may wait for a sync at once. Syncs
 * that wait together share a commit of the journal, and a flush of the disk: on a slow disk more
 * threads sync more files.
 */
export function syncsAtOnce(poolThreads: string | undefined): number {
  const threads = Number(poolThreads ?? POOL_THREADS);
  if (!Number.isInteger(threads) || threads < 2) return 1;
  return Math.max(Math.floor(threads / 2), threads - POOL_THREADS);
}

type Syncable = Parameters<typeof syncToDisk>[0];

export class ContentSync {
  readonly #atOnce: number;
  readonly #waiting = new Set<() => void>();
  /** By identity of the content. */
  readonly #failed = new Map<string, unknown>();
  #running = 0;

  /**
   * `atOnce`: each holds a thread of the pool for as long as the disk takes, and other file calls
   * need some, too.
   */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Resolves when the content is on the disk. Rejects with the system error, or, before it has
   * begun, with the signal's reason. The kernel tells of content that it could not write only once,
   * and counts it as written from then on: so a sync that failed is not tried again, and fails for
   * as long as the process runs.
   */
  async run(identity: FileIdentity, handle: Syncable, signal: AbortSignal): Promise<void> {
    const id = `${identity.dev} ${identity.ino} ${identity.sizeBytes} ${identity.mtimeNs}`;
    if (this.#failed.has(id)) throw this.#failed.get(id);
    signal.throwIfAborted();
    if (this.#running < this.#atOnce) this.#running += 1;
    else await this.#turn(signal);
    try {
      await syncToDisk(handle);
    } catch (error) {
      this.#remember(id, error);
      throw error;
    } finally {
      this.#running -= 1;
      this.#grant();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(go);
        reject(signal.reason);
      };
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(go);
    });
  }

  #grant(): void {
    for (const go of this.#waiting) {
      if (this.#running >= this.#atOnce) return;
      this.#waiting.delete(go);
      this.#running += 1;
      go();
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
