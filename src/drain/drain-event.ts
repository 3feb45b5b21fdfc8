// The events of the drain and of the sweep. Each event is sent once, where it is decided. Nothing
// that the drain does depends on a listener.
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
   * The file is tried again after `delayMs`. For a file that stays blocked for one reason, this is
   * sent only once. `isNews`: the file itself is to blame, for this reason for the first time.
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
   * What was written to the file during its removal cannot be brought back yet. Sent every second.
   */
  | { readonly kind: 'unsaved'; readonly path: SpoolPath; readonly fault: Fault }
  /**
   * All files of this folder wait ('' for the root of the spool). `fault` is that of one of them.
   */
  | { readonly kind: 'folderHeld'; readonly folder: string; readonly fault: Fault }
  | { readonly kind: 'folderFreed'; readonly folder: string }
  | { readonly kind: 'paused'; readonly fault: Fault }
  | { readonly kind: 'resumed' }
  /** The store asked for fewer requests. */
  | { readonly kind: 'slowDown' };

export type SweepEvent =
  /** Multipart uploads whose files are gone or changed have been aborted. */
  { readonly kind: 'swept'; readonly uploads: number } | RecurringFault;
