// The state of the running daemon at one moment, for people and programs. The summary line,
// systemctl's status text, `halfpipe status` and `halfpipe top` all read it.

import type { UplinkIdentity } from '../link/uplink-identity.ts';
import type { SlowLine } from '../pace/slow-line.ts';
import type { Steered } from '../steer/steered.ts';
import type { BacklogView } from './backlog-view.ts';
import type { FileView } from './file-list.ts';
import type { IngestView } from './ingest-view.ts';
import type { PacketsView } from './packets-view.ts';
import type { ProblemView } from './problem-view.ts';

export type DaemonState = 'starting' | 'draining' | 'idle' | 'paused' | 'stopping';

export interface Snapshot {
  /**
   * The version of this format. It grows when a field goes or changes its meaning; new fields do
   * not change it.
   */
  readonly format: 1;
  /** The version of halfpipe. */
  readonly version: string;
  /** When this snapshot was made, in milliseconds since the epoch. */
  readonly takenAtMs: number;
  /** The process id of the daemon. */
  readonly pid: number;
  /** The unit's name in systemd: `halfpipe`, or `halfpipe@NAME`. */
  readonly unit: string;
  /** The path of the spool. */
  readonly spool: string;
  /** `paused`: nothing is drained, whatever the reason. `starting`: no scan has ended yet. */
  readonly state: DaemonState;
  /** What is wrong, the worst first; empty while all is well. */
  readonly problems: readonly ProblemView[];
  /** Why the drain stands still; null if it does not. */
  readonly waitingFor: string | null;
  /** Milliseconds since the daemon was built. */
  readonly uptimeMs: number;
  /** Which share holds, and whether an operator has paused halfpipe. */
  readonly steering: Steered;
  /** What waits in the spool. */
  readonly backlog: BacklogView;
  /** Null while no link has been found. */
  readonly link: LinkView | null;
  /** What is under way. */
  readonly uploads: UploadsView;
  /** What was handled last. */
  readonly recent: RecentView;
  /** What is on its way in packets; null while `packets.enabled` is false and none is left. */
  readonly packets: PacketsView | null;
  /** What arrives over HTTP; null while `ingest.listen` is off. */
  readonly ingest: IngestView | null;
  /** Counts since the start of the daemon. */
  readonly totals: Totals;
}

export interface UploadsView {
  /** Files that are being sent. */
  readonly active: number;
  /** How many may be sent at once. */
  readonly limit: number;
  /** At most 32 of the files that are read, sent or removed now, the oldest transfer first. */
  readonly files: readonly FileView[];
}

/** The last 10 of each since the start, the newest first. */
export interface RecentView {
  /** Files that were uploaded, or were in the bucket already. */
  readonly uploads: readonly FileView[];
  /** Failed attempts, and files that were put in the quarantine. */
  readonly failures: readonly FileView[];
}

export interface LinkView {
  /** The name of the network interface. */
  readonly interface: string;
  /** What the link can send. */
  readonly capacityBitsPerSec: number;
  /** Where that figure comes from. */
  readonly capacityFrom: UplinkIdentity['capacityFrom'];
  /** The share of the capacity that all traffic together may use. */
  readonly targetBitsPerSec: number;
  /** What halfpipe may always send. */
  readonly floorBitsPerSec: number;
  /** What the interface sends, all traffic together. */
  readonly totalBitsPerSec: number;
  /** What of it halfpipe sends. */
  readonly ownBitsPerSec: number;
  /** What of it others send. */
  readonly crossBitsPerSec: number;
  /** What halfpipe may send now. */
  readonly budgetBitsPerSec: number;
  /** True if others send so much that only the floor is left. */
  readonly floorEngaged: boolean;
  /** True if the link cannot be measured now. The budget is then at most half the target. */
  readonly degraded: boolean;
  /**
   * Set if the line, or the store, took less than the budget for a minute; null while it keeps up.
   */
  readonly slowLine: SlowLine | null;
}

/** Counts since the start of the daemon. */
export interface Totals {
  /** Files whose bytes were sent and stored. */
  readonly uploadedFiles: number;
  /** Their size. */
  readonly uploadedBytes: number;
  /** Files of which the bucket held the same bytes already. */
  readonly alreadyThereFiles: number;
  /** Files of which the store has proved to hold the bytes. */
  readonly verifiedFiles: number;
  /** Files that were removed from the spool after that. */
  readonly deletedFiles: number;
  /** Files, and packets of files, that were sent in parts. */
  readonly multipartFiles: number;
  /** Packets that were sent and stored. */
  readonly uploadedPackets: number;
  /** The uploaded files that went up in packets. */
  readonly packedFiles: number;
  /** Files that were sent again after they may have been stored with a packet. */
  readonly repeatedFiles: number;
  /** Failed attempts after which a file was deferred. */
  readonly retries: number;
  /** Files that were put in the quarantine. */
  readonly quarantinedFiles: number;
}
