// Files as a walk found them, in columns: numbers in typed arrays and all paths in one buffer. So
// thousands of files move from one thread to another without a copy.
import { type FileIdentity, SpoolPath } from '../spool/entry.ts';

/** Numbers of 64 bits for each file: size, mtime, ctime, inode, device. */
const STATS = 5;
/** A batch is full at this many files. The main thread takes in a batch within 2 ms. */
export const FOUND_MAX = 512;
/** 128 bytes a path. A batch of longer paths is full sooner. */
const PATHS_BYTES = 65_536;
/** The longest path of a walk: 64 folders with names of 255 bytes, and the name of the file. */
const PATH_BYTES_MAX = 65 * 256;
/** What a batch needs: numbers of 64, of 32 and of 8 bits. */
export const FOUND_BYTES = FOUND_MAX * (STATS * 8 + 4 + 4) + PATHS_BYTES;

/** What lstat(2) says of a file, as far as it matters. */
export interface FoundStats {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
  readonly uid: bigint;
}

/** A batch of files. A file is named by its place in the batch. */
export class FoundFiles {
  count = 0;
  readonly paths: Uint8Array;
  /** Where in `paths` the path of each file ends. */
  readonly ends: Uint32Array;
  /** The numbers in halves, the low one first. */
  readonly halves: Uint32Array;
  readonly #stats: BigInt64Array;
  readonly #uids: Uint32Array;

  /** Lies in FOUND_BYTES of `buffer` from `start` on, a multiple of 8. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(FOUND_BYTES), start = 0) {
    this.#stats = new BigInt64Array(buffer, start, FOUND_MAX * STATS);
    this.halves = new Uint32Array(buffer, start, FOUND_MAX * STATS * 2);
    const end = start + FOUND_MAX * STATS * 8;
    this.ends = new Uint32Array(buffer, end, FOUND_MAX);
    this.#uids = new Uint32Array(buffer, end + FOUND_MAX * 4, FOUND_MAX);
    this.paths = new Uint8Array(buffer, end + FOUND_MAX * 8, PATHS_BYTES);
  }

  get isFull(): boolean {
    return this.count === FOUND_MAX || this.startOf(this.count) > PATHS_BYTES - PATH_BYTES_MAX;
  }

  /** Adds a file to a batch that is not full. */
  add(path: Uint8Array, { size, mtimeNs, ctimeNs, ino, dev, uid }: FoundStats): void {
    const start = this.startOf(this.count);
    const end = start + path.length;
    this.paths.set(path, start);
    this.ends[this.count] = end;
    this.#uids[this.count] = Number(uid);
    const at = this.count * STATS;
    this.#stats[at] = size;
    this.#stats[at + 1] = mtimeNs;
    this.#stats[at + 2] = ctimeNs;
    this.#stats[at + 3] = ino;
    this.#stats[at + 4] = dev;
    this.count += 1;
  }

  startOf(file: number): number {
    return file === 0 ? 0 : (this.ends[file - 1] ?? 0);
  }

  /** Where in `halves` the numbers of the file begin. */
  halvesOf(file: number): number {
    return file * STATS * 2;
  }

  pathOf(file: number): SpoolPath {
    return new SpoolPath(Buffer.from(this.paths.subarray(this.startOf(file), this.ends[file])));
  }

  sizeOf(file: number): number {
    return Number(this.#stat(file, 0));
  }

  mtimeNsOf(file: number): bigint {
    return this.#stat(file, 1);
  }

  devOf(file: number): bigint {
    return this.#stat(file, 4);
  }

  uidOf(file: number): bigint {
    return BigInt(this.#uids[file] ?? 0);
  }

  identityOf(file: number): FileIdentity {
    return {
      dev: this.#stat(file, 4),
      ino: this.#stat(file, 3),
      sizeBytes: Number(this.#stat(file, 0)),
      mtimeNs: this.#stat(file, 1),
      ctimeNs: this.#stat(file, 2),
    };
  }

  #stat(file: number, column: number): bigint {
    return this.#stats[file * STATS + column] ?? 0n;
  }
}
