// What the drain tells: each event once, where it is decided. Listeners only hear of it: nothing
// that the drain does depends on them.
import type { Entry, SpoolPath } from '../spool/entry.ts';
import type { Fault, RecurringFault } from '../system/fault.ts';
import type { Transferred } from './transfer.ts';

export type DrainEvent =
  /** The store holds the file, and the file has left the spool. */
  | {
      readonly kind: 'uploaded';
      readonly entry: Entry;
      readonly transferred: Transferred;
      readonly durationMs: number;
    }
  /**
   * The file is tried again after `delayMs`; a file that stays blocked for one reason is told only
   * once. `isNews`: the file itself is at fault, and this is the first time that it is for this
   * reason.
   */
  | {
      readonly kind: 'deferred';
      readonly entry: Entry;
      readonly fault: Fault;
      readonly delayMs: number;
      readonly isNews: boolean;
    }
  /** Once for each file that is not complete yet. */
  | { readonly kind: 'stillWritten'; readonly entry: Entry; readonly fault: Fault }
  | { readonly kind: 'quarantined'; readonly entry: Entry; readonly fault: Fault }
  /**
   * Each second in which what was written to the file in the moment of its removal cannot be
   * brought back.
   */
  | { readonly kind: 'unsaved'; readonly path: SpoolPath; readonly fault: Fault }
  /**
   * All files of this folder wait ('': those right in the spool); the fault is that of one of them.
   */
  | { readonly kind: 'folderHeld'; readonly folder: string; readonly fault: Fault }
  | { readonly kind: 'folderFreed'; readonly folder: string }
  | { readonly kind: 'paused'; readonly fault: Fault }
  | { readonly kind: 'resumed' }
  /** The store asked for fewer requests. */
  | { readonly kind: 'slowDown' };

export type SweepEvent =
  /** Multipart uploads of files that are gone have been aborted. */
  { readonly kind: 'swept'; readonly uploads: number } | RecurringFault;
