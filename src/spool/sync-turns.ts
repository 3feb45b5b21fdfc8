// Bounds how many syncs wait for the disk at once.
import { syncToDisk } from './sync-to-disk.ts';

export type Syncable = Parameters<typeof syncToDisk>[0];

/**
 * Runs fsync(2) for files and folders, at most `atOnce` at a time, in the order of the calls.
 */
export class SyncTurns {
  readonly #atOnce: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /**
   * `atOnce` ≥ 1. Each running sync holds a thread of the pool for as long as the disk takes, and
   * other file calls need threads as well.
   */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /**
   * Resolves when what `handle` is open on survives a power cut. Rejects with the system error.
   * While the sync waits for its turn, `signal` cancels it with the signal's reason; a running sync
   * cannot be cancelled.
   */
  async run(handle: Syncable, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#running < this.#atOnce) this.#running += 1;
    else await this.#waitForTurn(signal);
    try {
      await syncToDisk(handle);
    } finally {
      this.#running -= 1;
      this.#grant();
    }
  }

  #waitForTurn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(go);
        reject(signal?.reason);
      };
      const go = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      signal?.addEventListener('abort', leave, { once: true });
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
}
