// Remembers the last samples of several figures, in memory that does not grow.

export type Sample<Name extends string> = Readonly<Record<Name, number>>;

/**
 * A ring of samples, each with its time. The oldest is overwritten. Indexes count from the oldest
 * sample that is still there. Deterministic: time is an argument.
 */
export class SampleRing<Name extends string> {
  readonly #capacity: number;
  readonly #atMs: Float64Array;
  readonly #columns: ReadonlyMap<Name, Float64Array>;
  #added = 0;

  constructor(names: readonly Name[], capacity: number) {
    this.#capacity = capacity;
    this.#atMs = new Float64Array(capacity);
    this.#columns = new Map(names.map((name) => [name, new Float64Array(capacity)]));
  }

  get size(): number {
    return Math.min(this.#added, this.#capacity);
  }

  get firstAtMs(): number {
    return this.atMs(0);
  }

  /** NaN while there is no sample. */
  get lastAtMs(): number {
    return this.atMs(this.size - 1);
  }

  /** Times must not fall. */
  add(atMs: number, sample: Sample<Name>): void {
    const slot = this.#added % this.#capacity;
    this.#atMs[slot] = atMs;
    for (const [name, column] of this.#columns) column[slot] = sample[name];
    this.#added += 1;
  }

  /** NaN beyond the ends. */
  atMs(index: number): number {
    return this.#atMs[this.#slot(index)] ?? Number.NaN;
  }

  /** NaN beyond the ends. */
  value(name: Name, index: number): number {
    return this.#columns.get(name)?.[this.#slot(index)] ?? Number.NaN;
  }

  /** The growth of a counter between two samples. */
  growth(name: Name, from: number, to: number): number {
    return this.value(name, to) - this.value(name, from);
  }

  /**
   * Spreads the last step of a counter evenly over the time since `fromMs`: a scan has counted what
   * came one by one.
   */
  spread(name: Name, fromMs: number): void {
    const last = this.size - 1;
    const from = this.indexBefore(fromMs);
    const column = this.#columns.get(name);
    const step = this.growth(name, last - 1, last);
    const spanMs = this.atMs(last) - this.atMs(from);
    if (column === undefined || !(step > 0) || !(spanMs > 0)) return;
    for (let index = from + 1; index < last; index += 1) {
      const share = (this.atMs(index) - this.atMs(from)) / spanMs;
      column[this.#slot(index)] = this.value(name, index) + step * share;
    }
  }

  /** The latest sample that is not younger than `atMs`; the oldest if all are younger. */
  indexBefore(atMs: number): number {
    let [low, high] = [0, Math.max(0, this.size - 1)];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.atMs(middle) <= atMs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #slot(index: number): number {
    if (index < 0 || index >= this.size) return -1;
    return (this.#added - this.size + index) % this.#capacity;
  }
}
