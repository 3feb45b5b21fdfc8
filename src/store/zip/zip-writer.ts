// Writes a zip, member after member: stored or deflated, with names in UTF-8, times in UTC, and
// ZIP64 where it is needed. The format is yazl's work. This class gives it the members one by one,
// and hands out what it makes in blocks.
import { ZipFile } from 'yazl';
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
/** A header in front of a member's content has this size and then the name: APPNOTE.TXT 4.3.7. */
const HEADER_BYTES = 30;
const REGULAR_FILE = 0o100_000;

/**
 * Calls must not overlap. After an error of `write`, the zip is worthless: drop it, and do not call
 * end().
 */
export class ZipWriter {
  readonly #zip = new ZipFile();
  readonly #write: (block: Buffer) => void | Promise<void>;
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  readonly #made: Buffer[] = [];
  #madeBytes = 0;
  #inBlockBytes = 0;
  #onMade: (() => void) | undefined;
  #isListening = false;

  /**
   * `write` gets blocks of 256 KiB, the last one smaller. A block holds its bytes until `write` has
   * resolved, and then other ones.
   */
  constructor(write: (block: Buffer) => void | Promise<void>) {
    this.#write = write;
  }

  /**
   * Adds a member. `content` is used no more once this has resolved. At most 1 GiB. Rejects with
   * RangeError for a name that not every reader accepts, and with what `write` rejects with.
   */
  async add(name: string, content: Buffer, { modifiedAtMs, mode, compress }: MemberOptions): Promise<void> {
    if (!isZipName(name)) throw new RangeError(`no name for a member of a zip: ${name}`);
    this.#listen();
    const startBytes = this.#madeBytes;
    this.#zip.addBuffer(content, name, {
      mtime: new Date(modifiedAtMs),
      mode: REGULAR_FILE | (mode ?? 0o644),
      compress,
    });
    // The header tells the size of what follows. When it is there, the content has been deflated.
    const ownBytes = HEADER_BYTES + Buffer.byteLength(name) + (compress ? 0 : content.byteLength);
    while (this.#madeBytes - startBytes < ownBytes) await this.#nextMade();
    await this.#pass();
  }

  /** Adds the index. Resolves with the size of the zip when everything is written. */
  async end(): Promise<number> {
    this.#listen();
    const ended = new Promise((resolve) => this.#zip.outputStream.once('end', resolve));
    this.#zip.end();
    await ended;
    await this.#pass();
    if (this.#inBlockBytes > 0) await this.#write(this.#block.subarray(0, this.#inBlockBytes));
    return this.#madeBytes;
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#zip.outputStream.on('data', (bytes: Buffer) => {
      this.#made.push(bytes);
      this.#madeBytes += bytes.byteLength;
      this.#onMade?.();
    });
  }

  #nextMade(): Promise<void> {
    return new Promise((resolve) => {
      this.#onMade = resolve;
    });
  }

  async #pass(): Promise<void> {
    for (const bytes of this.#made.splice(0))
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
