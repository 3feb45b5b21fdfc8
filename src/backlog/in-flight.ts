// The entries that were handed out and not yet given back.

import type { Entry, SpoolPath } from '../spool/entry.ts';
import { brokenInvariant } from '../system/invariant.ts';

/**
 * Invariant: a path is in flight once at a time, and every entry is given back once. A violation
 * throws an Error (a bug in halfpipe).
 */
export class InFlight {
  readonly #entries = new Map<string, Entry>();
  /** Entries that were chosen by rules that no longer apply. */
  readonly #chosenBefore = new Set<string>();

  get size(): number {
    return this.#entries.size;
  }

  /** What all of them hold. */
  get sizeBytes(): number {
    let sum = 0;
    for (const { identity } of this.#entries.values()) sum += identity.sizeBytes;
    return sum;
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

  /** Returns the entry, and whether the current rules chose it. */
  end(path: SpoolPath): { readonly entry: Entry; readonly isByTheRules: boolean } {
    const entry = this.#entries.get(path.id);
    if (entry === undefined) brokenInvariant(`a file is given back once, and ${path} is not in flight`);
    this.#entries.delete(path.id);
    return { entry, isByTheRules: !this.#chosenBefore.delete(path.id) };
  }

  /** Other rules apply from now on. */
  newRules(): void {
    for (const id of this.#entries.keys()) this.#chosenBefore.add(id);
  }
}
