// How much is in the spool, between scans too, and how much has arrived: what a scan counts beyond
// what was known. Pure. Files removed while a scan runs are counted once or not at all, never
// twice.
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
  /** Wall clock; null when there is none. */
  readonly oldestModifiedMs: number | null;
  readonly inFlight: number;
  /** Those that wait by themselves, and those that wait with their folder. */
  readonly deferred: number;
  /** Found open for writing when they were last looked at; not among the deferred. */
  readonly written: number;
  /** As of the last scan. */
  readonly unsettled: number;
  /** Since the start, without what the first scan found; they only grow. */
  readonly arrivedFiles: number;
  readonly arrivedBytes: number;
  /** A scan has succeeded since the start. */
  readonly known: boolean;
  readonly watching: boolean;
  /** Too much to watch: counts are of the last scan, corrected by what was removed since. */
  readonly deep: boolean;
  /** What lies in the spool and is never drained, as of the last scan. */
  readonly skipped: readonly SkippedCount[];
  /** Why the last scan failed, and nothing is handed out; or what the running one waits for. */
  readonly fault: Fault | null;
}

export class BacklogCount {
  files = 0;
  bytes = 0;
  unsettled = 0;
  /**
   * Since the start, without what the first scan found. Net of files that others removed between
   * two scans.
   */
  arrivedFiles = 0;
  arrivedBytes = 0;
  #scans = 0;
  /** While a scan runs: files it has counted that may be removed before it ends. */
  #seen: Set<string> | undefined;
  #goneAfterSeen = { files: 0, bytes: 0 };

  /** At least one scan has told what is there. */
  get known(): boolean {
    return this.#scans > 0;
  }

  scanBegan(): void {
    this.#seen = new Set();
    this.#goneAfterSeen = { files: 0, bytes: 0 };
  }

  /** The running scan counts a file that is at hand, in flight or deferred. */
  saw(id: string): void {
    this.#seen?.add(id);
  }

  removed(id: string, sizeBytes: number): void {
    this.files = Math.max(0, this.files - 1);
    this.bytes = Math.max(0, this.bytes - sizeBytes);
    if (this.#seen?.delete(id) !== true) return;
    this.#goneAfterSeen.files++;
    this.#goneAfterSeen.bytes += sizeBytes;
  }

  scanEnded(result: ScanResult): void {
    const files = Math.max(0, result.files - this.#goneAfterSeen.files);
    const bytes = Math.max(0, result.bytes - this.#goneAfterSeen.bytes);
    if (this.#scans > 0) {
      this.arrivedFiles += Math.max(0, files - this.files);
      this.arrivedBytes += Math.max(0, bytes - this.bytes);
    }
    this.#scans++;
    this.files = files;
    this.bytes = bytes;
    this.unsettled = result.unsettled;
    this.#seen = undefined;
  }

  scanFailed(): void {
    this.#seen = undefined;
  }
}
