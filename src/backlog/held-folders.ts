// Folders whose files wait as a whole, because the drain was refused all of them: scans count these
// files and leave them out, so that they take no place of others. One file of each folder stays at
// hand, to be tried. Pure.
import { foldersOf, type SpoolPath } from '../spool/entry.ts';

export class HeldFolders {
  /** Files of each, as of the last scan. */
  readonly #files = new Map<string, number>();
  /** As of the running scan. */
  readonly #counted = new Map<string, number>();
  /** Folders of which this scan has left a file at hand. */
  readonly #sampled = new Set<string>();

  /** How a folder is named: see foldersOf. `files` is how many are known to be in it. */
  hold(folder: string, files: number): void {
    this.#files.set(folder, files);
  }

  free(folder: string): void {
    this.#files.delete(folder);
  }

  /** Whether a file is below a held folder. */
  covers(path: SpoolPath): boolean {
    return this.#files.size > 0 && foldersOf(path).some((folder) => this.#files.has(folder));
  }

  /** Files of all, each counted once. */
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
   * The running scan counts a file. False leaves it out; `isBusy` files are no use as the one at
   * hand.
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
