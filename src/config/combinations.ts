// Checks across options: each value is valid, the combination is not. Pure functions. What the
// settings cannot show, for example the capacity of a card, is checked where it becomes known.

import { findOverlap } from '../steer/timetable.ts';
import { AWS_BUCKET_RULE, isAwsBucketName } from './s3-formats.ts';
import type { Settings } from './settings.ts';
import { holds } from './spool-place.ts';
import { formatRule } from './timetable-format.ts';
import { formatDuration, formatPercent, formatRate, formatSize } from './units.ts';

export interface Clash {
  /** The option to blame, as in the file. */
  readonly key: string;
  /** Completes "key = value:". */
  readonly reason: string;
}

export function findClashes(settings: Settings): readonly Clash[] {
  const { spool, s3, upload, packets, retry, manifest, ingest } = settings;
  const clashes: Clash[] = [];
  const check = (possible: boolean, key: string, reason: string) => {
    if (!possible) clashes.push({ key, reason });
  };

  const target = targetText(settings);
  check(
    target === undefined,
    'link.floor',
    `must not be above the target, ${target}: lower it or raise link.share`,
  );
  const overlap = findOverlap(settings.link.timetable)?.map(formatRule);
  check(
    overlap === undefined,
    'link.timetable',
    `must not have two entries for one time: ${overlap?.join(' and ')} overlap`,
  );
  check(
    s3.endpoint !== undefined || isAwsBucketName(s3.bucket),
    's3.bucket',
    `${AWS_BUCKET_RULE}; a store other than AWS that has this bucket needs s3.endpoint`,
  );
  check(
    s3.kmsKeyId === undefined || s3.serverSideEncryption?.startsWith('aws:kms') === true,
    's3.kmsKeyId',
    'needs s3.serverSideEncryption: set that to aws:kms, or remove this key',
  );
  check(
    upload.maxMemoryBytes >= s3.partSizeBytes,
    'upload.maxMemory',
    `must hold one part: set it to ${formatSize(s3.partSizeBytes)} or more, or lower s3.partSize`,
  );
  check(
    upload.concurrency === 'auto' || upload.concurrency <= upload.maxConcurrency,
    'upload.concurrency',
    `must be at most upload.maxConcurrency (${upload.maxConcurrency}): lower it or raise that`,
  );
  check(
    packets.maxFileSizeBytes <= packets.sizeBytes,
    'packets.maxFileSize',
    `must be at most packets.size (${formatSize(packets.sizeBytes)}): lower it or raise that`,
  );
  check(
    retry.initialMs <= retry.maxMs,
    'retry.initial',
    `must be at most retry.max (${formatDuration(retry.maxMs)}): lower it or raise that`,
  );
  check(
    manifest.path === undefined || !holds(spool.path, manifest.path),
    'manifest.path',
    `must not be in the spool (${spool.path}), where every file is uploaded and removed`,
  );
  check(
    manifest.maxTotalBytes >= 2 * manifest.maxSizeBytes,
    'manifest.maxTotal',
    `must be at least twice manifest.maxSize (${formatSize(manifest.maxSizeBytes)}): raise it or lower that`,
  );
  check(
    ingest.listen === undefined || ingest.tokensFile !== undefined,
    'ingest.listen',
    'needs ingest.tokensFile, because every request must have a token: halfpipe token add makes one',
  );
  check(
    ingest.listen?.kind !== 'unix' || ingest.tls === undefined,
    'ingest.tls',
    'cannot be used at a Unix socket, whose bytes stay on the machine: remove it, or set ingest.listen to a port',
  );
  return clashes;
}

/**
 * The target as text if the floor is above it. Undefined if it is not, or if the capacity is `auto`
 * and the floor is a rate.
 */
function targetText({ link: { floor, share, capacityBitsPerSec } }: Settings): string | undefined {
  if ('share' in floor) return floor.share > share ? `link.share (${formatPercent(share)})` : undefined;
  if (capacityBitsPerSec === 'auto') return undefined;
  const least =
    typeof capacityBitsPerSec === 'number'
      ? capacityBitsPerSec
      : Math.min(...Object.values(capacityBitsPerSec));
  const targetBitsPerSec = Math.floor(share * least);
  return floor.bitsPerSec > targetBitsPerSec
    ? `${formatRate(targetBitsPerSec)} (share × capacity)`
    : undefined;
}
