// The entries at hand, best first: what the last scan kept, plus deferred ones that have become due. Pure.
import { compareEntries } from './best-entries.ts';
import type { Entry, SpoolOrder } from './entry.ts';

export class ReadyEntries {
  #compare: (a: Entry, b: Entry) => number;
  /** Worst first, so that taking the best is cheap. */
  #entries: Entry[] = [];
  readonly #ids = new Set<string>();

  constructor(order: SpoolOrder) {
    this.#compare = compareEntries(order);
  }

  get size(): number {
    return this.#entries.length;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  best(): Entry | undefined {
    return this.#entries.at(-1);
  }

  /** The best that is accepted. */
  takeBest(accepts: (entry: Entry) => boolean): Entry | undefined {
    for (let at = this.#entries.length - 1; at >= 0; at -= 1) {
      const entry = this.#entries[at];
      if (entry === undefined || !accepts(entry)) continue;
      this.#entries.splice(at, 1);
      this.#ids.delete(entry.path.id);
      return entry;
    }
    return undefined;
  }

  /** Adds entries unless their path is at hand already. */
  add(entries: Iterable<Entry>): void {
    for (const entry of entries) {
      if (this.#ids.has(entry.path.id)) continue;
      this.#ids.add(entry.path.id);
      this.#entries.push(entry);
    }
    this.#sort();
  }

  /** Instead of all that is at hand. */
  replace(entries: Iterable<Entry>): void {
    this.clear();
    this.add(entries);
  }

  /** From the next add() or replace() on. */
  reorder(order: SpoolOrder): void {
    this.#compare = compareEntries(order);
  }

  clear(): void {
    this.#entries = [];
    this.#ids.clear();
  }

  #sort(): void {
    this.#entries.sort((a, b) => this.#compare(b, a));
  }
}
