// The events of the backlog.
import type { Fault } from '../system/fault.ts';
import type { OddityReport } from './oddity-reports.ts';
import type { ScanResult } from './scanner.ts';

export type BacklogEvent =
  | OddityReport
  /** A scan has succeeded. */
  | { readonly kind: 'scanned'; readonly result: ScanResult; readonly durationMs: number }
  /**
   * Sent once for each failure; scans go on. Its code is `spool-gone` when the spool is no longer
   * at its path.
   */
  | { readonly kind: 'scanFailed'; readonly fault: Fault }
  | { readonly kind: 'scanRecovered' }
  /** Sent once. Scans run in the main thread. */
  | { readonly kind: 'scanThreadUnavailable'; readonly code: string }
  /** The system has no watches left. Files are found by scanning, up to `rescan` later. */
  | { readonly kind: 'watchUnavailable'; readonly code: string };
