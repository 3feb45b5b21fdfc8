// Reads the parts of a file, each into its own buffer, and digests them.
import type { DigestOf } from '../digest.ts';
import type { Digest, UploadSource } from '../object-store.ts';

/**
 * Stands for a range of a file without its bytes. lib-storage measures and cuts a Body that is a
 * Uint8Array, and never reads its content.
 */
export class FileRange extends Uint8Array {
  readonly #length: number;

  constructor(length: number) {
    super(0);
    this.#length = length;
  }

  override get byteLength(): number {
    return this.#length;
  }

  override subarray(start = 0, end: number = this.#length): FileRange {
    return new FileRange(Math.min(end, this.#length) - start);
  }
}

export interface ReadPart {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

/**
 * Reads one part ahead while others are sent. lib-storage itself would join the chunks of a stream,
 * many MiB at a time, and block the event loop meanwhile.
 */
export class PartReader {
  readonly #source: UploadSource;
  readonly #partSizeBytes: number;
  readonly #digestOf: DigestOf;
  readonly #signal: AbortSignal;
  #nextNumber = 1;
  #ahead: Promise<ReadPart> | undefined;

  /** After `signal` has aborted, no further part is read. */
  constructor(source: UploadSource, partSizeBytes: number, digestOf: DigestOf, signal: AbortSignal) {
    this.#source = source;
    this.#partSizeBytes = partSizeBytes;
    this.#digestOf = digestOf;
    this.#signal = signal;
  }

  /**
   * Call this for each part in order, beginning with 1. Parts are read one after another, so the
   * last part is also the last one read. Rejects with the source's Fault, or with the signal's
   * reason.
   */
  read(partNumber: number): Promise<ReadPart> {
    if (partNumber !== this.#nextNumber)
      throw new TypeError(`part ${partNumber} was asked for before part ${this.#nextNumber}`);
    this.#nextNumber += 1;
    const part = this.#ahead ?? this.#readNow(partNumber);
    const isLast = partNumber * this.#partSizeBytes >= this.#source.sizeBytes;
    this.#ahead = isLast ? undefined : part.then(() => this.#readNow(partNumber + 1));
    // The caller of the next read() gets the failure. There may be no such caller.
    this.#ahead?.catch(() => undefined);
    return part;
  }

  /** Resolves when nothing is being read any more. read() must not be called afterwards. */
  async end(): Promise<void> {
    const reading = this.#ahead;
    // A late read() must not get this part, because its memory goes back now, and only once.
    this.#ahead = undefined;
    const ahead = await reading?.catch(() => undefined);
    if (ahead !== undefined) this.#source.giveBack?.(ahead.bytes);
  }

  async #readNow(partNumber: number): Promise<ReadPart> {
    this.#signal.throwIfAborted();
    const offset = (partNumber - 1) * this.#partSizeBytes;
    const length = Math.min(this.#partSizeBytes, this.#source.sizeBytes - offset);
    const bytes = await this.#source.read(offset, length);
    return { bytes, digest: await this.#digestOf(bytes) };
  }
}
