// The state of the running daemon at one moment, for people and programs. The summary line,
// systemctl's status text, `halfpipe status` and `halfpipe top` all read it.

import type { UplinkIdentity } from '../link/uplink-identity.ts';
import type { SlowLine } from '../pace/slow-line.ts';
import type { Steered } from '../steer/steered.ts';
import type { FileView } from './file-list.ts';

export type DaemonState = 'starting' | 'draining' | 'idle' | 'paused' | 'stopping';

export interface Snapshot {
  /**
   * The version of this format. It grows when a field goes or changes its meaning; new fields do
   * not change it.
   */
  readonly format: 1;
  /** The version of halfpipe. */
  readonly version: string;
  /** When this snapshot was made, in milliseconds since the epoch. */
  readonly takenAtMs: number;
  /** The process id of the daemon. */
  readonly pid: number;
  /** The unit's name in systemd: `halfpipe`, or `halfpipe@NAME`. */
  readonly unit: string;
  /** The path of the spool. */
  readonly spool: string;
  /** `paused`: nothing is drained, whatever the reason. `starting`: no scan has ended yet. */
  readonly state: DaemonState;
  /** What is wrong, the worst first; empty while all is well. */
  readonly problems: readonly ProblemView[];
  /** Why the drain stands still; null if it does not. */
  readonly waitingFor: string | null;
  /** Milliseconds since the daemon was built. */
  readonly uptimeMs: number;
  /** Which share holds, and whether an operator has paused halfpipe. */
  readonly steering: Steered;
  /** What waits in the spool. */
  readonly backlog: BacklogView;
  /** Null while no link has been found. */
  readonly link: LinkView | null;
  /** What is under way. */
  readonly uploads: UploadsView;
  /** What was handled last. */
  readonly recent: RecentView;
  /** Counts since the start of the daemon. */
  readonly totals: Totals;
}

/**
 * `paused`: an operator has paused halfpipe. `store`, `link`, `spool`: the drain stands still
 * because of it. `unmeasured`: the link cannot be measured. `unsaved`: what was written to a file
 * during its removal cannot be put back. `deferred`: files wait for another attempt. `quarantine`:
 * files need a human. `skipped`: something lies in the spool and is never uploaded.
 * `falling-behind`: more arrives than leaves. `disk-full`: free space ends before the backlog does.
 * `slow-line`: the line or the store takes less than the budget. `floor`: others leave only the
 * floor. `reload`: the last reload was refused. `unwatched`: files are found by scans alone.
 * `unkept`: an order would not survive a restart.
 */
export type ProblemKind =
  | 'paused'
  | 'store'
  | 'link'
  | 'spool'
  | 'unsaved'
  | 'disk-full'
  | 'falling-behind'
  | 'quarantine'
  | 'deferred'
  | 'skipped'
  | 'unmeasured'
  | 'reload'
  | 'slow-line'
  | 'floor'
  | 'unwatched'
  | 'unkept';

export interface ProblemView {
  /** A fixed word; the list may grow. */
  readonly kind: ProblemKind;
  /** `degraded`: a promise is not kept, or files need a human. `notice`: it is good to know. */
  readonly severity: 'degraded' | 'notice';
  /** When it began, in milliseconds since the epoch. */
  readonly sinceAtMs: number;
  /** What is wrong, in one line. */
  readonly message: string;
  /** What to do about it, in one line; null if nothing has to be done. */
  readonly remedy: string | null;
  /**
   * When halfpipe tries again by itself, in milliseconds since the epoch; null if no time is set.
   */
  readonly nextTryAtMs: number | null;
  /** How many files it concerns; null if it is not about single files. */
  readonly files: number | null;
}

export interface UploadsView {
  /** Files that are being sent. */
  readonly active: number;
  /** How many may be sent at once. */
  readonly limit: number;
  /** At most 32 of the files that are read, sent or removed now, the oldest transfer first. */
  readonly files: readonly FileView[];
}

/** The last 10 of each since the start, the newest first. */
export interface RecentView {
  /** Files that were uploaded, or were in the bucket already. */
  readonly uploads: readonly FileView[];
  /** Failed attempts, and files that were put in the quarantine. */
  readonly failures: readonly FileView[];
}

export interface OldestView {
  /** Below the spool. */
  readonly path: string;
  /** Why it waits, if it has failed; else null. */
  readonly reason: string | null;
}

export interface BacklogView {
  /** All files in the spool that are not ignored. */
  readonly files: number;
  /** Their size. */
  readonly bytes: number;
  /** Milliseconds since the oldest of them was modified; null while there is no file. */
  readonly oldestAgeMs: number | null;
  /** The file of that age; null while there is no file, or its name is not known. */
  readonly oldest: OldestView | null;
  /** Files that wait for another attempt, alone or with their folder. */
  readonly deferred: number;
  /** Files that were open for writing at their last attempt. */
  readonly written: number;
  /**
   * Why files wait, as far as the drain remembers: the most frequent reasons first, the rest
   * counted together.
   */
  readonly waiting: readonly WaitingView[];
  /** Files in the quarantine, from this run and earlier ones. */
  readonly quarantined: number;
  /** What lies in the spool and is never uploaded, one entry for each kind, as of the last scan. */
  readonly skipped: readonly SkippedView[];
  /** Bytes that the service may still write to the spool's file system; null if unknown. */
  readonly freeBytes: number | null;
  /** How many files it still takes; null if unknown, or if it sets no limit. */
  readonly freeFiles: number | null;
  /** How fast files come and go. */
  readonly flow: FlowView;
  /** Whether the drain keeps up, and when the backlog is empty. */
  readonly forecast: ForecastView;
  /** True if the count is that of the last scan, because the spool is too deep to watch. */
  readonly countedByScan: boolean;
}

