// The files of the index as rows of typed arrays, in chunks. A row is a number.
import { type Entry, type FileIdentity, type SpoolOrder, SpoolPath } from '../spool/entry.ts';
import { brokenInvariant } from '../system/invariant.ts';
import type { FoundFiles } from './found-files.ts';

/** A chunk has 4,096 rows. */
const CHUNK_BITS = 12;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const IN_CHUNK = CHUNK_ROWS - 1;
/** Size, mtime, ctime and inode, each in two halves of 32 bits, the low one first. */
const WORDS = 8;
const [SIZE, MTIME] = [0, 2];
/** See newChunk(). */
const ROW_BYTES = 44;
const SLASH = 0x2f;
/** Enough for most paths. Longer ones make the buffer grow. */
const PATH_BYTES = 16;

/**
 * `gone`: the row is empty. `waiting`: the file waits. `out`: it was handed out, or it is deferred.
 * `stale`: the file is not in the index any more, but the row is still sorted among others.
 */
export type RowState = 'gone' | 'waiting' | 'out' | 'stale';
const STATES: readonly RowState[] = ['gone', 'waiting', 'out', 'stale'];
const CODES: Readonly<Record<RowState, number>> = { gone: 0, waiting: 1, out: 2, stale: 3 };

/** Where the number by which files are sorted is, and 1 for ascending; 0 where there is none. */
const KEYS: Readonly<Record<SpoolOrder, readonly [word: number, sign: -1 | 0 | 1]>> = {
  'oldest-first': [MTIME, 1],
  'newest-first': [MTIME, -1],
  'smallest-first': [SIZE, 1],
  name: [0, 0],
};

interface NewRow {
  /** See RowTable. */
  readonly hash: number;
  readonly as: RowState;
  readonly round: number;
}

interface Chunk {
  /** All columns lie in it, except `paths`. */
  readonly memory: ArrayBuffer;
  readonly words: Uint32Array;
  readonly numbers: BigInt64Array;
  readonly devs: Uint16Array;
  readonly states: Uint8Array;
  /** The scan that saw the file last, modulo 256. */
  readonly rounds: Uint8Array;
  readonly hashes: Uint32Array;
  /** Where in `paths` each path ends. */
  readonly ends: Uint32Array;
  paths: Uint8Array<ArrayBuffer>;
  used: number;
  live: number;
}

/**
 * A row takes 44 bytes and those of its path. Rows are appended, and a chunk is given up when its
 * last row is gone.
 */
export class FileRows {
  readonly #keyWord: number;
  readonly #sign: number;
  readonly #chunks: (Chunk | undefined)[] = [];
  /** The chunk that is being filled. */
  #filling = -1;
  /** Devices of files: there are several on overlayfs. */
  readonly #devs: bigint[] = [];
  /** How many rows are not gone. */
  live = 0;

