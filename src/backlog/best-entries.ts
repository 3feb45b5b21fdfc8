// Keeps the best N of any number of entries, in bounded memory.
import type { Entry, SpoolOrder } from '../spool/entry.ts';

type Compare = (a: Entry, b: Entry) => number;

const byName: Compare = (a, b) => (a.path.id < b.path.id ? -1 : a.path.id > b.path.id ? 1 : 0);

const COMPARE: Readonly<Record<SpoolOrder, Compare>> = {
  'oldest-first': (a, b) => a.modifiedAtMs - b.modifiedAtMs || byName(a, b),
  'newest-first': (a, b) => b.modifiedAtMs - a.modifiedAtMs || byName(a, b),
  'smallest-first': (a, b) => a.identity.sizeBytes - b.identity.sizeBytes || byName(a, b),
  name: byName,
};

/**
 * Returns a function that is negative when `a` is to be uploaded before `b`. This is a total order:
 * entries with different paths never compare equal.
 */
export function compareEntries(order: SpoolOrder): Compare {
  return COMPARE[order];
}

/**
 * The best `capacity` of all offered entries: a heap with the worst kept entry on top. offer()
 * takes O(log capacity).
 */
export class BestEntries {
  readonly #capacity: number;
  readonly #compare: Compare;
  /** A binary heap. No child is worse than its parent. */
  readonly #heap: Entry[] = [];

  /** `capacity` ≥ 1. */
  constructor(capacity: number, order: SpoolOrder) {
    this.#capacity = capacity;
    this.#compare = compareEntries(order);
  }

  offer(entry: Entry): void {
    if (this.#heap.length < this.#capacity) {
      this.#heap.push(entry);
      this.#siftUp(this.#heap.length - 1);
      return;
    }
    const worst = this.#heap[0];
    if (worst === undefined || this.#compare(entry, worst) >= 0) return;
    this.#heap[0] = entry;
    this.#siftDown(0);
  }

  /** Returns the kept entries, best first, and forgets them. */
  drain(): Entry[] {
    return this.#heap.splice(0).sort(this.#compare);
  }

  #siftUp(start: number): void {
    for (let child = start; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#isWorse(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #siftDown(start: number): void {
    for (let parent = start; ; ) {
      let worst = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.#heap.length && this.#isWorse(child, worst)) worst = child;
      }
      if (worst === parent) return;
      this.#swap(parent, worst);
      parent = worst;
    }
  }

  #isWorse(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    return left !== undefined && right !== undefined && this.#compare(left, right) > 0;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#heap[a], this.#heap[b]];
    if (left === undefined || right === undefined) return;
    this.#heap[a] = right;
    this.#heap[b] = left;
  }
}
