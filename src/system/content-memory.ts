// Memory for the content of files, used again and again. V8 has to find and free memory that is
// used once: that took 3.7 s of CPU time for each GB, more than reading and digesting it.

/** The least block; smaller contents share its size. */
const LEAST_BYTES = 4096;
/** Blocks of the same size serve contents that differ by up to a quarter. */
const STEPS_PER_DOUBLING = 4;

/**
 * Lends memory that all threads see, so that content reaches the sending thread without a copy.
 * What is taken has to come back once, with giveBack() or drop(). Reads no clock.
 */
export class ContentMemory {
  readonly #keptBytesMax: number;
  /** By size, the one that was used last at the end. */
  readonly #kept = new Map<number, SharedArrayBuffer[]>();
  #keptBytes = 0;

  /** Keeps at most `keptBytesMax` bytes that are not lent. */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** The bytes of an earlier use, or zeros. */
  take(byteLength: number): Buffer {
    const blockBytes = blockBytesFor(byteLength);
    const kept = this.#kept.get(blockBytes)?.pop();
    if (kept !== undefined) this.#keptBytes -= blockBytes;
    return Buffer.from(kept ?? new SharedArrayBuffer(blockBytes), 0, byteLength);
  }

  /** Nothing, in any thread, may read the content from now on. Ignores memory from elsewhere. */
  giveBack({ buffer: block }: Buffer): void {
    if (!(block instanceof SharedArrayBuffer)) return;
    const { byteLength } = block;
    const alike = this.#kept.get(byteLength) ?? [];
    this.#kept.delete(byteLength);
    this.#kept.set(byteLength, alike);
    alike.push(block);
    this.#keptBytes += byteLength;
    while (this.#keptBytes > this.#keptBytesMax) this.#dropOldest();
  }

  /**
   * The content is not needed any more, but the sending thread may still read it, because its
   * request was given up.
   */
  drop({ buffer: block }: Buffer): void {
    // V8 does not count shared memory, so it would let much of it pile up. It counts this, which
    // takes no memory, because nothing is written there.
    if (block instanceof SharedArrayBuffer) void new ArrayBuffer(block.byteLength);
  }

  /** Keeps nothing that is not lent. */
  forget(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }

  #dropOldest(): void {
    for (const [blockBytes, blocks] of this.#kept) {
      const block = blocks.pop();
      if (block === undefined) this.#kept.delete(blockBytes);
      else {
        this.#keptBytes -= blockBytes;
        return void new ArrayBuffer(blockBytes);
      }
    }
  }
}

function blockBytesFor(byteLength: number): number {
  if (byteLength <= LEAST_BYTES) return LEAST_BYTES;
  const stepBytes = 2 ** Math.floor(Math.log2(byteLength - 1)) / STEPS_PER_DOUBLING;
  return Math.ceil(byteLength / stepBytes) * stepBytes;
}