  constructor(order: SpoolOrder) {
    [this.#keyWord, this.#sign] = KEYS[order];
  }

  /** How many rows there is memory for. */
  get capacity(): number {
    return this.#chunks.filter((chunk) => chunk !== undefined).length * CHUNK_ROWS;
  }

  /** Appends a file, and returns its row. */
  append(found: FoundFiles, file: number, { hash, as, round }: NewRow): number {
    const chunk = this.#chunkToFill();
    addPath(chunk, found.paths.subarray(found.startOf(file), found.ends[file]));
    const from = found.halvesOf(file);
    chunk.words.set(found.halves.subarray(from, from + WORDS), chunk.used * WORDS);
    chunk.devs[chunk.used] = this.#devOf(found.devOf(file));
    return this.#use(chunk, hash, as, round);
  }

  /** Appends a row of other rows, and returns its row here. */
  copy(others: FileRows, row: number): number {
    const from = others.#of(row);
    const at = row & IN_CHUNK;
    const chunk = this.#chunkToFill();
    addPath(chunk, from.paths.subarray(startOf(from, at), from.ends[at]));
    chunk.words.set(from.words.subarray(at * WORDS, (at + 1) * WORDS), chunk.used * WORDS);
    chunk.devs[chunk.used] = this.#devOf(others.#devs[from.devs[at] ?? 0] ?? 0n);
    return this.#use(chunk, from.hashes[at] ?? 0, others.stateOf(row), from.rounds[at] ?? 0);
  }

  /** Empties a row. */
  erase(row: number): void {
    const chunk = this.#of(row);
    chunk.states[row & IN_CHUNK] = CODES.gone;
    chunk.live -= 1;
    this.live -= 1;
    if (chunk.live === 0 && row >>> CHUNK_BITS !== this.#filling) this.#giveUp(row >>> CHUNK_BITS);
  }

  /** Takes the last appended row back. */
  unappend(row: number): void {
    const chunk = this.#of(row);
    this.erase(row);
    chunk.used -= 1;
  }

  stateOf(row: number): RowState {
    return STATES[this.#of(row).states[row & IN_CHUNK] ?? 0] ?? 'gone';
  }

  setState(row: number, state: RowState): void {
    this.#of(row).states[row & IN_CHUNK] = CODES[state];
  }

  roundOf(row: number): number {
    return this.#of(row).rounds[row & IN_CHUNK] ?? 0;
  }

  setRound(row: number, round: number): void {
    this.#of(row).rounds[row & IN_CHUNK] = round;
  }

  hashOf(row: number): number {
    return this.#of(row).hashes[row & IN_CHUNK] ?? 0;
  }

  hasPath(row: number, paths: Uint8Array, from: number, to: number): boolean {
    const chunk = this.#of(row);
    const start = startOf(chunk, row & IN_CHUNK);
    if ((chunk.ends[row & IN_CHUNK] ?? 0) - start !== to - from) return false;
    for (let at = 0; at < to - from; at += 1) if (chunk.paths[start + at] !== paths[from + at]) return false;
    return true;
  }

  /** True if nothing about the file has changed. */
  isSame(row: number, found: FoundFiles, file: number): boolean {
    const chunk = this.#of(row);
    const own = (row & IN_CHUNK) * WORDS;
    const other = found.halvesOf(file);
    for (let word = 0; word < WORDS; word += 1)
      if (chunk.words[own + word] !== found.halves[other + word]) return false;
    return this.#devs[chunk.devs[row & IN_CHUNK] ?? 0] === found.devOf(file);
  }

  entryOf(row: number): Entry {
    const chunk = this.#of(row);
    const at = row & IN_CHUNK;
    const [size = 0n, mtimeNs = 0n, ctimeNs = 0n, ino = 0n] = chunk.numbers.subarray(at * 4, at * 4 + 4);
    const dev = this.#devs[chunk.devs[at] ?? 0] ?? 0n;
    const identity: FileIdentity = { dev, ino, sizeBytes: Number(size), mtimeNs, ctimeNs };
    const path = new SpoolPath(Buffer.from(chunk.paths.subarray(startOf(chunk, at), chunk.ends[at])));
    return { path, identity, modifiedAtMs: Number(mtimeNs / 1_000_000n) };
  }

  /** Negative if row `a` is to be uploaded before row `b`. Two paths never compare equal. */
  compare(a: number, b: number): number {
    const left = this.#of(a);
    const right = this.#of(b);
    if (this.#sign !== 0) {
      const at = (a & IN_CHUNK) * WORDS + this.#keyWord;
      const other = (b & IN_CHUNK) * WORDS + this.#keyWord;
      // The high half has the sign. Times before 1970 are negative.
      const high = ((left.words[at + 1] ?? 0) | 0) - ((right.words[other + 1] ?? 0) | 0);
      if (high !== 0) return high * this.#sign;
      const low = (left.words[at] ?? 0) - (right.words[other] ?? 0);
      if (low !== 0) return low * this.#sign;
    }
    return comparePaths(left, a & IN_CHUNK, right, b & IN_CHUNK);
  }

  /** True if the file is below `folder`, which is named as in foldersOf(). */
  isBelow(row: number, folder: Uint8Array): boolean {
    const chunk = this.#of(row);
    const path = chunk.paths.subarray(startOf(chunk, row & IN_CHUNK), chunk.ends[row & IN_CHUNK]);
    if (folder.length === 0) return !path.includes(SLASH);
    return path.length > folder.length && folder.every((byte, at) => path[at] === byte);
  }

  /**
   * All rows, or those that were not seen in `round`. Rows may be erased meanwhile, and none
   * appended.
   */
  *all(exceptRound?: number): Generator<number> {
    for (const [number, chunk] of this.#chunks.entries()) {
      if (chunk === undefined) continue;
      for (let at = 0; at < chunk.used; at += 1)
        if (chunk.states[at] !== CODES.gone && chunk.rounds[at] !== exceptRound)
          yield ((number << CHUNK_BITS) | at) >>> 0;
    }
  }

  #of(row: number): Chunk {
    return this.#chunks[row >>> CHUNK_BITS] ?? brokenInvariant(`row ${row} of the backlog is in no chunk`);
  }

  #use(chunk: Chunk, hash: number, state: RowState, round: number): number {
    const at = chunk.used;
    chunk.states[at] = CODES[state];
    chunk.rounds[at] = round;
    chunk.hashes[at] = hash;
    chunk.used += 1;
    chunk.live += 1;
    this.live += 1;
    return ((this.#filling << CHUNK_BITS) | at) >>> 0;
  }

  #chunkToFill(): Chunk {
    const filling = this.#chunks[this.#filling];
    if (filling !== undefined && filling.used < CHUNK_ROWS) return filling;
    if (filling?.live === 0) this.#giveUp(this.#filling);
    else if (filling !== undefined) resizePaths(filling, startOf(filling, filling.used));
    const free = this.#chunks.indexOf(undefined);
    this.#filling = free === -1 ? this.#chunks.length : free;
    const chunk = newChunk();
    this.#chunks[this.#filling] = chunk;
    return chunk;
  }

  /** Gives its memory back at once: the garbage collector would, but late. */
  #giveUp(number: number): void {
    const chunk = this.#chunks[number];
    this.#chunks[number] = undefined;
    if (chunk === undefined) return;
    chunk.used = 0;
    chunk.memory.transfer(0);
    chunk.paths.buffer.transfer(0);
  }

  #devOf(dev: bigint): number {
    const known = this.#devs.indexOf(dev);
    return known === -1 ? this.#devs.push(dev) - 1 : known;
  }
}

