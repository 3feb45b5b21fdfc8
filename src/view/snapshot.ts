// Everything a person or a program may want to know about the running daemon, at one moment. The
// summary line, systemctl's status text, `halfpipe status`, `halfpipe top` and the metrics all read
// this.
import type { UplinkIdentity } from '../link/link-finder.ts';
import type { SlowLine } from '../pace/slow-line.ts';

export type DaemonState = 'starting' | 'draining' | 'idle' | 'paused' | 'stopping';

export interface Snapshot {
  readonly version: string;
  readonly pid: number;
  /** The unit's name in systemd: `halfpipe`, or `halfpipe@NAME`. */
  readonly unit: string;
  readonly state: DaemonState;
  /** Why the drain stands still, when it does. */
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
  readonly oldestAgeMs: number | null;
  readonly deferred: number;
  /** Open for writing when last looked at. */
  readonly written: number;
  /**
   * Why files wait, as far as the drain remembers: the most frequent reasons first, the others
   * counted together.
   */
  readonly waiting: readonly WaitingView[];
  readonly quarantined: number;
  /** What lies in the spool and is never uploaded, a kind each, as of the last scan. */
  readonly skipped: readonly SkippedView[];
  readonly arrivalFilesPerSec: number;
  readonly arrivalBytesPerSec: number;
  readonly drainFilesPerSec: number;
  readonly drainBytesPerSec: number;
  /** `never`: for minutes more has arrived than left. */
  readonly forecast: 'empty' | 'finite' | 'never' | 'unknown';
  /** Milliseconds until empty, when `forecast` is `finite`. */
  readonly etaMs: number | null;
  /** True while the count is of the last scan of a spool too deep to watch. */
  readonly scanning: boolean;
}

export interface WaitingView {
  /**
   * The code of the fault, such as `AccessDenied` or `EIO`; `other` for all that are not told
   * apart.
   */
  readonly reason: string;
  readonly files: number;
  /** One of these files, or the folder they are below. */
  readonly example: string;
  readonly isFolder: boolean;
  readonly message: string;
}

export interface SkippedView {
  /** The kind in words, such as `a folder that cannot be read or entered (EACCES)`. */
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
  /** Others take so much that only the floor is left. */
  readonly floorEngaged: boolean;
  /** The link cannot be measured just now; the budget is at most half the target. */
  readonly degraded: boolean;
  /**
   * The line, or the store, has taken less than the budget for a minute; null while it keeps up.
   */
  readonly slowLine: SlowLine | null;
}

/** Since the start of the process. */
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
