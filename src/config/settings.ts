// The validated configuration, in the units that the code uses. config/load makes it; it is never
// changed, only replaced.

import type { SpoolOrder } from '../spool/entry.ts';
import type { Timetable } from '../steer/timetable.ts';
import type { Proxies } from '../system/proxies.ts';
import type { Service } from '../system/service.ts';
import type { CounterSource } from './counter-format.ts';
import type { BacklogLimit, TlsFiles } from './ingest-formats.ts';
import type { IngestListen, ListenAt } from './listen-format.ts';

export type ConflictPolicy = 'keep-both' | 'overwrite' | 'skip';
export type PacketGrouping = 'none' | 'folder' | 'hour';
export type PacketCompression = 'auto' | 'always' | 'never';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'text';

export interface Settings {
  readonly spool: {
    /** An absolute path. */
    readonly path: string;
    readonly settleMs: number;
    /**
     * Glob patterns. Those without `/` are matched against each path segment, those with `/`
     * against the whole path below the spool.
     */
    readonly ignore: readonly string[];
    readonly rescanMs: number;
    readonly order: SpoolOrder;
    readonly maxIndexed: number;
    readonly pruneEmptyDirs: boolean;
  };
  readonly link: {
    readonly interface: 'auto' | (string & {});
    /** A map has the names of interfaces as keys. */
    readonly capacityBitsPerSec: number | 'auto' | Readonly<Record<string, number>>;
    /** Undefined: the counter of the interface. */
    readonly counter: CounterSource | undefined;
    /** 0 < share ≤ 1. */
    readonly share: number;
    /** Other shares at certain times. No two rules hold at once. */
    readonly timetable: Timetable;
    /** A share of the capacity, or a rate. */
    readonly floor: { readonly share: number } | { readonly bitsPerSec: number };
    readonly sampleIntervalMs: number;
  };
  readonly s3: {
    readonly bucket: string;
    readonly prefix: string;
    /** Undefined: the SDK's own chain decides. */
    readonly region: string | undefined;
    readonly endpoint: string | undefined;
    readonly forcePathStyle: boolean;
    readonly storageClass: string | undefined;
    readonly serverSideEncryption: string | undefined;
    readonly kmsKeyId: string | undefined;
    readonly acl: string | undefined;
    readonly requestPayer: boolean;
    readonly expectedBucketOwner: string | undefined;
    readonly conflict: ConflictPolicy;
    readonly partSizeBytes: number;
    readonly metadata: Readonly<Record<string, string>>;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly upload: {
    readonly concurrency: number | 'auto';
    readonly maxConcurrency: number;
    /** Bytes of file content in memory, over all uploads. */
    readonly maxMemoryBytes: number;
    /**
     * The longest time a request may take, without the time its bytes wait for their turn on the
     * link.
     */
    readonly deadlineMs: number;
    /** The longest silence on a connection. */
    readonly idleTimeoutMs: number;
    readonly connectTimeoutMs: number;
    /** How long a stop waits for uploads in flight before it aborts them. */
    readonly stopTimeoutMs: number;
  };
  readonly packets: {
    readonly enabled: boolean;
    /**
     * Glob patterns. Those without `/` are matched against the name, those with `/` against the
     * whole path below the spool.
     */
    readonly match: readonly string[];
    readonly maxFileSizeBytes: number;
    /** Before compression. */
    readonly sizeBytes: number;
    readonly maxFiles: number;
    readonly maxDelayMs: number;
    readonly groupBy: PacketGrouping;
    readonly compress: PacketCompression;
    /** A template; see packets/packet-key. */
    readonly key: string;
  };
  readonly retry: {
    /** The first delay. It doubles with each attempt, with jitter. */
    readonly initialMs: number;
    readonly maxMs: number;
    /** Failed attempts that count against a file before it is quarantined. */
    readonly maxAttempts: number;
    /** The time between probes while the breaker is open. */
    readonly probeMs: number;
  };
  readonly observe: {
    /** Undefined: off. */
    readonly listen: ListenAt | undefined;
    /** An absolute path. */
    readonly tokenFile: string | undefined;
    /** Names of this machine that a request may have in its Host header. */
    readonly hosts: readonly string[];
  };
  readonly manifest: {
    /** An absolute path outside the spool. Undefined: no manifest is kept. */
    readonly path: string | undefined;
    readonly maxSizeBytes: number;
    readonly keepMs: number;
    readonly maxTotalBytes: number;
  };
  readonly ingest: {
    /** Undefined: off. */
    readonly listen: IngestListen | undefined;
    /** An absolute path. Set whenever `listen` is. */
    readonly tokensFile: string | undefined;
    /** Undefined: plain HTTP. */
    readonly tls: TlsFiles | undefined;
    readonly maxFileSizeBytes: number;
    readonly maxConcurrent: number;
    readonly minFreeSpaceBytes: number;
    /** Undefined: the disk is the limit. */
    readonly backlogLimit: BacklogLimit | undefined;
  };
  readonly log: {
    readonly level: LogLevel;
    readonly format: LogFormat;
  };
  /** From HTTPS_PROXY and similar variables. */
  readonly proxies: Proxies;
  /** How halfpipe was started; for hints. */
  readonly service: Service;
}
