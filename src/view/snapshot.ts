// The state of the running daemon at one moment, for people and programs. The summary line,
// systemctl's status text, `halfpipe status` and `halfpipe top` all read it.

import type { UplinkIdentity } from '../link/uplink-identity.ts';
import type { SlowLine } from '../pace/slow-line.ts';

export type DaemonState = 'starting' | 'draining' | 'idle' | 'paused' | 'stopping';

export interface Snapshot {
  readonly version: string;
  readonly pid: number;
  /** The unit's name in systemd: `halfpipe`, or `halfpipe@NAME`. */
  readonly unit: string;
  readonly state: DaemonState;
  /** Why the drain stands still; null if it does not. */
  readonly waitingFor: string | null;
  readonly uptimeMs: number;
  readonly backlog: BacklogView;
  /** Null while no link has been found. */
  readonly link: LinkView | null;
  readonly uploads: { readonly active: number; readonly limit: number };
  readonly totals: Totals;
}

export interface BacklogView {
  readonly files: number;
  readonly bytes: number;
  /** Null while there is no file. */
  readonly oldestAgeMs: number | null;
  readonly deferred: number;
  /** Files that were open for writing at their last attempt. */
  readonly written: number;
  /**
   * Why files wait, as far as the drain remembers: the most frequent reasons first, the rest
   * counted together.
   */
  readonly waiting: readonly WaitingView[];
  readonly quarantined: number;
  /** What lies in the spool and is never uploaded, one entry for each kind, as of the last scan. */
  readonly skipped: readonly SkippedView[];
  readonly arrivalFilesPerSec: number;
  readonly arrivalBytesPerSec: number;
  readonly drainFilesPerSec: number;
  readonly drainBytesPerSec: number;
  /** `never`: for minutes, more has arrived than was uploaded. */
  readonly forecast: 'empty' | 'finite' | 'never' | 'unknown';
  /** Milliseconds until the backlog is empty; null unless `forecast` is `finite` or `empty`. */
  readonly etaMs: number | null;
  /** True if the count is that of the last scan, because the spool is too deep to watch. */
  readonly scanning: boolean;
}

export interface WaitingView {
  /**
   * The code of the fault, for example `AccessDenied` or `EIO`; `other` for all further reasons
   * together.
   */
  readonly reason: string;
  readonly files: number;
  /** One of these files, or the folder that they are below. */
  readonly example: string;
  readonly isFolder: boolean;
  readonly message: string;
}

export interface SkippedView {
  /** The kind in words, for example `a folder that cannot be read or entered (EACCES)`. */
  readonly what: string;
  readonly remedy: string;
  readonly count: number;
  /** The path of one of them, below the spool. */
  readonly example: string;
}

export interface LinkView {
  readonly interface: string;
  readonly capacityBitsPerSec: number;
  readonly capacityFrom: UplinkIdentity['capacityFrom'];
  readonly targetBitsPerSec: number;
  readonly floorBitsPerSec: number;
  readonly totalBitsPerSec: number;
  readonly ownBitsPerSec: number;
  readonly crossBitsPerSec: number;
  readonly budgetBitsPerSec: number;
  /** True if others send so much that only the floor is left. */
  readonly floorEngaged: boolean;
  /** True if the link cannot be measured now. The budget is then at most half the target. */
  readonly degraded: boolean;
  /**
   * Set if the line, or the store, took less than the budget for a minute; null while it keeps up.
   */
  readonly slowLine: SlowLine | null;
}

/** Counts since the start of the process. */
export interface Totals {
  readonly uploadedFiles: number;
  readonly uploadedBytes: number;
  readonly alreadyThereFiles: number;
  readonly verifiedFiles: number;
  readonly deletedFiles: number;
  readonly multipartFiles: number;
  readonly retries: number;
  readonly quarantinedFiles: number;
}
