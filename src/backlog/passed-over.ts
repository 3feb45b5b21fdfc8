// Files that failed when no more could be deferred: scans pass them over, so that those behind them
// have their turn. What is kept of a path is a number, for there may be very many. Pure: time is an
// argument.
import { createHash } from 'node:crypto';
import type { SpoolPath } from '../spool/entry.ts';

/** About 20 MB. Beyond this the file that failed longest ago is found again. */
const FILES_MAX = 500_000;

export class PassedOver {
  readonly #numbers = new Set<number>();
  readonly #filesMax: number;
  #lastDueMs = 0;

  constructor(filesMax = FILES_MAX) {
    this.#filesMax = filesMax;
  }

  get size(): number {
    return this.#numbers.size;
  }

  /** Skipped until this and every other skipped path are due. */
  add(path: SpoolPath, dueMs: number): void {
    this.#numbers.add(numberOf(path));
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    const [longestAgo] = this.#numbers;
    if (this.#numbers.size > this.#filesMax && longestAgo !== undefined) this.#numbers.delete(longestAgo);
  }

  has(path: SpoolPath): boolean {
    return this.#numbers.size > 0 && this.#numbers.has(numberOf(path));
  }

  areDue(nowMs: number): boolean {
    return nowMs >= this.#lastDueMs;
  }

  clear(): void {
    this.#numbers.clear();
  }
}

/** 48 bits: among 500,000 files one in 500 million is taken for another, and waits with it. */
function numberOf({ bytes }: SpoolPath): number {
  return createHash('sha256').update(bytes).digest().readUIntBE(0, 6);
}
