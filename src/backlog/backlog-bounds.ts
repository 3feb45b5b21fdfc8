// Bounds on what the backlog holds in memory, however large the spool is.
import type { WatchBounds } from './watch-when-shallow.ts';

/** Bounds on memory. Defaults in brackets. */
export interface BacklogBounds {
  /** Files that wait in the index, instead of `maxIndexed`. */
  readonly indexed?: number;
  /**
   * Entries deferred [10,000]. Beyond this, the entry due last is skipped by scans until all others
   * have been tried.
   */
  readonly deferred?: number;
  /** The largest spool that is watched [2,000 files, 200 folders]. */
  readonly watch?: WatchBounds;
}

export const DEFERRED_MAX = 10_000;
