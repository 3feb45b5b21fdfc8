// The validated configuration in the units the code uses. Made by config/load; never changed, only
// replaced.

import type { SpoolOrder } from '../spool/entry.ts';
import type { Proxies } from '../system/proxies.ts';
import type { Service } from '../system/service.ts';
import type { CounterSource } from './counter-format.ts';

export type ConflictPolicy = 'keep-both' | 'overwrite' | 'skip';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'text';

export interface Settings {
  readonly spool: {
    /** Absolute. */
    readonly path: string;
    readonly settleMs: number;
    /**
     * Glob patterns matched against each path segment (no `/` inside) or the whole relative path
     * (with `/`).
     */
    readonly ignore: readonly string[];
    readonly rescanMs: number;
    readonly order: SpoolOrder;
    readonly pruneEmptyDirs: boolean;
  };
  readonly link: {
    readonly interface: 'auto' | (string & {});
    /** A map is by the name of the interface. */
    readonly capacityBitsPerSec: number | 'auto' | Readonly<Record<string, number>>;
    /** Undefined: the interface's own. */
    readonly counter: CounterSource | undefined;
    /** 0 < share ≤ 1. */
    readonly share: number;
    /** A share of capacity, or a rate of its own. */
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
    /** Bytes of file content held in memory at once, over all uploads. */
    readonly maxMemoryBytes: number;
    /**
     * Longest one request may take, not counting the time its bytes wait for their turn on the
     * link.
     */
    readonly deadlineMs: number;
    /** Longest silence on a connection. */
    readonly idleTimeoutMs: number;
    readonly connectTimeoutMs: number;
    /** How long a stop waits for uploads in flight before it aborts them. */
    readonly stopTimeoutMs: number;
  };
  readonly retry: {
    /** First delay; doubles with each attempt, with jitter. */
    readonly initialMs: number;
    readonly maxMs: number;
    /** Failed attempts of an unknown kind, while other files pass, before a file is quarantined. */
    readonly maxAttempts: number;
    /** Time between probes while the breaker is open. */
    readonly probeMs: number;
  };
  readonly log: {
    readonly level: LogLevel;
    readonly format: LogFormat;
  };
  /** From HTTPS_PROXY and its siblings. */
  readonly proxies: Proxies;
  /** How we were started: for hints. */
  readonly service: Service;
}
