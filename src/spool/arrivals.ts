// Names that appeared in the spool by a rename and were not written to since, as far as watch events told. Where the clock
// of the file system is too coarse (4 ms and more), the time stamps of a small file do not tell a rename from a write.
// A hint: what was missed only has a file wait for longer.

import type { SpoolPath } from './entry.ts';

/** About 100 bytes each; beyond that the oldest are forgotten. */
const NAMES_MAX = 10_000;

export class Arrivals {
  readonly #renamed = new Set<string>();
  readonly #namesMax: number;

  constructor(namesMax: number = NAMES_MAX) {
    this.#namesMax = namesMax;
  }

  /** Something happened to a path, if it is known which. */
  hinted(path: SpoolPath | undefined, what: 'renamed' | 'written' | undefined): void {
    if (path === undefined) return;
    if (what === 'renamed') this.renamed(path.id);
    else this.written(path.id);
  }

  /** The name came or went. A file that is made in place is `written` to right after. */
  renamed(id: string): void {
    this.#renamed.delete(id);
    this.#renamed.add(id);
    const [oldest] = this.#renamed;
    if (this.#renamed.size > this.#namesMax && oldest !== undefined) this.#renamed.delete(oldest);
  }

  written(id: string): void {
    this.#renamed.delete(id);
  }

  /** An empty file may have been made in place. */
  wasRenamed(id: string, sizeBytes: number): boolean {
    return sizeBytes > 0 && this.#renamed.has(id);
  }

  clear(): void {
    this.#renamed.clear();
  }
}
