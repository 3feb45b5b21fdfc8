// The manifest's file that is written now. It holds whole lines, apart from what a power cut leaves
// at its end.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { OpenDirectory } from '../spool/open-directory.ts';
import { errnoOf } from '../system/fault.ts';
import { foreignFileFault } from './manifest-fault.ts';
import { LINE_START, parseLine } from './manifest-line.ts';

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** The end that is looked through. A path and a key are at most 30 KB of JSON. */
const END_BYTES = 1024 * 1024;
/** What fdatasync(2) answers on file systems that do not have it. Nothing can be promised there. */
const UNSUPPORTED = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Appends at `sizeBytes`, and counts only what is durable. Methods reject with the system error or
 * a Fault. After an error, open the file anew: the kernel may have dropped what could not be
 * written, so that a second fdatasync(2) would wrongly succeed.
 */
export class ManifestFile {
  /** Bytes that were cut off when it was opened. */
  readonly cutBytes: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly #handle: FileHandle;
  #sizeBytes: number;
  #firstAtMs: number | undefined;
  #lastAtMs: number | undefined;

  private constructor(
    handle: FileHandle,
    { dev, ino, size }: { readonly dev: bigint; readonly ino: bigint; readonly size: bigint },
    { sizeBytes, firstAtMs, lastAtMs }: Found,
  ) {
    this.#handle = handle;
    [this.dev, this.ino] = [dev, ino];
    this.#sizeBytes = sizeBytes;
    this.cutBytes = Number(size) - sizeBytes;
    [this.#firstAtMs, this.#lastAtMs] = [firstAtMs, lastAtMs];
  }

  /**
   * Opens the file, or makes it durably, and cuts off an end that is no line. Rejects with a Fault
   * if it is not a manifest.
   */
  static async open(folder: OpenDirectory, name: string, path: string): Promise<ManifestFile> {
    const present = await folder.lookUp(name);
    // A FIFO or a device must not even be opened.
    if (present !== undefined && !present.isFile() && !present.isSymbolicLink())
      throw foreignFileFault(path, 'is not a regular file');
    const handle = await open(folder.at(name), FLAGS, 0o640);
    try {
      const stats = await handle.stat({ bigint: true });
      const found = await lookInto(handle, Number(stats.size), path);
      const file = new ManifestFile(handle, stats, found);
      if (file.cutBytes > 0) await file.#cutEnd();
      await folder.sync();
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** When the first line was written, by the wall clock. Undefined if there is no line yet. */
  get firstAtMs(): number | undefined {
    return this.#firstAtMs;
  }

  get lastAtMs(): number | undefined {
    return this.#lastAtMs;
  }

  /** Resolves when `lines`, written at `wallMs`, are durable. */
  async append(lines: Buffer, wallMs: number): Promise<void> {
    await this.#write(lines);
    await this.#sync();
    this.#sizeBytes += lines.length;
    this.#firstAtMs ??= wallMs;
    this.#lastAtMs = Math.max(wallMs, this.#lastAtMs ?? wallMs);
  }

  /** Resolves if another `bytes` bytes could be written and synced. Leaves the file as it is. */
  async tryOut(bytes: number): Promise<void> {
    await this.#write(Buffer.alloc(bytes, ' '));
    await this.#sync();
    await this.#cutEnd();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        done,
        bytes.length - done,
        this.#sizeBytes + done,
      );
      done += bytesWritten;
    }
  }

  async #cutEnd(): Promise<void> {
    await this.#handle.truncate(this.#sizeBytes);
    await this.#sync();
  }

  async #sync(): Promise<void> {
    try {
      await this.#handle.datasync();
    } catch (error) {
      if (!UNSUPPORTED.has(errnoOf(error) ?? '')) throw error;
    }
  }
}

interface Found {
  /** Up to the end of the last whole line. */
  readonly sizeBytes: number;
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
}

async function lookInto(handle: FileHandle, sizeBytes: number, path: string): Promise<Found> {
  const head = await read(handle, 0, Math.min(sizeBytes, LINE_START.length + 24));
  if (!isOurs(head)) throw foreignFileFault(path, 'is not empty, and not a manifest');
  const from = Math.max(0, sizeBytes - END_BYTES);
  const end = await read(handle, from, sizeBytes - from);
  const { keptBytes, last } = lastLine(end);
  // In a file that holds something else, nothing is cut beyond the end of its last line.
  const isReadable = last !== undefined || from === 0;
  const kept = isReadable ? from + keptBytes : from + end.lastIndexOf(0x0a) + 1;
  return { sizeBytes: kept, firstAtMs: kept === 0 ? undefined : timeOf(head), lastAtMs: last };
}

/** Lines that a power cut left as zeros count as torn, also if a line feed follows them. */
function lastLine(end: Buffer): { keptBytes: number; last: number | undefined } {
  for (let feed = end.lastIndexOf(0x0a); feed !== -1; ) {
    const before = feed === 0 ? -1 : end.lastIndexOf(0x0a, feed - 1);
    const line = parseLine(end.toString('utf8', before + 1, feed));
    if (line !== undefined) return { keptBytes: feed + 1, last: Date.parse(line.uploadedAt) };
    feed = before;
  }
  return { keptBytes: 0, last: undefined };
}

/** Begins as every line does, as far as there is a beginning, or is what a power cut leaves. */
function isOurs(head: Buffer): boolean {
  const start = Buffer.from(LINE_START).subarray(0, head.length);
  return head.every((byte, at) => at >= start.length || byte === start[at] || byte === 0 || byte === 0x20);
}

function timeOf(head: Buffer): number | undefined {
  const wallMs = Date.parse(head.toString('latin1', LINE_START.length));
  return Number.isNaN(wallMs) ? undefined : wallMs;
}

async function read(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, from + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
