// The parts of a file, each read straight into a buffer of its own and digested, the next one while
// others are sent. lib-storage would copy the chunks of a stream together, many MiB at a time in
// the middle of the event loop.
import { digestOf } from '../digest.ts';
import type { Digest, UploadSource } from '../object-store.ts';

/**
 * A stretch of a file in place of its bytes: lib-storage measures and cuts a Body that is a
 * Uint8Array, and never looks into it.
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

export class PartReader {
  readonly #source: UploadSource;
  readonly #partSizeBytes: number;
  readonly #signal: AbortSignal;
  #nextNumber = 1;
  #ahead: Promise<ReadPart> | undefined;

  /** No part is read any more once `signal` has aborted. */
  constructor(source: UploadSource, partSizeBytes: number, signal: AbortSignal) {
    this.#source = source;
    this.#partSizeBytes = partSizeBytes;
    this.#signal = signal;
  }

  /**
   * To be called for each part in order, 1 first. They are read one after the other, so that the
   * last one is what has been read last. Rejects with the source's Fault, or with the signal's
   * reason.
   */
  read(partNumber: number): Promise<ReadPart> {
    if (partNumber !== this.#nextNumber)
      throw new TypeError(`part ${partNumber} was asked for before part ${this.#nextNumber}`);
    this.#nextNumber += 1;
    const part = this.#ahead ?? this.#readNow(partNumber);
    const isLast = partNumber * this.#partSizeBytes >= this.#source.sizeBytes;
    this.#ahead = isLast ? undefined : part.then(() => this.#readNow(partNumber + 1));
    // The caller that asks for it gets its failure. There may be none.
    this.#ahead?.catch(() => undefined);
    return part;
  }

  /** Resolves when nothing is being read any more. No part may be asked for after it. */
  async end(): Promise<void> {
    await this.#ahead?.catch(() => undefined);
  }

  async #readNow(partNumber: number): Promise<ReadPart> {
    this.#signal.throwIfAborted();
    const offset = (partNumber - 1) * this.#partSizeBytes;
    const length = Math.min(this.#partSizeBytes, this.#source.sizeBytes - offset);
    const bytes = await this.#source.read(offset, length);
    return { bytes, digest: await digestOf(bytes) };
  }
}
