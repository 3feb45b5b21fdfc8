// One file of the spool, held open from before its first byte is read until it is removed.
import { type BigIntStats, constants, fstatSync } from 'node:fs';
import { errnoOf } from '../system/fault.ts';
import type { ContentSync } from './content-sync.ts';
import type { FileIdentity, SpoolPath } from './entry.ts';
import type { FileCalls } from './file-calls.ts';
import type { Writers, WriterView } from './open-writers.ts';
import { changedFault, leasedFault, spoolFault } from './spool-fault.ts';

// O_NONBLOCK: a FIFO that got the name since the scan must not block a thread of the pool.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** One call can read less than 2 GiB, and other calls need threads of the pool as well. */
const AT_ONCE_BYTES_MAX = 64 * 1024 ** 2;

/** No descriptor has this number, so that the system refuses it. */
const CLOSED = -1;

export interface SpoolFilePorts {
  readonly calls: FileCalls;
  readonly contentSync: ContentSync;
  readonly writers: WriterView;
}

/**
 * One open file of the spool. Its identity belongs to the descriptor, so the file that is read,
 * verified and removed is the same file.
 * Methods reject with a Fault. Only sync() can be cancelled.
 */
export class SpoolFile {
  readonly path: SpoolPath;
  /** The identity at the time of opening. */
  readonly identity: FileIdentity;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  #fd: number;
  readonly #ports: SpoolFilePorts;
  #holders = 1;

  private constructor(path: SpoolPath, fd: number, stats: BigIntStats, ports: SpoolFilePorts) {
    this.path = path;
    this.identity = identityOf(stats);
    this.sizeBytes = this.identity.sizeBytes;
    this.mode = Number(stats.mode & 0o777n);
    this.#fd = fd;
    this.#ports = ports;
  }

  /**
   * Opens the regular file at `location`; `path` is used for messages. Rejects with Fault `changed`
   * for anything that is not a regular file, and with the system error.
   */
  static async open(location: Buffer, path: SpoolPath, ports: SpoolFilePorts): Promise<SpoolFile> {
    const fd = await openNow(location, path, ports.calls);
    try {
      const stats = statNow(fd);
      if (!stats.isFile()) throw changedFault('open', path.toString(), 'is not a regular file');
      return new SpoolFile(path, fd, stats, ports);
    } catch (error) {
      await ports.calls.close(fd, 0);
      throw error;
    }
  }

  /**
   * Resolves when a power cut can no longer bring this file back with less content. Rejects with a
   * Fault; `signal` cancels the wait before the sync has begun.
   */
  async sync(signal: AbortSignal): Promise<void> {
    const { contentSync, calls } = this.#ports;
    if (calls.reachDisk)
      await this.#whileOpen('bring to the disk', (fd) =>
        contentSync.run(this.identity, { sync: () => calls.sync(fd) }, signal),
      );
  }

  /**
   * Reads exactly `length` bytes from `offset`, into `buffer` if one is given. Rejects with Fault
   * `changed` if the file has become shorter.
   */
  read(offset: number, length: number, buffer = Buffer.allocUnsafeSlow(length)): Promise<Buffer> {
    return this.#whileOpen('read', async (fd) => {
      for (let filled = 0; filled < length; ) {
        const atOnce = Math.min(AT_ONCE_BYTES_MAX, length - filled);
        const bytesRead = await this.#ports.calls.read(fd, buffer, filled, atOnce, offset + filled);
        if (bytesRead === 0)
          throw changedFault('read', this.path.toString(), 'became shorter while it was read');
        filled += bytesRead;
      }
      return buffer;
    });
  }

  /**
   * The descriptor's identity now. It differs from `identity` after a write, a move or a change of
   * permissions. Blocks. Throws a Fault.
   */
  currentIdentity(): FileIdentity | Promise<FileIdentity> {
    try {
      return identityOf(statNow(this.#fd));
    } catch (error) {
      throw spoolFault(error, 'stat', this.path.toString());
    }
  }

  /**
   * Resolves with whether a process of this machine has the file open for writing at this moment.
   */
  writers(): Promise<Writers> {
    return this.#ports.writers.ask(this.#fd);
  }

  /** Adds a holder, which has to call close() once. */
  hold(): void {
    this.#holders += 1;
  }

  /** Call once for each holder. The last call closes the descriptor. */
  async close(): Promise<void> {
    await this.#release();
  }

  #release(): void | Promise<void> {
    this.#holders -= 1;
    if (this.#holders > 0 || this.#fd === CLOSED) return;
    const fd = this.#fd;
    this.#fd = CLOSED;
    return this.#ports.calls.close(fd, this.sizeBytes);
  }

  /**
   * The descriptor stays open until `use` has ended. The kernel gives the number of a closed one to
   * another file, which a call that is still in the thread pool would then read.
   */
  async #whileOpen<T>(operation: string, use: (fd: number) => Promise<T>): Promise<T> {
    this.hold();
    try {
      return await use(this.#fd);
    } catch (error) {
      throw spoolFault(error, operation, this.path.toString());
    } finally {
      await this.#release();
    }
  }
}

async function openNow(location: Buffer, path: SpoolPath, calls: FileCalls): Promise<number> {
  try {
    return await calls.open(location, OPEN_FLAGS);
  } catch (error) {
    throw errnoOf(error) === 'EAGAIN' ? leasedFault(path.toString(), error) : error;
  }
}

/**
 * A local file system answers for an open file from memory in 2 µs. Through the thread pool, the
 * call takes at least 12 µs of CPU, and every file needs six calls. On a network file system, the
 * main thread waits for the answer.
 */
function statNow(fd: number): BigIntStats {
  return fstatSync(fd, { bigint: true });
}

/** The identity of the file that `stats` describes. */
export function identityOf(stats: BigIntStats): FileIdentity {
  return {
    dev: stats.dev,
    ino: stats.ino,
    sizeBytes: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}
