// What waits in the spool, how fast it comes and goes, and what will become of it, as part of a
// snapshot.

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