function newChunk(): Chunk {
  const memory = new ArrayBuffer(CHUNK_ROWS * ROW_BYTES);
  const rows = CHUNK_ROWS;
  return {
    memory,
    numbers: new BigInt64Array(memory, 0, rows * 4),
    words: new Uint32Array(memory, 0, rows * WORDS),
    hashes: new Uint32Array(memory, rows * 32, rows),
    ends: new Uint32Array(memory, rows * 36, rows),
    devs: new Uint16Array(memory, rows * 40, rows),
    states: new Uint8Array(memory, rows * 42, rows),
    rounds: new Uint8Array(memory, rows * 43, rows),
    paths: new Uint8Array(rows * PATH_BYTES),
    ...{ used: 0, live: 0 },
  };
}

function startOf(chunk: Chunk, at: number): number {
  return at === 0 ? 0 : (chunk.ends[at - 1] ?? 0);
}

function addPath(chunk: Chunk, path: Uint8Array): void {
  const start = startOf(chunk, chunk.used);
  const end = start + path.length;
  if (end > chunk.paths.length) resizePaths(chunk, Math.max(end, Math.ceil(chunk.paths.length * 1.25)));
  chunk.paths.set(path, start);
  chunk.ends[chunk.used] = end;
}

/** Memory that is transferred does not wait for the garbage collector. */
function resizePaths(chunk: Chunk, bytes: number): void {
  chunk.paths = new Uint8Array(chunk.paths.buffer.transfer(bytes));
}

function comparePaths(left: Chunk, a: number, right: Chunk, b: number): number {
  const from = startOf(left, a);
  const other = startOf(right, b);
  const length = (left.ends[a] ?? 0) - from;
  const otherLength = (right.ends[b] ?? 0) - other;
  for (let at = 0; at < Math.min(length, otherLength); at += 1) {
    const difference = (left.paths[from + at] ?? 0) - (right.paths[other + at] ?? 0);
    if (difference !== 0) return difference;
  }
  return length - otherLength;
}
