// The files that wait, in the order in which they are to be uploaded, in little memory.
import type { Entry, SpoolOrder, SpoolPath } from '../spool/entry.ts';
import { FileRows } from './file-rows.ts';
import { FoundFiles } from './found-files.ts';
import { RowHeap } from './row-heap.ts';
import { hashOf, RowTable } from './row-table.ts';

/** How many of the best files are looked at for one that is accepted. About 400 bytes each. */
const SEARCH_MAX = 10_000;
/** When there are too many files, the worst quarter is left out, as a sample of this size tells. */
const SAMPLE_ROWS = 1_000;
const KEPT_SHARE = 0.75;
/** Memory for rows that are gone: at most this share of that for the others. */
const EMPTY_SHARE_MAX = 0.5;
const EMPTY_ROWS = 16_384;
const ROUNDS = 255;

interface Passed {
  readonly row: number;
  readonly entry: Entry;
}

/** What a scan finds out about a file: whether the index has it as it is. */
export type Sighting = 'same' | 'changed' | 'new';

/**
 * All settled files that scans have found and that have not left the spool: those that wait, best
 * first, and those that are out, which were handed out or are deferred. At most 64 bytes for each,
 * and its path.
 * Where more than `bound` files wait, only the best are kept, and the others are counted by
 * `leftOut`. Deterministic.
 */
export class FileIndex {
  readonly #bound: number;
  #order: SpoolOrder;
  #rows: FileRows;
  #table: RowTable;
  /** Files that wait. */
  readonly #queue = new RowHeap((a, b) => this.#rows.compare(a, b));
  /** Files that wait and were passed over, best first. They were taken from the queue. */
  #passed: Passed[] = [];
  /** How many rows of the queue are stale. */
  #stale = 0;
  #round = 1;
  /** A stale row that is not in the queue. Files that are not better than it are left out. */
  #cut: number | undefined;
  #leftOut = 0;
  readonly #scratch = new FoundFiles();

  /** `bound` ≥ 1. */
  constructor(order: SpoolOrder, bound: number) {
    this.#bound = bound;
    this.#order = order;
    this.#rows = new FileRows(order);
    this.#table = new RowTable((row) => this.#rows.hashOf(row));
  }

  /** How many files wait. */
  get size(): number {
    return this.#queue.size - this.#stale + this.#passed.length;
  }

  /** How many waiting files the last scan has left out. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** How many files there is memory for. */
  get capacity(): number {
    return this.#rows.capacity;
  }

  /** A scan begins. It tells of every file by sighted(). */
  scanBegan(): void {
    this.#round = (this.#round % ROUNDS) + 1;
    this.#leftOut = 0;
    this.#liftCut();
  }

  /** The scan has told of all files. The others have left the spool. */
  scanEnded(): void {
    const passed = new Set<number>();
    for (const row of this.#rows.all(this.#round)) {
      const state = this.#rows.stateOf(row);
      if (state === 'passed') passed.add(row);
      else if (state !== 'stale') this.#drop(row);
    }
    if (passed.size > 0) this.#dropPassed(({ row }) => passed.has(row));
    this.#tidyUp();
  }

  /** The running scan has found a file. */
  sighted(found: FoundFiles, file: number): Sighting {
    const row = this.#find(found.paths, found.startOf(file), found.ends[file] ?? 0);
    if (row === undefined) return 'new';
    this.#rows.setRound(row, this.#round);
    return this.#rows.isSame(row, found, file) ? 'same' : 'changed';
  }

  /** Adds a file, instead of one with its path. It waits, or it is out. */
  add(found: FoundFiles, file: number, as: 'waiting' | 'out'): void {
    const row = this.#append(found, file, as);
    if (as === 'waiting' && this.#cut !== undefined && this.#rows.compare(row, this.#cut) >= 0) {
      this.#rows.unappend(row);
      this.#leftOut += 1;
    } else this.#admit(row, as);
  }

  /** The file waits again, as it was when it was handed out. */
  put({ path, identity }: Entry): void {
    this.#scratch.count = 0;
    this.#scratch.add(path.bytes, { ...identity, size: BigInt(identity.sizeBytes), uid: 0n });
    this.#admit(this.#append(this.#scratch, 0, 'waiting'), 'waiting');
  }

  /**
   * Takes out the best waiting file that is accepted. `place` in [0, 1) starts the search behind
   * that share of those that are looked at; the skipped ones come last.
   */
  take(accepts: (entry: Entry) => boolean, place = 0): Entry | undefined {
    const at = this.#search(accepts, place);
    if (at === undefined) return undefined;
    const [taken] = this.#passed.splice(at, 1);
    if (taken !== undefined) this.#rows.setState(taken.row, 'out');
    return taken?.entry;
  }

  /** Like take(), but the file waits on. */
  find(accepts: (entry: Entry) => boolean): Entry | undefined {
    const at = this.#search(accepts, 0);
    return at === undefined ? undefined : this.#passed[at]?.entry;
  }

