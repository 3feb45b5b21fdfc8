// Bounds the file content in memory.
import type { PartPlan } from '../store/part-plan.ts';
import { brokenInvariant } from '../system/invariant.ts';

/** What one upload holds in memory, and of which kind it is. */
type Held = Pick<PartPlan, 'isWhole' | 'memoryBytes'> & { readonly isPacket?: boolean };

/**
 * File content in memory, over all uploads, in bytes. One half is for files sent in parts, and a
 * quarter for files sent whole, so that huge files, which may take days, and small files never
 * block each other. Packets get what the others leave, up to one half. Reads no clock.
 */
export class UploadMemory {
  #maxBytes: number;
  /** The least that an upload of each kind needs, if none that waits did fit. */
  #least: Record<Kind, number> | undefined;
  /** The least that fits() refused of each kind. */
  #refused: Record<Kind, number> = { whole: 0, parts: 0, packets: 0 };
  readonly #held: Record<Kind, number> = { whole: 0, parts: 0, packets: 0 };

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Applies to memory that is held from now on. */
  setMax(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.forgetSearch();
  }

  /** A single upload of its kind always fits, even if it needs more than its share. */
  fits(held: Held): boolean {
    const { memoryBytes } = held;
    const kind = kindOf(held);
    if (this.#hasRoomFor(kind, memoryBytes)) return true;
    this.#refused[kind] = Math.min(this.#refused[kind], memoryBytes);
    return false;
  }

  /**
   * Calls `find`, which asks fits() about everything that waits. If it finds nothing, what did not
   * fit is remembered; see mayFit.
   */
  search<Found>(find: () => Found | undefined): Found | undefined {
    const refused = { whole: NOTHING, parts: NOTHING, packets: NOTHING };
    this.#refused = refused;
    const found = find();
    if (found === undefined) this.#least = refused;
    return found;
  }

  /**
   * False if the last search was in vain, and what was released since is too little for all that
   * it refused. A search takes long while much waits, so it is not to be made for each file.
   */
  get mayFit(): boolean {
    const least = this.#least;
    return least === undefined || KINDS.some((kind) => this.#hasRoomFor(kind, least[kind]));
  }

  /** Something new waits, or another upload is accepted now. */
  forgetSearch(): void {
    this.#least = undefined;
  }

  /** Reserves memory until the returned function is called; that must happen exactly once. */
  reserve(held: Held): () => void {
    const { memoryBytes } = held;
    const kind = kindOf(held);
    this.#held[kind] += memoryBytes;
    let isHeld = true;
    return () => {
      if (!isHeld) brokenInvariant('memory is released once');
      isHeld = false;
      this.#held[kind] -= memoryBytes;
    };
  }

  #hasRoomFor(kind: Kind, memoryBytes: number): boolean {
    const { whole, parts, packets } = this.#held;
    const heldBytes = this.#held[kind];
    const isFirst = heldBytes === 0 && memoryBytes < Number.POSITIVE_INFINITY;
    if (isFirst) return true;
    if (kind === 'packets' && whole + parts + packets + memoryBytes > this.#maxBytes) return false;
    return heldBytes + memoryBytes <= this.#maxBytes * SHARE[kind];
  }
}

const KINDS = ['whole', 'parts', 'packets'] as const;
type Kind = (typeof KINDS)[number];

const NOTHING = Number.POSITIVE_INFINITY;

/** More than a quarter of 96 MiB did not make files of 200 KB any faster. */
const SHARE: Readonly<Record<Kind, number>> = { whole: 1 / 4, parts: 1 / 2, packets: 1 / 2 };

function kindOf({ isWhole, isPacket }: Pick<Held, 'isWhole' | 'isPacket'>): Kind {
  if (isPacket === true) return 'packets';
  return isWhole ? 'whole' : 'parts';
}
