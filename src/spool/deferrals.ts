// Entries that are to be tried again later, each with its time on the monotonic clock. Pure, bounded by its user.
import type { Entry } from './entry.ts';

interface Deferral {
  readonly entry: Entry;
  readonly dueMs: number;
}

export class Deferrals {
  readonly #byId = new Map<string, Deferral>();

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  entries(): Entry[] {
    return Array.from(this.#byId.values(), ({ entry }) => entry);
  }

  add(entry: Entry, dueMs: number): void {
    this.#byId.set(entry.path.id, { entry, dueMs });
  }

  /** Removes and returns what is due. */
  takeDue(nowMs: number): Entry[] {
    const due: Entry[] = [];
    for (const [id, { entry, dueMs }] of this.#byId) {
      if (dueMs > nowMs) continue;
      this.#byId.delete(id);
      due.push(entry);
    }
    return due;
  }

  /** Infinity when nothing is deferred. */
  nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#byId.values()) next = Math.min(next, dueMs);
    return next;
  }

  clear(): void {
    this.#byId.clear();
  }
}
