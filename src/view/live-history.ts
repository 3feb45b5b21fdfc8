// What a live view remembers between snapshots.
import type { GraphSample } from './graph.ts';
import type { HistoryView } from './history-view.ts';
import type { Snapshot } from './snapshot.ts';

/** What the graph needs of the daemon's history. */
interface Remembered {
  readonly stepMs: number;
  readonly series: Pick<HistoryView['series'], 'ownBitsPerSec' | 'totalBitsPerSec'>;
}

const HISTORY_MAX = 600;
const NOTHING: GraphSample = { own: 0, total: 0 };

/**
 * The last 600 rates for the graph, and the largest backlog since it was last empty, against which
 * the progress bar counts down.
 */
export class LiveHistory {
  #rates: GraphSample[] = [];
  #deepestFiles = 0;

  /** Begins with what the daemon remembers. `everyMs` is the pace of the calls below. */
  begin({ stepMs, series }: Remembered, everyMs: number): void {
    const columns = Math.max(1, Math.round(stepMs / everyMs));
    for (const [at, total] of series.totalBitsPerSec.entries()) {
      const sample = { own: series.ownBitsPerSec[at] ?? 0, total: total ?? 0 };
      for (let column = 0; column < columns; column += 1) this.#add(sample);
    }
  }

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
