// Rows of which only the best is asked for: a binary heap in a typed array.

const ROWS_MIN = 64;

/** push() and pop() take O(log n). The order of rows in the heap must not change. */
export class RowHeap {
  readonly #compare: (a: number, b: number) => number;
  /** No child is before its parent. */
  #rows = new Uint32Array(ROWS_MIN);
  size = 0;

  /** `compare` is negative if `a` comes before `b`. */
  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare;
  }

  /** The best row, or undefined. */
  get top(): number | undefined {
    return this.size === 0 ? undefined : this.#rows[0];
  }

  push(row: number): void {
    if (this.size === this.#rows.length) this.#grow();
    let at = this.size;
    this.size += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#rows[parent] ?? 0;
      if (this.#compare(row, above) >= 0) break;
      this.#rows[at] = above;
      at = parent;
    }
    this.#rows[at] = row;
  }

  /** Removes the best row and returns it. */
  pop(): number | undefined {
    const { top } = this;
    if (top === undefined) return undefined;
    this.size -= 1;
    if (this.size > 0) this.#sink(0, this.#rows[this.size] ?? 0);
    return top;
  }

  /** About `count` rows from all over the order. */
  sample(count: number): number[] {
    const step = Math.max(1, Math.floor(this.size / count));
    const rows: number[] = [];
    for (let at = 0; at < this.size; at += step) rows.push(this.#rows[at] ?? 0);
    return rows;
  }

  /** Replaces all rows, in O(n). */
  fill(rows: Iterable<number>): void {
    this.size = 0;
    for (const row of rows) {
      if (this.size === this.#rows.length) this.#grow();
      this.#rows[this.size] = row;
      this.size += 1;
    }
    for (let at = (this.size >> 1) - 1; at >= 0; at -= 1) this.#sink(at, this.#rows[at] ?? 0);
  }

  /** Keeps the rows that are accepted, in O(n). */
  filter(accepts: (row: number) => boolean): void {
    // It is read ahead of where it is written.
    this.fill(this.#rows.subarray(0, this.size).filter(accepts));
  }

  #sink(from: number, row: number): void {
    let at = from;
    for (let child = 2 * at + 1; child < this.size; child = 2 * at + 1) {
      const [left, right] = [this.#rows[child] ?? 0, this.#rows[child + 1] ?? 0];
      const best = child + 1 < this.size && this.#compare(right, left) < 0 ? right : left;
      if (this.#compare(row, best) <= 0) break;
      this.#rows[at] = best;
      at = best === left ? child : child + 1;
    }
    this.#rows[at] = row;
  }

  #grow(): void {
    const rows = Math.ceil(this.#rows.length * 1.25);
    // Memory that is transferred does not wait for the garbage collector.
    this.#rows = new Uint32Array(this.#rows.buffer.transfer(rows * Uint32Array.BYTES_PER_ELEMENT));
  }
}