/**
 * How fast files come and go, on average. A window is null until it says more than the shorter one:
 * the minute for 2 s after the start, the 10 minutes for a minute, the hour for 10 minutes. Until
 * a window has passed, its average is that since the start.
 */
export interface FlowView {
  /** Over the last 60 s. */
  readonly lastMinute: FlowRatesView | null;
  /** Over the last 10 min. */
  readonly last10Minutes: FlowRatesView | null;
  /** Over the last 60 min. */
  readonly lastHour: FlowRatesView | null;
}

export interface FlowRatesView {
  /** Files that were found in the spool. */
  readonly arrivedFilesPerSec: number;
  /** Their bytes. */
  readonly arrivedBytesPerSec: number;
  /** Files that have left the spool: uploaded, verified and deleted, or put in the quarantine. */
  readonly drainedFilesPerSec: number;
  /** Their bytes, and those sent so far of files that are still on their way. */
  readonly drainedBytesPerSec: number;
}

export interface ForecastView {
  /**
   * `empty`: there is no file. `keeping-up`: about as much leaves as arrives, or has until a minute
   * ago if there is no file. `catching-up`: more
   * leaves than arrives. `falling-behind`: for minutes, more has arrived than left, and no change
   * of the share that is known ends that. `stalled`: files wait, and nothing leaves. `unknown`:
   * too little has been seen.
   */
  readonly verdict: 'empty' | 'keeping-up' | 'catching-up' | 'falling-behind' | 'stalled' | 'unknown';
  /**
   * When all that waits, and all that arrives meanwhile, will have left. Null while there is no
   * end, or none is known.
   */
  readonly eta: EtaView | null;
  /**
   * What the verdict compares: arrivals without bursts, and what leaves while there is work. Null
   * while they are unknown.
   */
  readonly basis: FlowRatesView | null;
  /**
   * The least share of the capacity at which as much leaves as arrives; above 1, no share is
   * enough. Null unless `verdict` is `falling-behind` and the share is what limits the drain.
   */
  readonly shareToHold: number | null;
  /**
   * Milliseconds until the spool's file system is full. Null if that is more than two days away
   * (three, once it was told), or does not happen before the backlog is empty, or is not known.
   */
  readonly diskFullMs: number | null;
}

/** The end lies between both moments. */
export interface EtaView {
  /** Milliseconds from now. */
  readonly lowMs: number;
  /** Null if it may also take for ever. */
  readonly highMs: number | null;
  /** The same by the wall clock, in milliseconds since the epoch. */
  readonly lowAtMs: number;
  /** Null if it may also take for ever. */
  readonly highAtMs: number | null;
}

export interface WaitingView {
  /**
   * The code of the fault, for example `AccessDenied` or `EIO`; `other` for all further reasons
   * together.
   */
  readonly reason: string;
  /** How many files wait for this reason. */
  readonly files: number;
  /** One of these files, or the folder that they are below. */
  readonly example: string;
  /** True if `example` is a folder whose files wait together. */
  readonly isFolder: boolean;
  /** What is wrong and what to do, in one line. */
  readonly message: string;
}

export interface SkippedView {
  /** One of a dozen words, for programs. */
  readonly kind: string;
  /** The kind in words, for example `a folder that cannot be read or entered (EACCES)`. */
  readonly what: string;
  /** What to do about it, in one line. */
  readonly remedy: string;
  /** How many of this kind the last scan found. */
  readonly count: number;
  /** The path of one of them, below the spool. */
  readonly example: string;
  /** True if files may be waiting behind it. */
  readonly hidesFiles: boolean;
}

export interface LinkView {
  /** The name of the network interface. */
  readonly interface: string;
  /** What the link can send. */
  readonly capacityBitsPerSec: number;
  /** Where that figure comes from. */
  readonly capacityFrom: UplinkIdentity['capacityFrom'];
  /** The share of the capacity that all traffic together may use. */
  readonly targetBitsPerSec: number;
  /** What halfpipe may always send. */
  readonly floorBitsPerSec: number;
  /** What the interface sends, all traffic together. */
  readonly totalBitsPerSec: number;
  /** What of it halfpipe sends. */
  readonly ownBitsPerSec: number;
  /** What of it others send. */
  readonly crossBitsPerSec: number;
  /** What halfpipe may send now. */
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

/** Counts since the start of the daemon. */
export interface Totals {
  /** Files whose bytes were sent and stored. */
  readonly uploadedFiles: number;
  /** Their size. */
  readonly uploadedBytes: number;
  /** Files of which the bucket held the same bytes already. */
  readonly alreadyThereFiles: number;
  /** Files of which the store has proved to hold the bytes. */
  readonly verifiedFiles: number;
  /** Files that were removed from the spool after that. */
  readonly deletedFiles: number;
  /** Files that were sent in parts. */
  readonly multipartFiles: number;
  /** Failed attempts after which a file was deferred. */
  readonly retries: number;
  /** Files that were put in the quarantine. */
  readonly quarantinedFiles: number;
}
