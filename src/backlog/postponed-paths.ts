// Files that failed when no more files could be deferred. Scans skip them, so that the files behind
// them get their turn.
import { createHash } from 'node:crypto';
import type { SpoolPath } from '../spool/entry.ts';

/**
 * About 20 MB. Beyond this, the file that failed longest ago is forgotten, and scans find it again.
 */
const FILES_MAX = 500_000;

/**
 * A set of paths to skip. Because there may be very many, it keeps only a number for each path.
 * Deterministic: time is an argument, of the monotonic clock.
 */
export class PostponedPaths {
  readonly #numbers = new Set<number>();
  readonly #filesMax: number;
  #lastDueAtMs = 0;

  constructor(filesMax = FILES_MAX) {
    this.#filesMax = filesMax;
  }

  get size(): number {
    return this.#numbers.size;
  }

  /** Skipped until this and every other skipped path are due. */
  add(path: SpoolPath, dueAtMs: number): void {
    this.#numbers.add(numberOf(path));
    this.#lastDueAtMs = Math.max(this.#lastDueAtMs, dueAtMs);
    const [longestAgo] = this.#numbers;
    if (this.#numbers.size > this.#filesMax && longestAgo !== undefined) this.#numbers.delete(longestAgo);
  }

  has(path: SpoolPath): boolean {
    return this.#numbers.size > 0 && this.#numbers.has(numberOf(path));
  }

  areDue(nowMs: number): boolean {
    return nowMs >= this.#lastDueAtMs;
  }

  clear(): void {
    this.#numbers.clear();
  }
}

/** 48 bits. Among 500,000 files, one in 500 million is mistaken for another and waits with it. */
function numberOf({ bytes }: SpoolPath): number {
  return createHash('sha256').update(bytes).digest().readUIntBE(0, 6);
}
