// Passes on each odd thing in the spool once, however often scans come across it. Pure, in bounded memory.
import type { SpoolPath } from './entry.ts';
import type { Oddity } from './scanner.ts';

const REMEMBERED_MAX = 1_000;

export type OddityReport =
  | { readonly kind: 'oddity'; readonly path: SpoolPath; readonly oddity: Oddity }
  /** There are so many that further ones are not named. */
  | { readonly kind: 'many-oddities'; readonly namedAtMost: number };

export class OddityReports {
  readonly #reported = new Set<string>();
  #overflowed = false;

  /** The report that is due for this sighting, if any. */
  sighted(path: SpoolPath, oddity: Oddity): OddityReport | undefined {
    const id = `${oddity}:${path.id}`;
    if (this.#reported.has(id) || this.#overflowed) return undefined;
    if (this.#reported.size >= REMEMBERED_MAX) {
      this.#overflowed = true;
      return { kind: 'many-oddities', namedAtMost: REMEMBERED_MAX };
    }
    this.#reported.add(id);
    return { kind: 'oddity', path, oddity };
  }
}
