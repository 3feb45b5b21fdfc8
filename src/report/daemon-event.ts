// All events of the daemon, as one union. Listeners (the log, the counters) receive every event and
// control nothing.
import type { BacklogEvent } from '../backlog/backlog-event.ts';
import type { ChangedKey } from '../config/changes.ts';
import type { ControlEvent } from '../control/control-event.ts';
import type { DrainEvent, SweepEvent } from '../drain/drain-event.ts';
import type { IngestEvent } from '../ingest/ingest-event.ts';
import type { LinkEvent } from '../link/link-event.ts';
import type { ManifestEvent } from '../manifest/manifest-event.ts';
import type { ObserveEvent } from '../observe/observe-event.ts';
import type { PaceView } from '../pace/governor.ts';
import type { ShaperActivity } from '../pace/shaper.ts';
import type { PacketEvent } from '../packets/packet-event.ts';
import type { SpoolEvent } from '../spool/spool-event.ts';
import type { SteeringEvent } from '../steer/steering-event.ts';
import type { StoreEvent } from '../store/s3/store-event.ts';
import type { Snapshot } from '../view/snapshot.ts';

export type DaemonEvent =
  | BacklogEvent
  | ControlEvent
  | DrainEvent
  | IngestEvent
  | LinkEvent
  | ObserveEvent
  | ManifestEvent
  | PacketEvent
  | SpoolEvent
  | SteeringEvent
  | StoreEvent
  | SweepEvent
  /** A reload was accepted. */
  | { readonly kind: 'reloaded'; readonly changed: readonly ChangedKey[] }
  | { readonly kind: 'reloadRefused'; readonly problem: string }
  /** At most ten times a second: what was sent since the last time. */
  | {
      readonly kind: 'activity';
      readonly activity: ShaperActivity;
      readonly elapsedMs: number;
      readonly pace: PaceView | undefined;
      /** How many files are being sent, and how many may be. */
      readonly uploads: { readonly active: number; readonly limit: number };
    }
  /** Every two seconds: the state of the daemon. */
  | { readonly kind: 'state'; readonly snapshot: Snapshot };

export type Listener = (event: DaemonEvent) => void;
