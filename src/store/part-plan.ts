// Decides how a file is cut into parts. The same size and settings always give the same plan, so
// that a restart finds the parts it sent. S3's limits:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.

const PARTS_MAX = 10_000;
export const PART_BYTES_MIN = 5 * 1024 ** 2;
const PART_BYTES_MAX = 5 * 1024 ** 3;
const MIB = 1024 ** 2;
/** The next part is read while others are in flight. */
const READ_AHEAD_PARTS = 1;
/** The default queueSize of lib-storage. */
export const PARTS_AT_ONCE_MAX = 4;

/** How one file is uploaded. */
export interface PartPlan {
  /** The file is sent in one request, not in parts. */
  readonly isWhole: boolean;
  /** The size of every part except the last. */
  readonly partSizeBytes: number;
  readonly partCount: number;
  /** How many parts are in flight together. Fewer if parts had to grow, so that memory does not. */
  readonly partsAtOnce: number;
  /** The most content that the upload holds in memory at a time. */
  readonly memoryBytes: number;
}

/** The plans for one store. */
export interface Parts {
  /** Content up to `wholeBytes` is sent whole in any case. */
  plan(sizeBytes: number, wholeBytes?: number): PartPlan;
  /** The largest file that can be uploaded. */
  readonly largestBytes: number;
}

export interface PartPlannerOptions {
  /** Files up to this size are sent whole. Larger files are sent in parts of this size. */
  readonly partSizeBytes: number;
  /** Memory for all uploads in parts together [no limit]. */
  readonly memoryBytes?: number;
  /** How many parts of one file are in flight together, if memory allows [4]. */
  readonly partsAtOnce?: number;
  /** The least size that the store accepts for a part that is not the last [S3's 5 MiB]. */
  readonly leastPartBytes?: number | undefined;
}

/** Plans uploads from settings alone: no clock, no state. */
export class PartPlanner implements Parts {
  /** The least size of a part that is not the last. */
  readonly leastPartBytes: number;
  readonly #wholeBytes: number;
  readonly #memoryBytes: number;
  readonly #partsAtOnce: number;

  constructor(options: PartPlannerOptions) {
    const { partSizeBytes, memoryBytes = Number.POSITIVE_INFINITY } = options;
    const { partsAtOnce = PARTS_AT_ONCE_MAX, leastPartBytes = PART_BYTES_MIN } = options;
    this.leastPartBytes = leastPartBytes;
    this.#wholeBytes = partSizeBytes;
    this.#memoryBytes = memoryBytes;
    this.#partsAtOnce = partsAtOnceWithin(memoryBytes, partSizeBytes, partsAtOnce);
  }

  /** Uses the configured part size, increased in whole MiB until 10,000 parts hold the file. */
  plan(sizeBytes: number, wholeBytes = 0): PartPlan {
    const isWhole = sizeBytes <= Math.max(this.#wholeBytes, wholeBytes);
    const wantedBytes = Math.max(this.#wholeBytes, this.leastPartBytes);
    const neededBytes = sizeBytes / PARTS_MAX;
    const partSizeBytes = neededBytes <= wantedBytes ? wantedBytes : Math.ceil(neededBytes / MIB) * MIB;
    const memoryBytes = (this.#partsAtOnce + READ_AHEAD_PARTS) * wantedBytes;
    const partsAtOnce = partsAtOnceWithin(memoryBytes, partSizeBytes, this.#partsAtOnce);
    const heldBytes = partSizeBytes * (partsAtOnce + READ_AHEAD_PARTS);
    return {
      isWhole,
      partSizeBytes,
      partCount: Math.ceil(sizeBytes / partSizeBytes),
      partsAtOnce,
      memoryBytes: isWhole ? sizeBytes : Math.min(sizeBytes, heldBytes),
    };
  }

  /** Its parts, one at a time, fit into the memory; parts of the configured size always do. */
  get largestBytes(): number {
    const fittingBytes = Math.floor(this.#memoryBytes / (1 + READ_AHEAD_PARTS) / MIB) * MIB;
    const partBytes = Math.max(fittingBytes, this.#wholeBytes, this.leastPartBytes);
    return PARTS_MAX * Math.min(PART_BYTES_MAX, partBytes);
  }
}

/** The memory that uploads in parts need before a file of this size can be uploaded. */
export function leastMemoryBytes(sizeBytes: number): number {
  return ((1 + READ_AHEAD_PARTS) * sizeBytes) / PARTS_MAX;
}

/** How many parts fit into the memory beside those read ahead; at least 1. */
function partsAtOnceWithin(memoryBytes: number, partSizeBytes: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(memoryBytes / partSizeBytes) - READ_AHEAD_PARTS));
}
