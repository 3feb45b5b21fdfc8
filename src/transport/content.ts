// The body of one request, slice by slice.

/** What is to be sent: all of it in memory, or arriving in pieces. */
export interface Content {
  readonly byteLength: number;
  /**
   * Returns about `sliceBytes` bytes; empty only if the content is empty. Undefined if they have
   * not arrived. Call it after the previous bytes have been written: their memory may be reused.
   */
  next(sliceBytes: number): Uint8Array | undefined;
  /** Calls `callback` once when next() may have bytes after it had none. */
  onArrival(callback: () => void): void;
}

/** How many of the remaining bytes to send now. A small remainder is sent with the slice. */
export function sliceOf(leftBytes: number, sliceBytes: number): number {
  return leftBytes <= 1.5 * sliceBytes ? leftBytes : sliceBytes;
}

/** Content that is in memory as a whole. next() always has bytes. */
export class WholeContent implements Content {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  next(sliceBytes: number): Uint8Array {
    const start = this.#offset;
    this.#offset += sliceOf(this.byteLength - start, sliceBytes);
    return this.#bytes.subarray(start, this.#offset);
  }

  onArrival(): void {
    // All of it is there.
  }
}
