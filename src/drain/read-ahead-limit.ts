// Decides how many files are read ahead while the link is idle.
import type { LinkUse, UploadDemand } from './upload-limit.ts';

/** A link that is idle for a longer share of the time is not what limits the uploads. */
const IDLE_SHARE = 0.5;
/** Pipeline has no room for more. */
const MOST = 256;
/** How fast they become fewer. */
const DECAY = 0.75;

/**
 * Files read ahead bridge a disk that stalls, while the link is used. While it is idle, the threads
 * or the store are too slow for it, and each file ahead costs only memory: then as many are read
 * ahead as keep the uploads running. Deterministic: time is an argument.
 */
export class ReadAheadLimit {
  #limit = Number.POSITIVE_INFINITY;

  get current(): number {
    return this.#limit;
  }

  /**
   * Takes how the link was used in the last `elapsedMs` (about 100), and how many uploads may run.
   */
  observe({ idleMs }: LinkUse, elapsedMs: number, demand: UploadDemand, uploads: number): void {
    if (idleMs <= IDLE_SHARE * elapsedMs) {
      this.#limit = Number.POSITIVE_INFINITY;
      return;
    }
    const last = Math.min(MOST, this.#limit);
    // Otherwise, reading is too slow for the uploads, for example from a disk.
    const isEnough = demand.workWaiting || demand.active >= uploads;
    this.#limit = isEnough ? Math.max(uploads, Math.floor(DECAY * last)) : Math.min(MOST, 2 * last);
  }
}
