// What the backlog is made of and told: its surroundings as ports, so that tests and simulated
// worlds can stand for them.
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
  /** take() may have something to give. */
  readonly onWork: () => void;
  readonly onReport: (report: BacklogReport) => void;
  readonly onScanned?: (result: ScanResult, durationMs: number) => void;
  /** Where hints come from; absent: chokidar on real directories. */
  readonly watch?: WatcherFactory;
}
