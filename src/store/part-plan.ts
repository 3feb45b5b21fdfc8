// How a file is cut into parts. The same size and settings always give the same plan, so that a restart finds
// the parts it sent; S3's limits are https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.

const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 ** 2;
const MIB = 1024 ** 2;

export interface PartPlan {
  /** Of every part but the last. */
  readonly partSizeBytes: number;
  readonly partCount: number;
  /** Parts in flight together: fewer where parts had to grow, so that memory does not. */
  readonly partsAtOnce: number;
}

/** The configured part size, grown in whole MiB until 10,000 parts hold the file. */
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
    partsAtOnce: Math.max(1, Math.floor((partsAtOnce * wanted) / partSizeBytes)),
  };
}

/** Most bytes of content that one upload of `sizeBytes` holds in memory at a time. */
export function uploadMemoryBytes(
  sizeBytes: number,
  configuredPartBytes: number,
  partsAtOnce: number,
): number {
  if (sizeBytes <= configuredPartBytes) return sizeBytes;
  const plan = planParts(sizeBytes, configuredPartBytes, partsAtOnce);
  // Those in flight, the next one being gathered, and what was read ahead for it.
  return Math.min(sizeBytes, plan.partSizeBytes * (plan.partsAtOnce + 2));
}
