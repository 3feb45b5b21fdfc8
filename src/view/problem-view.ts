// What is wrong, as part of a snapshot.

/**
 * `paused`: an operator has paused halfpipe. `store`, `link`, `spool`: the drain stands still
 * because of it. `unmeasured`: the link cannot be measured. `unsaved`: what was written to a file
 * during its removal cannot be put back. `deferred`: files wait for another attempt. `quarantine`:
 * files need a human. `skipped`: something lies in the spool and is never uploaded.
 * `falling-behind`: more arrives than leaves. `disk-full`: free space ends before the backlog does.
 * `slow-line`: the line or the store takes less than the budget. `floor`: others leave only the
 * floor. `reload`: the last reload was refused. `unwatched`: files are found by scans alone.
 * `unkept`: an order would not survive a restart. `observe`: metrics and page are not served as
 * configured. `packing`: files are sent by themselves, because no packet can be written or the
 * store refuses packets. Files that are sent over HTTP are refused: `ingest` because of a failure,
 * `ingest-tokens` because tokens cannot be checked, `ingest-disk` because the disk has too little
 * space; `ingest-waits`: producers are asked to wait.
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
  | 'unkept'
  | 'observe'
  | 'packing'
  | 'ingest'
  | 'ingest-tokens'
  | 'ingest-disk'
  | 'ingest-waits';

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
