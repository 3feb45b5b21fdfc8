// Every metric, and which field of the snapshot it shows. The table of config/OPERATING.md follows
// from this one.
import { isHealthy } from '../view/health-text.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { BACKLOG_METRICS } from './backlog-metrics.ts';
import { INGEST_METRICS } from './ingest-metrics.ts';
import { LINK_METRICS } from './link-metrics.ts';
import { counter, each, gauge, info, type MetricRow, state } from './metric-row.ts';
import { PROBLEM_METRICS } from './problem-metrics.ts';

const STATES = ['starting', 'draining', 'idle', 'paused', 'stopping'] as const;

/** Shown as 0 by `halfpipe metrics` when no daemon answers. */
export const UP: MetricRow = gauge(
  'halfpipe_up',
  'pid',
  '1 while the daemon answers. halfpipe metrics prints 0 if it does not.',
  () => 1,
);

const DAEMON: readonly MetricRow[] = [
  UP,
  info(
    'halfpipe_build_info',
    'version',
    'The version of halfpipe. Always 1.',
    ['version'],
    ({ version }) => ({
      version,
    }),
  ),
  gauge(
    'halfpipe_healthy',
    'problems',
    '1 while no problem is worse than a notice, as /healthz; else 0.',
    isHealthy,
  ),
  state('halfpipe_state', 'state', '1 for the present state, 0 for the others.', STATES, (s) => s.state),
  gauge(
    'halfpipe_snapshot_timestamp_seconds',
    'takenAtMs',
    'When these figures were taken, in seconds since 1970.',
  ),
  gauge('halfpipe_uptime_seconds', 'uptimeMs', 'Time since the start of the daemon.'),
  gauge('halfpipe_uploads_active', 'uploads.active', 'Uploads in flight.'),
  gauge('halfpipe_uploads_limit', 'uploads.limit', 'The most uploads at once.'),
];

const STEERING: readonly MetricRow[] = [
  gauge(
    'halfpipe_paused_by_operator',
    'steering.paused',
    '1 while an operator has paused the drain.',
    (s) => s.steering.paused !== null,
  ),
  gauge(
    'halfpipe_pause_end_timestamp_seconds',
    'steering.paused.untilMs',
    'When the pause ends by itself, in seconds since 1970. Absent if it does not.',
  ),
  each(
    'halfpipe_share_ratio',
    'from',
    'steering.share',
    'The share of the capacity that is in force, and what has set it: command, timetable or config.',
    ({ steering: { share, shareFrom } }) => ({ [shareFrom]: share }),
  ),
  gauge(
    'halfpipe_share_end_timestamp_seconds',
    'steering.shareUntilMs',
    'When another share begins, in seconds since 1970. Absent if that is not known.',
  ),
];

const TOTALS: readonly MetricRow[] = [
  total('halfpipe_uploaded_files_total', 'uploadedFiles', 'Files that were stored.'),
  total('halfpipe_uploaded_bytes_total', 'uploadedBytes', 'Size of the files that were stored.'),
  total(
    'halfpipe_already_there_files_total',
    'alreadyThereFiles',
    'Files whose bytes the store already had under their key.',
  ),
  total('halfpipe_verified_files_total', 'verifiedFiles', 'Files that the store provably holds.'),
  total('halfpipe_deleted_files_total', 'deletedFiles', 'Files that were removed from the spool.'),
  total(
    'halfpipe_multipart_files_total',
    'multipartFiles',
    'Files, and packets of files, that were sent in parts.',
  ),
  total('halfpipe_uploaded_packets_total', 'uploadedPackets', 'Packets that were stored.'),
  total('halfpipe_packed_files_total', 'packedFiles', 'The uploaded files that went up in packets.'),
  total(
    'halfpipe_repeated_files_total',
    'repeatedFiles',
    'Files that were sent again after they may have been stored with a packet.',
  ),
  total('halfpipe_retries_total', 'retries', 'Failed attempts after which a file was deferred.'),
  total('halfpipe_quarantined_files_total', 'quarantinedFiles', 'Files that were put into quarantine.'),
];

const PACKETS: readonly MetricRow[] = [
  gauge('halfpipe_gathered_files', 'packets.gatheredFiles', 'Files that wait for company in a packet.'),
  gauge('halfpipe_gathered_bytes', 'packets.gatheredBytes', 'Size of the files that wait for company.'),
  gauge(
    'halfpipe_complete_packets',
    'packets.completePackets',
    'Packets that are complete on the disk, and are sent or wait for it.',
  ),
  gauge('halfpipe_complete_packets_files', 'packets.completeFiles', 'Files in these packets.'),
];

export const METRICS: readonly MetricRow[] = [
  ...DAEMON,
  ...PROBLEM_METRICS,
  ...STEERING,
  ...BACKLOG_METRICS,
  ...PACKETS,
  ...LINK_METRICS,
  ...INGEST_METRICS,
  ...TOTALS,
];

function total(name: string, field: keyof Snapshot['totals'], help: string): MetricRow {
  return counter(name, `totals.${field}`, help);
}
