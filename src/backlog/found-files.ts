// Files as a walk found them, in columns: numbers in typed arrays and all paths in one buffer. So
// thousands of files move from one thread to another without a copy.
import { type FileIdentity, SpoolPath } from '../spool/entry.ts';

/** Numbers of 64 bits for each file: size, mtime, ctime, inode, device. */
const STATS = 5;
/** A batch is full at this many files. The main thread takes in a batch within 2 ms. */
export const FOUND_MAX = 512;
/** Enough for most batches. Longer paths make the buffer grow. */
const PATHS_BYTES = 32_768;

/** What lstat(2) says of a file, as far as it matters. */
export interface FoundStats {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
  readonly uid: bigint;
}

/** The columns of a batch. They can be transferred to another thread. */
export interface FoundColumns {
  readonly count: number;
  readonly paths: Uint8Array<ArrayBuffer>;
  /** Where in `paths` the path of each file ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly stats: BigInt64Array<ArrayBuffer>;
  readonly uids: Uint32Array<ArrayBuffer>;
}

/** A batch of files. A file is named by its place in the batch. */
export class FoundFiles implements FoundColumns {
  count = 0;
  paths: Uint8Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly stats: BigInt64Array<ArrayBuffer>;
  readonly uids: Uint32Array<ArrayBuffer>;
  /** The numbers of `stats` in halves, the low one first. */
  readonly halves: Uint32Array<ArrayBuffer>;

  constructor(columns?: FoundColumns) {
    this.count = columns?.count ?? 0;
    this.paths = columns?.paths ?? new Uint8Array(PATHS_BYTES);
    this.ends = columns?.ends ?? new Uint32Array(FOUND_MAX);
    this.stats = columns?.stats ?? new BigInt64Array(FOUND_MAX * STATS);
    this.uids = columns?.uids ?? new Uint32Array(FOUND_MAX);
    this.halves = new Uint32Array(this.stats.buffer);
  }

  get isFull(): boolean {
    return this.count === FOUND_MAX;
  }

  /** Adds a file to a batch that is not full. */
  add(path: Uint8Array, { size, mtimeNs, ctimeNs, ino, dev, uid }: FoundStats): void {
    const start = this.startOf(this.count);
    const end = start + path.length;
    if (end > this.paths.length) this.#grow(end);
    this.paths.set(path, start);
    this.ends[this.count] = end;
    this.uids[this.count] = Number(uid);
    const at = this.count * STATS;
    this.stats[at] = size;
    this.stats[at + 1] = mtimeNs;
    this.stats[at + 2] = ctimeNs;
    this.stats[at + 3] = ino;
    this.stats[at + 4] = dev;
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
    return BigInt(this.uids[file] ?? 0);
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
    return this.stats[file * STATS + column] ?? 0n;
  }

  #grow(bytes: number): void {
    const paths = new Uint8Array(Math.max(bytes, this.paths.length * 2));
    paths.set(this.paths);
    this.paths = paths;
  }
}
