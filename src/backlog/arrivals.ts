// Remembers which names appeared in the spool by a rename, according to watch events.

import type { FileIdentity, SpoolPath } from '../spool/entry.ts';

/** About 100 bytes each. Beyond this, the oldest names are forgotten. */
const NAMES_MAX = 10_000;

/**
 * Names that appeared by a rename and were not written to since, as far as watch events show. Where
 * the file system's clock is coarse (4 ms and more), a small file's time stamps do not tell a
 * rename from a write.
 * These are hints. After a missed event, a file only waits longer.
 */
export class Arrivals {
  /** By name: the mtime at the first look, or undefined before it. */
  readonly #renamed = new Map<string, bigint | undefined>();
  readonly #namesMax: number;

  constructor(namesMax: number = NAMES_MAX) {
    this.#namesMax = namesMax;
  }

  /** Something happened to `path`, if it is known to which path. */
  hinted(path: SpoolPath | undefined, what: 'renamed' | 'written' | undefined): void {
    if (path === undefined) return;
    if (what === 'renamed') this.renamed(path.id);
    else this.written(path.id);
  }

  /** The name appeared or disappeared. If the file was made in place, written() follows. */
  renamed(id: string): void {
    this.#renamed.delete(id);
    this.#renamed.set(id, undefined);
    const [oldest] = this.#renamed.keys();
    if (this.#renamed.size > this.#namesMax && oldest !== undefined) this.#renamed.delete(oldest);
  }

  written(id: string): void {
    this.#renamed.delete(id);
  }

  /**
   * True if the name appeared by a rename. An empty file may have been made in place, so it never
   * counts.
   */
  wasRenamed(id: string, { sizeBytes, mtimeNs }: Pick<FileIdentity, 'sizeBytes' | 'mtimeNs'>): boolean {
    if (sizeBytes === 0 || !this.#renamed.has(id)) return false;
    const foundNs = this.#renamed.get(id);
    if (foundNs === undefined) this.#renamed.set(id, mtimeNs);
    return foundNs === undefined || foundNs === mtimeNs;
  }

  /**
   * Call when the spool is not watched: its files may be written to without an event. Names that
   * were looked at stay, and their mtime shows a write; other names are forgotten.
   */
  unwatched(): void {
    for (const [id, foundNs] of this.#renamed) if (foundNs === undefined) this.#renamed.delete(id);
  }
}
