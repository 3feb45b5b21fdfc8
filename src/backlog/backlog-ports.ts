// The backlog's collaborators, as ports, so that tests and simulations can replace them.
import type { Clock } from '../system/clock.ts';
import type { BacklogBounds } from './backlog-bounds.ts';
import type { BacklogEvent } from './backlog-event.ts';
import type { ScanLoopPorts, ScanOptions } from './scan-loop.ts';
import type { WatcherFactory } from './watch-when-shallow.ts';

export interface BacklogOptions extends ScanOptions {
  /** How many waiting files the index holds, ≥ 1; see FileIndex. */
  readonly maxIndexed: number;
}

export interface BacklogPorts {
  readonly spool: ScanLoopPorts['spool'];
  readonly clock: Clock;
  readonly options: BacklogOptions;
  readonly bounds?: BacklogBounds;
  /** Called when take() may have an entry. */
  readonly onWork: () => void;
  /** The spool is no longer at its path. */
  readonly onGone?: () => void;
  readonly onEvent: (event: BacklogEvent) => void;
  /** Makes the source of hints [chokidar on real directories]. */
  readonly watch?: WatcherFactory;
}
