// The last step of loading: turns values as written into the settings that the code uses. The
// compiler holds the two lists together: an option without a place in Settings is a type error.
import { NO_PROXIES } from '../system/proxies.ts';
import { readService } from '../system/service.ts';
import type { Option } from './option.ts';
import { schema } from './schema.ts';
import type { Settings } from './settings.ts';

const NO_ENVIRONMENT = { proxies: NO_PROXIES, service: readService({}) };

/**
 * `typed` gives a key's value as written, or its default. Throws RangeError if an option does not
 * accept its value.
 */
export function toSettings(typed: (key: string) => unknown, { proxies, service } = NO_ENVIRONMENT): Settings {
  const { spool, link, s3, upload, packets, retry, observe, manifest, ingest, log } = schema;
  const read = <T>(option: Option<T>) => option.accepts(typed(option.key));
  const optional = <T>(option: Option<T>) => (typed(option.key) === null ? undefined : read(option));
  return {
    spool: {
      path: read(spool.path),
      settleMs: read(spool.settle),
      ignore: read(spool.ignore),
      rescanMs: read(spool.rescan),
      order: read(spool.order),
      maxIndexed: read(spool.maxIndexed),
      pruneEmptyDirs: read(spool.pruneEmptyDirs),
    },
    link: {
      interface: read(link.interface),
      capacityBitsPerSec: read(link.capacity),
      counter: optional(link.counter),
      share: read(link.share),
      timetable: read(link.timetable),
      floor: read(link.floor),
      sampleIntervalMs: read(link.sampleInterval),
    },
    s3: {
      bucket: read(s3.bucket),
      prefix: read(s3.prefix),
      region: optional(s3.region),
      endpoint: optional(s3.endpoint),
      forcePathStyle: read(s3.forcePathStyle),
      storageClass: optional(s3.storageClass),
      serverSideEncryption: optional(s3.serverSideEncryption),
      kmsKeyId: optional(s3.kmsKeyId),
      acl: optional(s3.acl),
      requestPayer: read(s3.requestPayer),
      expectedBucketOwner: optional(s3.expectedBucketOwner),
      conflict: read(s3.conflict),
      partSizeBytes: read(s3.partSize),
      metadata: read(s3.metadata),
      tags: read(s3.tags),
    },
    upload: {
      concurrency: read(upload.concurrency),
      maxConcurrency: read(upload.maxConcurrency),
      maxMemoryBytes: read(upload.maxMemory),
      deadlineMs: read(upload.deadline),
      idleTimeoutMs: read(upload.idleTimeout),
      connectTimeoutMs: read(upload.connectTimeout),
      stopTimeoutMs: read(upload.stopTimeout),
    },
    packets: {
      enabled: read(packets.enabled),
      match: read(packets.match),
      maxFileSizeBytes: read(packets.maxFileSize),
      sizeBytes: read(packets.size),
      maxFiles: read(packets.maxFiles),
      maxDelayMs: read(packets.maxDelay),
      groupBy: read(packets.groupBy),
      compress: read(packets.compress),
      key: read(packets.key),
    },
    retry: {
      initialMs: read(retry.initial),
      maxMs: read(retry.max),
      maxAttempts: read(retry.maxAttempts),
      probeMs: read(retry.probe),
    },
    observe: {
      listen: optional(observe.listen),
      tokenFile: optional(observe.tokenFile),
      hosts: read(observe.hosts),
    },
    manifest: {
      path: optional(manifest.path),
      maxSizeBytes: read(manifest.maxSize),
      keepMs: read(manifest.keep),
      maxTotalBytes: read(manifest.maxTotal),
    },
    ingest: {
      listen: optional(ingest.listen),
      tokensFile: optional(ingest.tokensFile),
      tls: optional(ingest.tls),
      maxFileSizeBytes: read(ingest.maxFileSize),
      maxConcurrent: read(ingest.maxConcurrent),
      minFreeSpaceBytes: read(ingest.minFreeSpace),
      backlogLimit: optional(ingest.backlogLimit),
    },
    log: { level: read(log.level), format: read(log.format) },
    proxies,
    service,
  };
}
