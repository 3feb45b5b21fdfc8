// The backlog's collaborators, as ports, so that tests and simulations can replace them.
import type { Clock } from '../system/clock.ts';
import type { BacklogLimits } from './backlog-limits.ts';
import type { ScanLoopParts, ScanOptions, ScanReport } from './scan-loop.ts';
import type { ScanResult } from './scanner.ts';
import type { WatcherFactory } from './watch-when-shallow.ts';

export type BacklogOptions = ScanOptions;
export type BacklogReport = ScanReport;

export interface BacklogParts {
  readonly spool: ScanLoopParts['spool'];
  readonly clock: Clock;
  readonly options: BacklogOptions;
  readonly limits?: BacklogLimits;
  /** Called when take() may have an entry. */
  readonly onWork: () => void;
  readonly onReport: (report: BacklogReport) => void;
  readonly onScanned?: (result: ScanResult, durationMs: number) => void;
  /** Makes the source of hints [chokidar on real directories]. */
  readonly watch?: WatcherFactory;
}
