// Writes a zip, member after member: stored or deflated, with names in UTF-8, times in UTC, and
// ZIP64 where it is needed. What it makes is handed out in blocks.
import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';
import { centralRecord, endOfIndex, localHeader } from './zip-headers.ts';
import { isZipName } from './zip-name.ts';

export interface MemberOptions {
  readonly modifiedAtMs: number;
  /** The file's permissions [0644]. */
  readonly mode?: number;
  /** Deflates the content, whether it shrinks or not. */
  readonly compress: boolean;
}

/** One write of this size costs less than one for each header and each small file. */
const BLOCK_BYTES = 256 * 1024;
/** A larger content would need headers of ZIP64. */
const CONTENT_BYTES_MAX = 1024 * 1024 * 1024;

const deflated = promisify(deflateRaw);

/**
 * Calls must not overlap. After an error of `write`, the zip is worthless: drop it, and do not call
 * end().
 */
export class ZipWriter {
  readonly #write: (block: Buffer) => void | Promise<void>;
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  readonly #index: Buffer[] = [];
  #sizeBytes = 0;
  #inBlockBytes = 0;

  /**
   * `write` gets blocks of 256 KiB, the last one smaller. A block holds its bytes until `write` has
   * resolved, and then other ones.
   */
  constructor(write: (block: Buffer) => void | Promise<void>) {
    this.#write = write;
  }

  /**
   * Adds a member. `content` is used no more once this has resolved. At most 1 GiB. Rejects with
   * RangeError for more, or for a name that not every reader accepts, and with what `write` rejects
   * with.
   */
  async add(name: string, content: Buffer, options: MemberOptions): Promise<void> {
    if (!isZipName(name)) throw new RangeError(`no name for a member of a zip: ${name}`);
    if (content.byteLength > CONTENT_BYTES_MAX) throw new RangeError(`${name} is too large for a member`);
    const stored = options.compress ? await deflated(content) : content;
    const member = {
      name: Buffer.from(name),
      modifiedAtMs: options.modifiedAtMs,
      mode: options.mode ?? 0o644,
      isDeflated: options.compress,
      crc32: crc32(content),
      storedBytes: stored.byteLength,
      sizeBytes: content.byteLength,
      offset: this.#sizeBytes,
    };
    this.#index.push(centralRecord(member));
    await this.#put(localHeader(member));
    await this.#put(stored);
  }

  /** Adds the index. Resolves with the size of the zip when everything is written. */
  async end(): Promise<number> {
    const offset = this.#sizeBytes;
    for (const record of this.#index) await this.#put(record);
    await this.#put(endOfIndex(this.#index.length, offset, this.#sizeBytes - offset));
    if (this.#inBlockBytes > 0) await this.#write(this.#block.subarray(0, this.#inBlockBytes));
    return this.#sizeBytes;
  }

  async #put(bytes: Buffer): Promise<void> {
    this.#sizeBytes += bytes.byteLength;
    for (let at = 0; at < bytes.byteLength; ) {
      const copied = bytes.copy(this.#block, this.#inBlockBytes, at);
      at += copied;
      this.#inBlockBytes += copied;
      if (this.#inBlockBytes < BLOCK_BYTES) continue;
      await this.#write(this.#block);
      this.#inBlockBytes = 0;
    }
  }
}
