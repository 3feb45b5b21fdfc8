// Decides how a file is cut into parts. The same size and settings always give the same plan, so
// that a restart finds the parts it sent. S3's limits:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.

const MAX_PARTS = 10_000;
export const MIN_PART_BYTES = 5 * 1024 ** 2;
const MAX_PART_BYTES = 5 * 1024 ** 3;
const MIB = 1024 ** 2;
/** The next part is read while others are in flight. */
const READ_AHEAD_PARTS = 1;

export interface PartPlan {
  /** The size of every part except the last. */
  readonly partSizeBytes: number;
  readonly partCount: number;
  /** How many parts are in flight together. Fewer if parts had to grow, so that memory does not. */
  readonly partsAtOnce: number;
}

/** Uses the configured part size, increased in whole MiB until 10,000 parts hold the file. */
export function planParts(
  sizeBytes: number,
  configuredPartBytes: number,
  partsAtOnce: number,
  leastPartBytes: number = MIN_PART_BYTES,
): PartPlan {
  const needed = sizeBytes / MAX_PARTS;
  const wanted = Math.max(configuredPartBytes, leastPartBytes);
  const partSizeBytes = needed <= wanted ? wanted : Math.ceil(needed / MIB) * MIB;
  return {
    partSizeBytes,
    partCount: Math.ceil(sizeBytes / partSizeBytes),
    partsAtOnce: partsAtOnceWithin((partsAtOnce + READ_AHEAD_PARTS) * wanted, partSizeBytes, partsAtOnce),
  };
}

/**
 * How many parts may be in flight together within `memoryBytes`, with room for the part that is
 * read ahead; at least 1.
 */
export function partsAtOnceWithin(memoryBytes: number, partSizeBytes: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(memoryBytes / partSizeBytes) - READ_AHEAD_PARTS));
}

/**
 * The largest file whose parts, one at a time, fit into `memoryBytes`. Parts of the configured size
 * always count as fitting.
 */
export function largestFileBytes(memoryBytes: number, configuredPartBytes: number): number {
  const fittingBytes = Math.floor(memoryBytes / (1 + READ_AHEAD_PARTS) / MIB) * MIB;
  return MAX_PARTS * Math.min(MAX_PART_BYTES, Math.max(fittingBytes, configuredPartBytes, MIN_PART_BYTES));
}

/** The most bytes of content that one upload of `sizeBytes` holds in memory at a time. */
export function uploadMemoryBytes(
  sizeBytes: number,
  configuredPartBytes: number,
  partsAtOnce: number,
): number {
  if (sizeBytes <= configuredPartBytes) return sizeBytes;
  const plan = planParts(sizeBytes, configuredPartBytes, partsAtOnce);
  return Math.min(sizeBytes, plan.partSizeBytes * (plan.partsAtOnce + READ_AHEAD_PARTS));
}
