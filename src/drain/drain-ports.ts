// What the drain needs of the stages around it and of its settings, in its own terms.
import type { Entry, SpoolPath } from '../spool/entry.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import type { Breaker } from './breaker.ts';
import type { PipelinePorts } from './pipeline.ts';
import type { NextLook, RetryPolicy } from './retry.ts';
import type { Transferred, TransferSpool } from './transfer.ts';
import type { UploadMemoryOptions } from './upload-memory.ts';

export interface DrainBacklog {
  /** The best entry that nobody holds and that is accepted; undefined when there is none now. */
  take(accepts: (entry: Entry) => boolean): Entry | undefined;
  release(path: SpoolPath, outcome: 'gone' | 'again' | { readonly deferForMs: number } | NextLook): void;
  /** The file has changed since it was taken for complete. */
  changed(path: SpoolPath): void;
}

export interface DrainSpool extends TransferSpool {
  quarantine(path: SpoolPath, reason: QuarantineReason): Promise<unknown>;
}

export interface QuarantineReason {
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string;
  readonly code?: string;
  readonly hint?: string;
}

/** Files of `resumableFromBytes` and more resume where they stopped, and need not be finished by a stop. */
export interface DrainOptions extends UploadMemoryOptions {
  readonly prefix: string;
  readonly retry: RetryPolicy & { readonly maxAttempts: number };
  /** The largest file that can be uploaded. */
  readonly largestBytes: number;
}

export interface DrainEvents {
  onUploaded(entry: Entry, transferred: Transferred, durationMs: number): void;
  /** Of a file that stays blocked for one reason only once. */
  onDeferred(entry: Entry, fault: Fault, delayMs: number): void;
  /** Once for each file that is not complete yet. */
  onStillWritten(entry: Entry, fault: Fault): void;
  onQuarantined(entry: Entry, fault: Fault): void;
  /** Each second in which what was written to the file in the moment of its removal cannot be brought back. */
  onUnsaved(entry: Entry, fault: Fault): void;
  onPaused(fault: Fault): void;
  onResumed(): void;
  /** The store asked for fewer requests. */
  onSlowDown(): void;
}

export interface DrainPorts extends PipelinePorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly spool: DrainSpool;
  readonly backlog: DrainBacklog;
  readonly breaker: Breaker;
  readonly events: DrainEvents;
  /** Content has been read: see TransferOptions. */
  readonly onRead: () => void;
  /** The file has left the spool. */
  readonly onRemoved: (entry: Entry) => void;
}
