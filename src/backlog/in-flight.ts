// The entries that were handed out and not yet given back.
// Invariant: a path is here once at a time, and what is handed out is given back once.

import type { Entry, SpoolPath } from '../spool/entry.ts';
import { brokenInvariant } from '../system/invariant.ts';

export class InFlight {
  readonly #entries = new Map<string, Entry>();
  /** Those chosen by rules that hold no more. */
  readonly #chosenBefore = new Set<string>();

  get size(): number {
    return this.#entries.size;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  begin(entry: Entry): void {
    const { path } = entry;
    if (this.has(path.id)) brokenInvariant(`a file is handed out once at a time, and ${path} is in flight`);
    this.#entries.set(path.id, entry);
  }

  /** The entry, and whether it was chosen by the rules of today. */
  end(path: SpoolPath): { readonly entry: Entry; readonly isByTheRules: boolean } {
    const entry = this.#entries.get(path.id);
    if (entry === undefined) brokenInvariant(`a file is given back once, and ${path} is not in flight`);
    this.#entries.delete(path.id);
    return { entry, isByTheRules: !this.#chosenBefore.delete(path.id) };
  }

  /** From now on there are other rules. */
  newRules(): void {
    for (const id of this.#entries.keys()) this.#chosenBefore.add(id);
  }
}
