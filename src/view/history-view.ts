// What has happened in the last 24 hours, as the daemon tells it to graphs.

/**
 * One point for each step of equal length, the oldest first. All lists are equally long. Null where
 * nothing was measured.
 */
export interface HistoryView {
  /** 1,000 for the last 10 minutes, 10,000 for the last two hours, 60,000 for the last 24. */
  readonly stepMs: number;
  /** When the first step began, in milliseconds since the epoch, by the present wall clock. */
  readonly fromAtMs: number;
  readonly series: Readonly<Record<HistorySeries, readonly (number | null)[]>>;
}

export type HistorySeries = keyof HistorySample;

/** What a step tells. */
export interface HistorySample {
  /** Means over the step, in bits a second, of what the link carried in all, ours and others'. */
  readonly totalBitsPerSec: number;
  readonly ownBitsPerSec: number;
  readonly crossBitsPerSec: number;
  /** At the end of the step, in bits a second. */
  readonly targetBitsPerSec: number;
  readonly capacityBitsPerSec: number;
  /** The backlog at the end of the step. */
  readonly files: number;
  readonly bytes: number;
  /** What has arrived and left within the step: files, and bytes. */
  readonly arrivedFiles: number;
  readonly arrivedBytes: number;
  readonly drainedFiles: number;
  readonly drainedBytes: number;
}
