// Counts what is in the spool and what has arrived.
import type { SpoolPath } from '../spool/entry.ts';
import type { Fault } from '../system/fault.ts';
import type { SkippedCount } from './oddity.ts';
import type { ScanResult } from './scanner.ts';

export interface BacklogCounts {
  /**
   * All files in the spool that are not ignored: at hand, in flight, deferred, unsettled, or only
   * counted.
   */
  readonly files: number;
  readonly bytes: number;
  /** Wall clock, milliseconds since the epoch. Null when there is no file. */
  readonly oldestModifiedAtMs: number | null;
  /** The file that was modified then, as far as it is known. */
  readonly oldestPath: SpoolPath | null;
  readonly inFlight: number;
  /** The size of the files in flight. */
  readonly inFlightBytes: number;
  /** Files deferred one by one, and files of held folders. */
  readonly deferred: number;
  /** Files found open for writing at their last attempt. They are not part of `deferred`. */
  readonly written: number;
  /** Counted by the last scan. */
  readonly unsettled: number;
  /** Since the start, without what the first scan found. These figures only grow. */
  readonly arrivedFiles: number;
  readonly arrivedBytes: number;
  /** Files that were in the backlog and have left the spool since the start. */
  readonly removedFiles: number;
  readonly removedBytes: number;
  /** How many scans have succeeded since the start. */
  readonly scans: number;
  /** True once a scan has succeeded since the start. */
  readonly known: boolean;
  readonly watching: boolean;
  /**
   * True if the spool is too large to watch. Then the counts are those of the last scan, minus what
   * was removed since.
   */
  readonly deep: boolean;
  /** What lies in the spool and is never drained, as of the last scan. */
  readonly skipped: readonly SkippedCount[];
  /** Why the last scan failed and nothing is handed out, or what the running scan waits for. */
  readonly fault: Fault | null;
}

/**
 * Keeps the counts right between scans: each scan sets them, and each removal reduces them.
 * Arrivals are what a scan counts beyond what was known. Deterministic. A file that is removed
 * while a scan runs is counted once or not at all, never twice.
 */
export class BacklogCount {
  files = 0;
  bytes = 0;
  unsettled = 0;
  /**
   * Since the start, without what the first scan found. Files that other programs removed between
   * two scans reduce it.
   */
  arrivedFiles = 0;
  arrivedBytes = 0;
  removedFiles = 0;
  removedBytes = 0;
  /** Those that have succeeded. */
  scans = 0;
  /** Files that the running scan has counted and that were removed since. */
  #goneInScan = { files: 0, bytes: 0 };

  /** True once a scan has succeeded. */
  get known(): boolean {
    return this.scans > 0;
  }

  scanBegan(): void {
    this.#goneInScan = { files: 0, bytes: 0 };
  }

  /** `isCounted`: a running scan has counted the file. */
  removed(sizeBytes: number, isCounted: boolean): void {
    this.files = Math.max(0, this.files - 1);
    this.bytes = Math.max(0, this.bytes - sizeBytes);
    this.removedFiles += 1;
    this.removedBytes += sizeBytes;
    if (!isCounted) return;
    this.#goneInScan.files += 1;
    this.#goneInScan.bytes += sizeBytes;
  }

  scanEnded(result: ScanResult): void {
    const files = Math.max(0, result.files - this.#goneInScan.files);
    const bytes = Math.max(0, result.bytes - this.#goneInScan.bytes);
    if (this.scans > 0) {
      this.arrivedFiles += Math.max(0, files - this.files);
      this.arrivedBytes += Math.max(0, bytes - this.bytes);
    }
    this.scans += 1;
    this.files = files;
    this.bytes = bytes;
    this.unsettled = result.unsettled;
  }
}
