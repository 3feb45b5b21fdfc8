// The entries at hand: what the last scan kept, and deferred entries that are due.

import type { Entry, SpoolOrder } from '../spool/entry.ts';
import { compareEntries } from './best-entries.ts';

/** Entries in upload order, each path once. Deterministic. */
export class ReadyEntries {
  #compare: (a: Entry, b: Entry) => number;
  /** Worst first, so that taking the best entry is cheap. */
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

  /** The best entries, at most `limit`, the best first. */
  first(limit: number): readonly Entry[] {
    return this.#entries.slice(-limit).reverse();
  }

  /** Returns the best entry that is accepted. */
  find(accepts: (entry: Entry) => boolean): Entry | undefined {
    return this.#entries[this.#indexOf(accepts, 0)];
  }

  /**
   * Takes the best entry that is accepted. `place` in [0, 1) starts the search behind that share of
   * all entries; the skipped ones come last.
   */
  take(accepts: (entry: Entry) => boolean, place = 0): Entry | undefined {
    const at = this.#indexOf(accepts, place);
    if (at === -1) return undefined;
    const [entry] = this.#entries.splice(at, 1);
    if (entry !== undefined) this.#ids.delete(entry.path.id);
    return entry;
  }

  /** Drops the entries that are accepted, and returns how many there were. */
  drop(accepts: (entry: Entry) => boolean): number {
    const kept = this.#entries.filter((entry) => !accepts(entry));
    const dropped = this.#entries.length - kept.length;
    this.replace(kept);
    return dropped;
  }

  /** Adds entries whose path is not at hand yet. */
  add(entries: Iterable<Entry>): void {
    for (const entry of entries) {
      if (this.#ids.has(entry.path.id)) continue;
      this.#ids.add(entry.path.id);
      this.#entries.push(entry);
    }
    this.#sort();
  }

  /** Replaces all entries. */
  replace(entries: Iterable<Entry>): void {
    this.clear();
    this.add(entries);
  }

  /** Sets the order, from the next add() or replace() on. */
  reorder(order: SpoolOrder): void {
    this.#compare = compareEntries(order);
  }

  clear(): void {
    this.#entries = [];
    this.#ids.clear();
  }

  #indexOf(accepts: (entry: Entry) => boolean, place: number): number {
    const { length } = this.#entries;
    const skipped = Math.floor(place * length);
    for (let step = 0; step < length; step += 1) {
      const at = length - 1 - ((skipped + step) % length);
      const entry = this.#entries[at];
      if (entry !== undefined && accepts(entry)) return at;
    }
    return -1;
  }

  #sort(): void {
    this.#entries.sort((a, b) => this.#compare(b, a));
  }
}
