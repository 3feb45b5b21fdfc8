// The files that wait, in the order in which they are to be uploaded, in little memory.
import type { Entry, SpoolOrder, SpoolPath } from '../spool/entry.ts';
import { FileRows } from './file-rows.ts';
import { FoundFiles } from './found-files.ts';
import { hashOf, RowTable } from './row-table.ts';
import { WaitingRows } from './waiting-rows.ts';

/** Memory for rows that are gone: at most this share of that for the others, and some more. */
const EMPTY_SHARE_MAX = 0.5;
const EMPTY_ROWS = 16_384;
const ROUNDS = 255;

/** What a scan finds out about a file: whether the index has it as it is. */
export type Sighting = 'same' | 'changed' | 'new';

/**
 * All settled files that scans have found and that have not left the spool: those that wait, best
 * first, and those that are out, which were handed out or are deferred. At most 64 bytes for each,
 * and its path.
 * Where more than `bound` files wait, only the best are kept, about three quarters of `bound`,
 * and the others are counted by `leftOut`. Deterministic.
 */
export class FileIndex {
  #bound: number;
  #order: SpoolOrder;
  #rows: FileRows;
  #table: RowTable;
  #waiting: WaitingRows;
  #round = 1;
  /** A stale row that does not wait. Files that are not better than it are left out. */
  #cut: number | undefined;
  #leftOut = 0;
  readonly #scratch = new FoundFiles();

  /** `bound` ≥ 1. */
  constructor(order: SpoolOrder, bound: number) {
    this.#bound = bound;
    this.#order = order;
    this.#rows = new FileRows(order);
    this.#table = new RowTable(this.#rows);
    this.#waiting = new WaitingRows(this.#rows);
  }

  /** How many files wait. */
  get size(): number {
    return this.#waiting.size;
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
    this.#setCut(undefined);
  }

  /** The scan has told of all files. The others have left the spool. */
  scanEnded(): void {
    for (const row of this.#rows.all(this.#round)) if (this.#rows.stateOf(row) !== 'stale') this.#drop(row);
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
   * Takes the best waiting file that is accepted; it is out then. `place`: see WaitingRows.take().
   */
  take(accepts: (entry: Entry) => boolean, place = 0): Entry | undefined {
    const taken = this.#waiting.take(accepts, place);
    if (taken !== undefined) this.#rows.setState(taken.row, 'out');
    return taken?.entry;
  }

  /** Like take(), but the file waits on. */
  find(accepts: (entry: Entry) => boolean): Entry | undefined {
    return this.#waiting.find(accepts);
  }

  /** The best waiting files, at most `limit`. */
  first(limit: number): readonly Entry[] {
    return this.#waiting.first(limit);
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
    for (const row of this.#rows.all())
      if (this.#rows.stateOf(row) === 'waiting' && this.#rows.isBelow(row, bytes)) this.#drop(row);
    this.#tidyUp();
    return size - this.size;
  }

  /** Forgets all files. For others, `order` and `bound` apply. */
  clear(order: SpoolOrder, bound: number): void {
    this.#order = order;
    this.#bound = bound;
    this.#cut = undefined;
    this.#leftOut = 0;
    this.#renew();
  }

  #renew(): void {
    this.#rows = new FileRows(this.#order);
    this.#table = new RowTable(this.#rows);
    this.#waiting = new WaitingRows(this.#rows);
  }

  #append(found: FoundFiles, file: number, as: 'waiting' | 'out'): number {
    const [from, to] = [found.startOf(file), found.ends[file] ?? 0];
    const before = this.#find(found.paths, from, to);
    if (before !== undefined) this.#drop(before);
    return this.#rows.append(found, file, { hash: hashOf(found.paths, from, to), as, round: this.#round });
  }

  #admit(row: number, as: 'waiting' | 'out'): void {
    this.#table.add(row);
    if (as === 'out') return;
    this.#waiting.add(row);
    if (this.size > this.#bound) this.#cutDown();
  }

  #find(paths: Uint8Array, from: number, to: number): number | undefined {
    return this.#table.find(hashOf(paths, from, to), paths, from, to);
  }

  #drop(row: number): void {
    this.#table.delete(row);
    if (this.#rows.stateOf(row) === 'out') this.#rows.erase(row);
    else this.#waiting.drop(row);
  }

  #setCut(cut: number | undefined): void {
    if (this.#cut !== undefined) this.#rows.erase(this.#cut);
    if (cut !== undefined) this.#rows.setState(cut, 'stale');
    this.#cut = cut;
  }

  /** Leaves out the worst. */
  #cutDown(): void {
    const leaveOut = (row: number) => {
      this.#table.delete(row);
      // The running scan counts the others when it finds them.
      if (this.#rows.roundOf(row) === this.#round) this.#leftOut += 1;
    };
    const cut = this.#waiting.cut((row) => {
      leaveOut(row);
      this.#rows.erase(row);
    });
    if (cut === undefined) return;
    leaveOut(cut);
    this.#setCut(cut);
    this.#tidyUp();
  }

  /** Moves all rows together if much memory is left empty between them. */
  #tidyUp(): void {
    this.#waiting.tidyUp();
    if (this.#rows.capacity <= this.#rows.live * (1 + EMPTY_SHARE_MAX) + EMPTY_ROWS) return;
    const before = this.#rows;
    const cut = this.#cut;
    this.#renew();
    const waiting: number[] = [];
    for (const row of before.all()) {
      if (before.stateOf(row) !== 'stale' || row === cut) {
        const copy = this.#rows.copy(before, row);
        if (row === cut) this.#cut = copy;
        else this.#table.add(copy);
        if (this.#rows.stateOf(copy) === 'waiting') waiting.push(copy);
      }
      before.erase(row);
    }
    this.#waiting.fill(waiting);
  }
}
