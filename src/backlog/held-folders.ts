// Folders whose files all wait, because the store refuses every file of them.
import { foldersOf, type SpoolPath } from '../spool/entry.ts';

/**
 * Scans count the files of held folders but leave them out, so that they take no place of other
 * files. One file of each folder stays at hand, to be tried. Deterministic.
 */
export class HeldFolders {
  /** By folder: its files, as of the last scan. */
  readonly #files = new Map<string, number>();
  /** By folder: its files, as far as the running scan has counted. */
  readonly #counted = new Map<string, number>();
  /** Folders of which the running scan has left a file at hand. */
  readonly #sampled = new Set<string>();

  /** Holds `folder`, named as in foldersOf(). `files` is the number of its known files. */
  hold(folder: string, files: number): void {
    this.#files.set(folder, files);
  }

  free(folder: string): void {
    this.#files.delete(folder);
  }

  /** True if a folder is held. */
  get any(): boolean {
    return this.#files.size > 0;
  }

  /** True if the file is below a held folder. */
  covers(path: SpoolPath): boolean {
    return this.#files.size > 0 && foldersOf(path).some((folder) => this.#files.has(folder));
  }

  /** The files of all held folders, each counted once. */
  get total(): number {
    let total = 0;
    for (const [folder, files] of this.#files)
      if (folder === '' || foldersOf({ id: folder }).find((outer) => this.#files.has(outer)) === folder)
        total += files;
    return total;
  }

  filesIn(folder: string): number {
    return this.#files.get(folder) ?? 0;
  }

  scanBegan(): void {
    this.#counted.clear();
    this.#sampled.clear();
  }

  /**
   * The running scan counts a file; false leaves it out. A file that `isBusy` (in flight or
   * deferred) cannot be the one that stays at hand.
   */
  wants(path: SpoolPath, isBusy: boolean): boolean {
    if (this.#files.size === 0) return true;
    const held = foldersOf(path).filter((folder) => this.#files.has(folder));
    for (const folder of held) this.#counted.set(folder, (this.#counted.get(folder) ?? 0) + 1);
    const isSample = !isBusy && held.some((folder) => !this.#sampled.has(folder));
    if (isSample) for (const folder of held) this.#sampled.add(folder);
    return held.length === 0 || isSample;
  }

  scanEnded(): void {
    for (const folder of this.#files.keys()) this.#files.set(folder, this.#counted.get(folder) ?? 0);
  }
}
