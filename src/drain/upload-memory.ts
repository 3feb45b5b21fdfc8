// Bounds the file content in memory.
import type { PartPlan } from '../store/part-plan.ts';
import { brokenInvariant } from '../system/invariant.ts';

/** What one upload holds in memory, and of which kind it is. */
type Held = Pick<PartPlan, 'isWhole' | 'memoryBytes'>;

/**
 * File content in memory, over all uploads, in bytes. One half is for files sent whole, the other
 * for files sent in parts, so that huge files, which may take days, and small files never block
 * each other. Reads no clock.
 */
export class UploadMemory {
  #maxBytes: number;
  readonly #held = { whole: 0, parts: 0 };

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Applies to memory that is held from now on. */
  setMax(maxBytes: number): void {
    this.#maxBytes = maxBytes;
  }

  /** A single upload of its kind always fits, even if it needs more than half of the maximum. */
  fits({ isWhole, memoryBytes }: Held): boolean {
    const heldBytes = this.#held[kindOf(isWhole)];
    return heldBytes === 0 || heldBytes + memoryBytes <= this.#maxBytes / 2;
  }

  /** Reserves memory until the returned function is called; that must happen exactly once. */
  reserve({ isWhole, memoryBytes }: Held): () => void {
    const kind = kindOf(isWhole);
    this.#held[kind] += memoryBytes;
    let isHeld = true;
    return () => {
      if (!isHeld) brokenInvariant('memory is released once');
      isHeld = false;
      this.#held[kind] -= memoryBytes;
    };
  }
}

function kindOf(isWhole: boolean): 'whole' | 'parts' {
  return isWhole ? 'whole' : 'parts';
}
