// One file of the spool, held open from before its first byte is read until it is removed.
import { type BigIntStats, constants, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { ContentSync } from './content-sync.ts';
import type { FileIdentity, SpoolPath } from './entry.ts';
import type { Writers, WriterView } from './open-writers.ts';
import { changedFault, leasedFault, spoolFault } from './spool-fault.ts';

// O_NONBLOCK: a FIFO that got the name since the scan must not block a thread of the pool.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** One call can read less than 2 GiB, and other calls need threads of the pool as well. */
const AT_ONCE_BYTES_MAX = 64 * 1024 ** 2;

export interface SpoolFilePorts {
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
  readonly #handle: FileHandle;
  readonly #ports: SpoolFilePorts;
  #holders = 1;

  private constructor(path: SpoolPath, handle: FileHandle, stats: BigIntStats, ports: SpoolFilePorts) {
    this.path = path;
    this.identity = identityOf(stats);
    this.sizeBytes = this.identity.sizeBytes;
    this.mode = Number(stats.mode & 0o777n);
    this.#handle = handle;
    this.#ports = ports;
  }

  /**
   * Opens the regular file at `location`; `path` is used for messages. Rejects with Fault `changed`
   * for anything that is not a regular file, and with the system error.
   */
  static async open(location: Buffer, path: SpoolPath, ports: SpoolFilePorts): Promise<SpoolFile> {
    const handle = await open(location, OPEN_FLAGS).catch((error: unknown) => {
      throw errnoOf(error) === 'EAGAIN' ? leasedFault(path.toString(), error) : error;
    });
    try {
      const stats = statNow(handle);
      if (!stats.isFile()) throw changedFault('open', path.toString(), 'is not a regular file');
      return new SpoolFile(path, handle, stats, ports);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Resolves with this file once `condition` resolves. Closes the file, and rejects, if `condition`
   * rejects.
   */
  async unless(condition: Promise<void>): Promise<this> {
    try {
      await condition;
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Resolves when a power cut can no longer bring this file back with less content. Rejects with a
   * Fault; `signal` cancels the wait before the sync has begun.
   */
  async sync(signal: AbortSignal): Promise<void> {
    await this.#guard('bring to the disk', async () => {
      await this.#ports.contentSync.run(this.identity, this.#handle, signal);
    });
  }

  /**
   * Reads exactly `length` bytes from `offset`. Rejects with Fault `changed` if the file has become
   * shorter.
   */
  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await this.#guard('read', () =>
        this.#handle.read(buffer, filled, Math.min(AT_ONCE_BYTES_MAX, length - filled), offset + filled),
      );
      if (bytesRead === 0)
        throw changedFault('read', this.path.toString(), 'became shorter while it was read');
      filled += bytesRead;
    }
    return buffer;
  }

  /**
   * The descriptor's identity now. It differs from `identity` after a write, a move or a change of
   * permissions.
   */
  async currentIdentity(): Promise<FileIdentity> {
    return identityOf(await this.#guard('stat', async () => statNow(this.#handle)));
  }

  /**
   * Resolves with whether a process of this machine has the file open for writing at this moment.
   */
  writers(): Promise<Writers> {
    return this.#ports.writers.ask(this.#handle.fd);
  }

  /** Adds a holder, which has to call close() once. */
  hold(): void {
    this.#holders += 1;
  }

  /** Call once for each holder. The last call closes the descriptor. */
  async close(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders === 0) await this.#handle.close();
  }

  async #guard<T>(operation: string, use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      throw spoolFault(error, operation, this.path.toString());
    }
  }
}

/**
 * A local file system answers for an open file from memory in 2 µs. Through the thread pool, the
 * call takes at least 12 µs of CPU, and every file needs six calls. On a network file system, the
 * main thread waits for the answer.
 */
function statNow({ fd }: FileHandle): BigIntStats {
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
