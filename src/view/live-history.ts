// What a live view remembers between snapshots.
import type { Snapshot } from './snapshot.ts';

const HISTORY_MAX = 600;

/**
 * The last 600 rates for the graph, and the largest backlog since it was last empty, against which
 * the progress bar counts down.
 */
export class LiveHistory {
  #totalsBitsPerSec: number[] = [];
  #deepestFiles = 0;

  /** Call once for each snapshot, at a regular pace. A sample is a column of the graph. */
  add(snapshot: Snapshot): void {
    this.#totalsBitsPerSec.push(snapshot.link?.totalBitsPerSec ?? 0);
    if (this.#totalsBitsPerSec.length > HISTORY_MAX) this.#totalsBitsPerSec.shift();
    const { files } = snapshot.backlog;
    this.#deepestFiles = files === 0 ? 0 : Math.max(this.#deepestFiles, files);
  }

  /** The oldest first. */
  get totalsBitsPerSec(): readonly number[] {
    return this.#totalsBitsPerSec;
  }

  /** The largest backlog since it was last empty, in files; 0 while it is empty. */
  get deepestFiles(): number {
    return this.#deepestFiles;
  }
}
