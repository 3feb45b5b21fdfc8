// Names that appeared in the spool by a rename and were not written to since, as far as watch
// events told. Where the clock of the file system is too coarse (4 ms and more), the time stamps of
// a small file do not tell a rename from a write. A hint: what was missed only has a file wait for
// longer.

import type { FileIdentity, SpoolPath } from '../spool/entry.ts';

/** About 100 bytes each; beyond that the oldest are forgotten. */
const NAMES_MAX = 10_000;

export class Arrivals {
  /** By name, when the content was modified, as the first look found it. */
  readonly #renamed = new Map<string, bigint | undefined>();
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
    this.#renamed.set(id, undefined);
    const [oldest] = this.#renamed.keys();
    if (this.#renamed.size > this.#namesMax && oldest !== undefined) this.#renamed.delete(oldest);
  }

  written(id: string): void {
    this.#renamed.delete(id);
  }

  /** An empty file may have been made in place. */
  wasRenamed(id: string, { sizeBytes, mtimeNs }: Pick<FileIdentity, 'sizeBytes' | 'mtimeNs'>): boolean {
    if (sizeBytes === 0 || !this.#renamed.has(id)) return false;
    const foundNs = this.#renamed.get(id);
    if (foundNs === undefined) this.#renamed.set(id, mtimeNs);
    return foundNs === undefined || foundNs === mtimeNs;
  }

  /**
   * What is not watched may be written to. A name that was looked at is told by its time stamp from
   * now on.
   */
  unwatched(): void {
    for (const [id, foundNs] of this.#renamed) if (foundNs === undefined) this.#renamed.delete(id);
  }
}
