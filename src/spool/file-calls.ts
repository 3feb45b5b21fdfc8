// Makes file calls on this thread while the disk answers from memory, else in the thread pool.
//
// A trip to the thread pool takes about 40 µs of CPU, and a file needs a dozen calls that a local
// file system answers from memory within 10 µs.
import { accessSync, close, closeSync, fsync, open, openSync, read, readSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import type { Clock } from '../system/clock.ts';
import { BlockingBudget } from './blocking-budget.ts';

/** linux/magic.h. Its fsync(2) does nothing (noop_fsync in mm/shmem.c), because nothing lasts. */
const TMPFS = 0x01021994;
/**
 * The types of statfs(2) whose calls end at a disk of this machine: ext2 to ext4, XFS, Btrfs, F2FS,
 * ZFS, bcachefs, FAT, exFAT, and overlayfs, on which containers run. Any other may have to ask a
 * server or another process, which may never answer.
 */
const LOCAL_TYPES: ReadonlySet<number> = new Set([
  ...[TMPFS, 0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x4d44, 0x2011bab0],
  0x794c7630,
]);
/** To copy or to free more than this takes longer than a trip to the pool. */
const HERE_MAX_BYTES = 256 * 1024;

/** What a call does to the file system. */
export type CallKind = 'look' | 'change';

/**
 * Calls about the files of one file system. Each returns its result, or a promise of it if the
 * thread pool makes the call; throws or rejects with the system error; and cannot be cancelled.
 * A local disk that does not answer at all blocks the thread once, for one call.
 */
export class FileCalls {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /**
   * Undefined if no call may block. A journal that is being committed lets calls wait that change
   * something, and others not. So each kind has a budget of its own.
   */
  readonly #budgets: Readonly<Record<CallKind, BlockingBudget>> | undefined;
  /** False if the files are in memory, so that sync() has nothing to do. */
  readonly reachDisk: boolean;

  /** `type`: of statfs(2), or undefined if every call has to be made in the pool. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, type?: number) {
    this.#clock = clock;
    const isLocal = type !== undefined && LOCAL_TYPES.has(type);
    this.#budgets = isLocal ? { look: new BlockingBudget(), change: new BlockingBudget() } : undefined;
    this.reachDisk = type !== TMPFS;
  }

  /** Makes the calls of the file system that holds `path`. Rejects with the system error. */
  static async on(path: Buffer, clock: Pick<Clock, 'monotonicMs'>): Promise<FileCalls> {
    return new FileCalls(clock, (await statfs(path)).type);
  }

  /** Makes the call `here`, on this thread, or has it made `pooled`. */
  run<T>(kind: CallKind, here: () => T, pooled: () => Promise<T>): T | Promise<T> {
    const budget = this.#budgets?.[kind];
    const begunMs = this.#clock.monotonicMs();
    if (budget === undefined || !budget.allows(begunMs)) return pooled();
    try {
      return here();
    } finally {
      const nowMs = this.#clock.monotonicMs();
      budget.charge(nowMs - begunMs, nowMs);
    }
  }

  /** A descriptor, which the caller closes. */
  open(path: Buffer, flags: number): number | Promise<number> {
    return this.run(
      'look',
      () => openSync(path, flags),
      () => promised((done) => open(path, flags, done)),
    );
  }

  /**
   * A change, because the file goes for good if it has no name any more. The kernel then frees its
   * `sizeBytes` before it returns.
   */
  close(fd: number, sizeBytes: number): void | Promise<void> {
    const pooled = () => promised<void>((done) => close(fd, done));
    return sizeBytes > HERE_MAX_BYTES ? pooled() : this.run('change', () => closeSync(fd), pooled);
  }

  /** The number of bytes that were read into `buffer`; 0 at the end of the file. */
  read(
    ...[fd, buffer, at, length, offset]: [
      fd: number,
      buffer: Buffer,
      at: number,
      length: number,
      offset: number,
    ]
  ): number | Promise<number> {
    const pooled = () => promised<number>((done) => read(fd, buffer, at, length, offset, done));
    if (length > HERE_MAX_BYTES) return pooled();
    return this.run('look', () => readSync(fd, buffer, at, length, offset), pooled);
  }

  /** See access(2). */
  access(path: Buffer, mode: number): void | Promise<void> {
    return this.run(
      'look',
      () => accessSync(path, mode),
      () => access(path, mode),
    );
  }

  /** Resolves when what `fd` is open on survives a power cut, on a file system that can. */
  sync(fd: number): Promise<void> {
    return promised((done) => fsync(fd, done));
  }
}

/** Every call is made in the pool. */
export const POOLED = new FileCalls({ monotonicMs: () => 0 });

/** Cheaper than promisify(), which makes a function anew for each call. */
function promised<T>(call: (done: (error: Error | null, result: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error === null || error === undefined ? resolve(result) : reject(error)));
  });
}