  /** The best waiting files, at most `limit`. */
  first(limit: number): readonly Entry[] {
    for (let at = 0; at < limit && this.#nth(at) !== undefined; at += 1);
    return this.#passed.slice(0, limit).map(({ entry }) => entry);
  }

  /**
   * Forgets the file, if it is known. Returns true if the last or the running scan has told of it.
   */
  forget({ bytes }: SpoolPath): boolean {
    const row = this.#find(bytes, 0, bytes.length);
    if (row === undefined) return false;
    const isSeen = this.#rows.roundOf(row) === this.#round;
    this.#drop(row);
    return isSeen;
  }

  /**
   * Forgets the waiting files below `folder`, which is named as in foldersOf(). Returns how many
   * there were.
   */
  dropBelow(folder: string): number {
    const { size } = this;
    const bytes = Buffer.from(folder, 'latin1');
    this.#dropPassed(({ row }) => this.#rows.isBelow(row, bytes));
    for (const row of this.#rows.all())
      if (this.#rows.stateOf(row) === 'queued' && this.#rows.isBelow(row, bytes)) this.#drop(row);
    this.#tidyUp();
    return size - this.size;
  }

  /** Forgets all files. Others are sorted in `order`. */
  clear(order: SpoolOrder): void {
    this.#order = order;
    this.#rows = new FileRows(order);
    this.#table = new RowTable((row) => this.#rows.hashOf(row));
    this.#queue.fill([]);
    this.#passed = [];
    this.#stale = 0;
    this.#cut = undefined;
    this.#leftOut = 0;
  }

  #append(found: FoundFiles, file: number, as: 'waiting' | 'out'): number {
    const [from, to] = [found.startOf(file), found.ends[file] ?? 0];
    const before = this.#find(found.paths, from, to);
    if (before !== undefined) this.#drop(before);
    const state = as === 'out' ? 'out' : 'queued';
    return this.#rows.append(found, file, hashOf(found.paths, from, to), state, this.#round);
  }

  #admit(row: number, as: 'waiting' | 'out'): void {
    this.#table.add(row);
    if (as === 'out') return;
    this.#queue.push(row);
    if (this.size > this.#bound) this.#cutDown();
  }

  #find(paths: Uint8Array, from: number, to: number): number | undefined {
    return this.#table.find(hashOf(paths, from, to), (row) => this.#rows.hasPath(row, paths, from, to));
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

  /** The waiting file with `at` better ones. Those must have been asked for just before. */
  #nth(at: number): Passed | undefined {
    const best = this.#top();
    const passed = this.#passed[at];
    if (best === undefined || (passed !== undefined && this.#rows.compare(passed.row, best) < 0))
      return passed;
    this.#queue.pop();
    this.#rows.setState(best, 'passed');
    const next = { row: best, entry: this.#rows.entryOf(best) };
    this.#passed.splice(at, 0, next);
    return next;
  }

  #top(): number | undefined {
    for (let { top } = this.#queue; ; top = this.#queue.top) {
      if (top === undefined || this.#rows.stateOf(top) !== 'stale') return top;
      this.#queue.pop();
      this.#rows.remove(top);
      this.#stale -= 1;
    }
  }

  #drop(row: number): void {
    const state = this.#rows.stateOf(row);
    if (state === 'passed') return this.#dropPassed((passed) => passed.row === row);
    this.#table.remove(row);
    if (state === 'out') return this.#rows.remove(row);
    this.#rows.setState(row, 'stale');
    this.#stale += 1;
  }

  #dropPassed(isDropped: (passed: Passed) => boolean): void {
    const [dropped, kept] = [this.#passed.filter(isDropped), this.#passed.filter((each) => !isDropped(each))];
    this.#passed = kept;
    for (const { row } of dropped) {
      this.#table.remove(row);
      this.#rows.remove(row);
    }
  }

  #liftCut(): void {
    if (this.#cut !== undefined) this.#rows.remove(this.#cut);
    this.#cut = undefined;
  }

  /** Leaves out the worst. */
  #cutDown(): void {
    const compare = (a: number, b: number) => this.#rows.compare(a, b);
    this.#dropStale();
    for (const { row } of this.#passed.splice(0)) {
      this.#rows.setState(row, 'queued');
      this.#queue.push(row);
    }
    const sample = this.#queue.sample(SAMPLE_ROWS).sort(compare);
    const cut = sample[Math.floor(sample.length * KEPT_SHARE)];
    if (cut === undefined) return;
    const isBetter = (row: number) => compare(row, cut) < 0;
    this.#queue.filter((row) => {
      if (isBetter(row)) return true;
      this.#table.remove(row);
      // The running scan counts the others when it finds them.
      if (this.#rows.roundOf(row) === this.#round) this.#leftOut += 1;
      if (row !== cut) this.#rows.remove(row);
      return false;
    });
    this.#liftCut();
    this.#rows.setState(cut, 'stale');
    this.#cut = cut;
    this.#compact();
  }

  #tidyUp(): void {
    if (this.#stale > this.#queue.size / 8) this.#dropStale();
    this.#compact();
  }

  #dropStale(): void {
    if (this.#stale === 0) return;
    this.#queue.filter((row) => {
      if (this.#rows.stateOf(row) !== 'stale') return true;
      this.#rows.remove(row);
      return false;
    });
    this.#stale = 0;
  }

  /** Moves all rows together if much memory is left empty between them. */
  #compact(): void {
    if (this.#rows.capacity <= this.#rows.live * (1 + EMPTY_SHARE_MAX) + EMPTY_ROWS) return;
    this.#dropStale();
    const before = this.#rows;
    const passed = new Map(this.#passed.map((each) => [each.row, each.entry]));
    this.#rows = new FileRows(this.#order);
    this.#table = new RowTable((row) => this.#rows.hashOf(row));
    const [queued, moved] = [new Uint32Array(this.#queue.size), new Map<Entry, number>()];
    let count = 0;
    for (const row of before.all()) {
      const copy = this.#rows.copy(before, row);
      const entry = passed.get(row);
      if (entry !== undefined) moved.set(entry, copy);
      if (row === this.#cut) this.#cut = copy;
      else this.#table.add(copy);
      if (this.#rows.stateOf(copy) === 'queued') queued[count++] = copy;
      before.remove(row);
    }
    this.#queue.fill(queued);
    this.#passed = this.#passed.map(({ entry }) => ({ entry, row: moved.get(entry) ?? 0 }));
  }
}
