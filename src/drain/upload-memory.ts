// File content in memory, over all uploads: half of what may be used is for files sent whole, half
// for those sent in parts, so that a few huge files, which may take days, never keep the small ones
// waiting, nor these them. Pure.

import { brokenInvariant } from '../system/invariant.ts';

export interface UploadMemoryOptions {
  /** Bytes of content in memory at once, over all uploads. */
  readonly maxMemoryBytes: number;
  /** What one upload of this size holds in memory. */
  readonly memoryFor: (sizeBytes: number) => number;
  /** Files of this size and more are sent in parts. */
  readonly resumableFromBytes: number;
}

export class UploadMemory {
  #options: UploadMemoryOptions;
  readonly #held = { whole: 0, parts: 0 };

  constructor(options: UploadMemoryOptions) {
    this.#options = options;
  }

  /** Applies to memory that is held from now on. */
  setOptions(options: UploadMemoryOptions): void {
    this.#options = options;
  }

  /**
   * A single upload of its kind always fits: beyond the maximum, should it need more than half of
   * that.
   */
  fits(sizeBytes: number): boolean {
    const { maxMemoryBytes, memoryFor } = this.#options;
    const heldBytes = this.#held[this.#kindOf(sizeBytes)];
    return heldBytes === 0 || heldBytes + memoryFor(sizeBytes) <= maxMemoryBytes / 2;
  }

  /** Holds memory for an upload of this size, until the function it returns is called, once. */
  hold(sizeBytes: number): () => void {
    const kind = this.#kindOf(sizeBytes);
    const bytes = this.#options.memoryFor(sizeBytes);
    this.#held[kind] += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) brokenInvariant('memory is released once');
      isHeld = false;
      this.#held[kind] -= bytes;
    };
  }

  #kindOf(sizeBytes: number): 'whole' | 'parts' {
    return sizeBytes < this.#options.resumableFromBytes ? 'whole' : 'parts';
  }
}
