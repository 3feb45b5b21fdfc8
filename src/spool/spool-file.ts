// One file of the spool, held open from before its first byte is read until it is disposed of.
// Its identity is of the descriptor, so what is read, verified and removed is the same file.
import { type BigIntStats, constants, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { ContentSync } from './content-sync.ts';
import type { FileIdentity, SpoolPath } from './entry.ts';
import type { Writers, WriterView } from './open-writers.ts';
import { changedFault, leasedFault, spoolFault } from './spool-fault.ts';

// O_NONBLOCK: a FIFO put under the name since the scan must not block a thread of the pool.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** One call reads less than 2 GiB; and others want a thread of the pool, too. */
const MOST_AT_ONCE_BYTES = 64 * 1024 ** 2;

export interface SpoolFileParts {
  readonly contentSync: ContentSync;
  readonly writers: WriterView;
}

export class SpoolFile {
  readonly path: SpoolPath;
  /** As of when it was opened. */
  readonly identity: FileIdentity;
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly #handle: FileHandle;
  readonly #parts: SpoolFileParts;
  #holders = 1;

  private constructor(path: SpoolPath, handle: FileHandle, stats: BigIntStats, parts: SpoolFileParts) {
    this.path = path;
    this.identity = identityOf(stats);
    this.sizeBytes = this.identity.sizeBytes;
    this.mode = Number(stats.mode & 0o777n);
    this.#handle = handle;
    this.#parts = parts;
  }

  /**
   * Opens the regular file at `location`, known to people as `path`; anything else is a Fault
   * `changed`.
   */
  static async open(location: Buffer, path: SpoolPath, parts: SpoolFileParts): Promise<SpoolFile> {
    const handle = await open(location, OPEN_FLAGS).catch((error: unknown) => {
      throw errnoOf(error) === 'EAGAIN' ? leasedFault(path.toString(), error) : error;
    });
    try {
      const stats = statNow(handle);
      if (!stats.isFile()) throw changedFault('open', path.toString(), 'is no regular file');
      return new SpoolFile(path, handle, stats, parts);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The open file once `condition` is met; closes it, and rejects, when that rejects. */
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
   * Resolves when a power cut can no longer bring this content back as less. Rejects with the
   * signal's reason, too.
   */
  async sync(signal: AbortSignal): Promise<void> {
    await this.#guard('bring to the disk', async () => {
      await this.#parts.contentSync.run(this.identity, this.#handle, signal);
    });
  }

  /**
   * Exactly `length` bytes from `offset`. Raises Fault `changed` when the file has become shorter.
   */
  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await this.#guard('read', () =>
        this.#handle.read(buffer, filled, Math.min(MOST_AT_ONCE_BYTES, length - filled), offset + filled),
      );
      if (bytesRead === 0)
        throw changedFault('read', this.path.toString(), 'became shorter while it was read');
      filled += bytesRead;
    }
    return buffer;
  }

  /**
   * The descriptor's identity now: differs from `identity` once anything was written, moved or
   * re-permitted.
   */
  async currentIdentity(): Promise<FileIdentity> {
    return identityOf(await this.#guard('stat', async () => statNow(this.#handle)));
  }

  /** Whether a process of this machine has the file open for writing at this moment. */
  writers(): Promise<Writers> {
    return this.#parts.writers.ask(this.#handle.fd);
  }

  /** One more close() is needed. */
  hold(): void {
    this.#holders += 1;
  }

  /** When all that hold the file have called it, the descriptor is closed. */
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
 * A local file system answers about an open file from memory, in 2 µs; by way of the thread pool it
 * takes 12 µs of CPU and more, and every file asks six times. On a network file system the main
 * thread waits for the answer.
 */
function statNow({ fd }: FileHandle): BigIntStats {
  return fstatSync(fd, { bigint: true });
}

export function identityOf(stats: BigIntStats): FileIdentity {
  return {
    dev: stats.dev,
    ino: stats.ino,
    sizeBytes: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}
