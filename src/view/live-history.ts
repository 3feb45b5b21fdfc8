// What a live view remembers between snapshots.
import type { GraphSample } from './graph.ts';
import type { Snapshot } from './snapshot.ts';

const HISTORY_MAX = 600;
const NOTHING: GraphSample = { own: 0, total: 0 };

/**
 * The last 600 rates for the graph, and the largest backlog since it was last empty, against which
 * the progress bar counts down.
 */
export class LiveHistory {
  #rates: GraphSample[] = [];
  #deepestFiles = 0;

  /** Call once for each snapshot, at a regular pace. A sample is a column of the graph. */
  add(snapshot: Snapshot): void {
    const { link } = snapshot;
    this.#add(link === null ? NOTHING : { own: link.ownBitsPerSec, total: link.totalBitsPerSec });
    const { files } = snapshot.backlog;
    this.#deepestFiles = files === 0 ? 0 : Math.max(this.#deepestFiles, files);
  }

  /** Call at the same pace while no daemon answers. */
  addGap(): void {
    this.#add(NOTHING);
  }

  /** Bits a second, the oldest first. */
  get rates(): readonly GraphSample[] {
    return this.#rates;
  }

  /** The largest backlog since it was last empty, in files; 0 while it is empty. */
  get deepestFiles(): number {
    return this.#deepestFiles;
  }

  #add(sample: GraphSample): void {
    this.#rates.push(sample);
    if (this.#rates.length > HISTORY_MAX) this.#rates.shift();
  }
}
