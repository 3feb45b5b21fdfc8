// What the config says about files over HTTP, as the ingest thread gets it. Plain data, because it
// crosses between threads.
import type { BacklogLimit, TlsFiles } from '../config/ingest-formats.ts';
import type { ListenAt } from '../config/listen-format.ts';

export type IngestPlace =
  | ({ readonly kind: 'tcp' } & ListenAt)
  /** The absolute path of a Unix socket. */
  | { readonly kind: 'unix'; readonly path: string }
  /** A listening socket that systemd has opened for this process. Undefined: it has opened none. */
  | ({ readonly kind: 'systemd' } & Partial<HandedSocket>);

/** What hints say about a place of TCP. */
export const INGEST_LISTEN = {
  setting: 'ingest.listen',
  belowPort1024: 'or to systemd, which opens any port: the example halfpipe-ingest.socket says how',
} as const;

/** The inode tells the socket from what gets its descriptor when the socket has been closed. */
export interface HandedSocket {
  readonly fd: number;
  readonly inode: number;
}

export interface IngestOptions {
  readonly listen: IngestPlace;
  readonly spoolPath: string;
  /** The patterns of names that the spool leaves alone; see IgnoreRules. */
  readonly ignore: readonly string[];
  /** An absolute path. */
  readonly tokensFile: string;
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly maxFileSizeBytes: number;
  /** The longest path in the spool whose key fits into the store. */
  readonly maxPathBytes: number;
  readonly maxConcurrent: number;
  /** The bytes that must stay free on the spool's file system. */
  readonly minFreeSpaceBytes: number;
  /** Undefined: the disk is the limit. */
  readonly backlogLimit: BacklogLimit | undefined;
  /** How many threads of the pool may wait for the disk at once, for this room. */
  readonly syncsAtOnce: number;
}

/** What waits in the spool. */
export interface BacklogSize {
  readonly files: number;
  readonly bytes: number;
  /** Since the last change of the oldest file; undefined if none waits. */
  readonly oldestAgeMs: number | undefined;
  /** How many scans the main thread has finished. */
  readonly scans: number;
}
