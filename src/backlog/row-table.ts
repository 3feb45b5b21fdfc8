// Finds a row by its path: a hash table with open addressing.
import { randomInt } from 'node:crypto';
import type { FileRows } from './file-rows.ts';

const SLOTS_MIN = 64;
/** Beyond this share, searches become long. */
const FILLED_MAX = 0.75;

/**
 * A producer that knew the seed could choose names of one hash, and each search would then pass all
 * of them.
 */
const SEED = randomInt(2 ** 32);

/** FNV-1a with another offset, 32 bits; see http://www.isthe.com/chongo/tech/comp/fnv/. */
export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = SEED;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  // The low bits are the slot, and the last byte of a name reaches the high ones late.
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Holds rows by the hash of their path. Takes 6 to 11 bytes for each. */
export class RowTable {
  readonly #rows: FileRows;
  /** A row and 1 more; 0 in an empty slot. */
  #slots = new Uint32Array(SLOTS_MIN);
  #size = 0;

  constructor(rows: FileRows) {
    this.#rows = rows;
  }

  /** The row of a path with this hash, which lies in `paths`. */
  find(hash: number, paths: Uint8Array, from: number, to: number): number | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = (this.#slots[slot] ?? 0) - 1;
      if (row === -1) return undefined;
      if (this.#rows.hashOf(row) === hash && this.#rows.hasPath(row, paths, from, to)) return row;
    }
  }

  add(row: number): void {
    if (this.#size + 1 > this.#slots.length * FILLED_MAX) this.#resize(this.#slots.length * 2);
    this.#put(row);
    this.#size += 1;
  }

  /** The row must be in the table. */
  delete(row: number): void {
    const mask = this.#slots.length - 1;
    let empty = this.#rows.hashOf(row) & mask;
    while (this.#slots[empty] !== row + 1) empty = (empty + 1) & mask;
    // Rows behind move up, so that no search ends at the gap before it reaches them.
    for (let slot = (empty + 1) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#rows.hashOf((this.#slots[slot] ?? 0) - 1) & mask;
      if (((slot - home) & mask) < ((slot - empty) & mask)) continue;
      this.#slots[empty] = this.#slots[slot] ?? 0;
      empty = slot;
    }
    this.#slots[empty] = 0;
    this.#size -= 1;
  }

  #put(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#rows.hashOf(row) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }

  #resize(length: number): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(length);
    for (const filled of before) if (filled !== 0) this.#put(filled - 1);
    // Gives the memory back at once.
    before.buffer.transfer(0);
  }
}
