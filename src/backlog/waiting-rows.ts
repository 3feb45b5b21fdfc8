// Rows of the index that wait, best first. Only as many as are asked for are sorted.
import type { Entry } from '../spool/entry.ts';
import type { FileRows } from './file-rows.ts';
import { RowHeap } from './row-heap.ts';

/** How many of the best files are looked at for one that is accepted. About 400 bytes each. */
const SEARCH_MAX = 10_000;
/** A sample of this size tells which rows are the worst quarter. */
const SAMPLE_ROWS = 1_000;
const KEPT_SHARE = 0.75;
/** More stale rows than this share of all are erased at once. */
const STALE_SHARE_MAX = 1 / 8;

interface Passed {
  readonly row: number;
  readonly entry: Entry;
}

/**
 * A heap, and before it the rows that were looked at and passed over, in their order. A dropped row
 * is stale and keeps its place until the place is come across. Deterministic.
 */
export class WaitingRows {
  readonly #rows: FileRows;
  readonly #queue: RowHeap;
  /** Best first. They were taken from the queue. */
  #passed: Passed[] = [];
  #stale = 0;

  constructor(rows: FileRows) {
    this.#rows = rows;
    this.#queue = new RowHeap((a, b) => rows.compare(a, b));
  }

  get size(): number {
    return this.#queue.size + this.#passed.length - this.#stale;
  }

  add(row: number): void {
    this.#queue.push(row);
  }

  /** Adds many rows in little time. None may be there yet. */
  fill(rows: Iterable<number>): void {
    this.#queue.fill(rows);
  }

  /**
   * Takes out the best row that is accepted. `place` in [0, 1) starts the search behind that share
   * of those that are looked at; the skipped ones come last.
   */
  take(accepts: (entry: Entry) => boolean, place = 0): Passed | undefined {
    const at = this.#search(accepts, place);
    // The others need not move for the first.
    if (at === 0) return this.#passed.shift();
    return at === undefined ? undefined : this.#passed.splice(at, 1)[0];
  }

  /** Like take(), but the row waits on. */
  find(accepts: (entry: Entry) => boolean): Entry | undefined {
    const at = this.#search(accepts, 0);
    return at === undefined ? undefined : this.#passed[at]?.entry;
  }

  /** The best, at most `limit`. */
  first(limit: number): readonly Entry[] {
    for (let at = 0; at < limit && this.#nth(at) !== undefined; at += 1);
    return this.#passed.slice(0, limit).map(({ entry }) => entry);
  }

  /** Drops a row that waits. It is erased later. */
  drop(row: number): void {
    this.#rows.setState(row, 'stale');
    this.#stale += 1;
  }

  /** Erases dropped rows, if there are many. */
  tidyUp(): void {
    if (this.#stale > this.#queue.size * STALE_SHARE_MAX) this.#eraseStale();
  }

  /**
   * Takes out the worst quarter, which `onCut` gets, and returns its best row, which is not passed
   * to `onCut`. Undefined if there are no rows.
   */
  cut(onCut: (row: number) => void): number | undefined {
    this.#eraseStale();
    for (const { row } of this.#passed.splice(0)) this.#queue.push(row);
    const compare = (a: number, b: number) => this.#rows.compare(a, b);
    const sample = this.#queue.sample(SAMPLE_ROWS).sort(compare);
    const limit = sample[Math.floor(sample.length * KEPT_SHARE)];
    if (limit === undefined) return undefined;
    this.#queue.filter((row) => {
      const isKept = compare(row, limit) < 0;
      if (!isKept && row !== limit) onCut(row);
      return isKept;
    });
    return limit;
  }

  #search(accepts: (entry: Entry) => boolean, place: number): number | undefined {
    const length = Math.min(this.size, SEARCH_MAX);
    const skipped = Math.floor(place * length);
    for (let at = 0; at < skipped; at += 1) this.#nth(at);
    for (let step = 0; step < length; step += 1) {
      const at = (skipped + step) % length;
      const entry = this.#nth(at)?.entry;
      if (entry !== undefined && accepts(entry)) return at;
    }
    return undefined;
  }

  /** The row with `at` better ones. Those must have been asked for just before. */
  #nth(at: number): Passed | undefined {
    const best = this.#top();
    const passed = this.#passedAt(at);
    if (best === undefined || (passed !== undefined && this.#rows.compare(passed.row, best) < 0))
      return passed;
    this.#queue.pop();
    const next = { row: best, entry: this.#rows.entryOf(best) };
    this.#passed.splice(at, 0, next);
    return next;
  }

  #top(): number | undefined {
    for (;;) {
      const { top } = this.#queue;
      if (top === undefined || !this.#erasedIfStale(top)) return top;
      this.#queue.pop();
    }
  }

  #passedAt(at: number): Passed | undefined {
    for (;;) {
      const passed = this.#passed[at];
      if (passed === undefined || !this.#erasedIfStale(passed.row)) return passed;
      this.#passed.splice(at, 1);
    }
  }

  #eraseStale(): void {
    if (this.#stale === 0) return;
    this.#passed = this.#passed.filter(({ row }) => !this.#erasedIfStale(row));
    this.#queue.filter((row) => !this.#erasedIfStale(row));
  }

  #erasedIfStale(row: number): boolean {
    if (this.#rows.stateOf(row) !== 'stale') return false;
    this.#rows.erase(row);
    this.#stale -= 1;
    return true;
  }
}
