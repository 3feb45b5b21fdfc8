// What the drain needs from the stages around it and from the settings.
import type { Entry, SpoolPath } from '../spool/entry.ts';
import type { QuarantineReason } from '../spool/quarantine.ts';
import type { Upload } from '../store/object-store.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import type { EntryPlan } from './destination.ts';
import type { DrainEvent } from './drain-event.ts';
import type { PipelinePorts, PipelineSlot } from './pipeline.ts';
import type { NextLook, RetryPolicy } from './retry.ts';
import type { StoredMember } from './stored-member.ts';
import type { TransferSpool } from './transfer.ts';
import type { UploadLimitOptions } from './upload-limit.ts';

export interface DrainBacklog {
  /**
   * Takes the best entry that is free and accepted; undefined if there is none now. `place`: see
   * Detour.
   */
  take(accepts: (entry: Entry) => boolean, place?: number): Entry | undefined;
  /** Like take(), but does not take the entry. */
  find(accepts: (entry: Entry) => boolean): Entry | undefined;
  /**
   * Keeps the files below this folder back, except one that a scan finds. FolderPatience says how a
   * folder is named.
   */
  hold(folder: string): void;
  free(folder: string): void;
  /** How many files wait with this folder, as of the last scan. */
  heldFiles(folder: string): number;
  release(
    path: SpoolPath,
    outcome: 'gone' | 'returned' | 'again' | { readonly deferForMs: number } | NextLook,
  ): void;
  /** The file has changed since it was taken as complete. */
  changed(path: SpoolPath): void;
}

export interface DrainSpool extends TransferSpool {
  quarantine(path: SpoolPath, reason: QuarantineReason): Promise<unknown>;
}

/** A lasting record of every file that was stored. */
export interface DrainManifest {
  /** False if nothing is recorded. */
  readonly isKept: boolean;
  /**
   * Resolves when the record is durable. Rejects with a Fault of the code `ManifestUnwritable`,
   * which pauses the drain.
   */
  record(stored: StoredFile): Promise<void>;
  /** Resolves with why nothing can be recorded now; undefined if it can. */
  trouble(): Promise<Fault | undefined>;
}

/** A file that the store provably holds, just before it leaves the spool. */
export interface StoredFile {
  readonly path: SpoolPath;
  readonly mtimeNs: bigint;
  readonly bucket: string;
  /** The upload of the file, or of the packet that it is in. */
  readonly upload: Upload;
  /** If it is in a packet. */
  readonly member?: StoredMember;
  /** Which of the store's answers was the proof. */
  readonly verifiedBy: string;
  /** Since the drain took the file. */
  readonly durationMs: number;
}

export interface DrainOptions extends UploadLimitOptions {
  readonly retry: RetryPolicy & { readonly maxAttempts: number };
  /** The most bytes of content in memory, over all uploads. */
  readonly maxMemoryBytes: number;
}

/** A file or packet in progress, from when its entry was taken until its release. */
export interface Transfer {
  readonly entry: Entry;
  readonly plan: EntryPlan;
  readonly slot: PipelineSlot;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  /** Where in the order it was taken. */
  readonly place: number;
  readonly startedAtMs: number;
  /** Content that was read for it so far. */
  readonly progress: { readBytes: number };
}

/** A transfer, as views show it. */
export interface TransferView {
  readonly entry: Entry;
  /** Undefined if the name cannot be a key. */
  readonly key: string | undefined;
  readonly stage: PipelineSlot['stage'];
  readonly startedAtMs: number;
  /** Content that was read for it so far; for a file that is sent whole, all of it. */
  readonly readBytes: number;
}

/** Files that wait for the same reason. */
export interface WaitingFiles {
  /** The code of the fault. */
  readonly reason: string;
  readonly files: number;
  /** One of the files, or the folder that they are below. */
  readonly example: string;
  readonly isFolder: boolean;
  readonly fault: Fault;
  /** When the first of them is tried again, by the monotonic clock. */
  readonly nextTryAtMs: number;
}

export interface DrainPorts extends Pick<PipelinePorts, 'rateBytesPerSec'> {
  readonly clock: Clock;
  readonly random: () => number;
  readonly spool: DrainSpool;
  readonly backlog: DrainBacklog;
  readonly manifest: DrainManifest;
  readonly onEvent: (event: DrainEvent) => void;
  /** Content was read; see TransferOptions. */
  readonly onRead: () => void;
  /** The store has taken the entry, or may have. Nothing is proven yet. */
  readonly onStored: (entry: Entry) => void;
  /** The file has left the spool. */
  readonly onRemoved: (entry: Entry) => void;
}
