// The metrics of what waits, how fast it comes and goes, and when it will be done.
import type { FlowRatesView } from '../view/backlog-view.ts';
import { each, gauge, type MetricRow, state } from './metric-row.ts';

const VERDICTS = ['empty', 'keeping-up', 'catching-up', 'falling-behind', 'stalled', 'unknown'] as const;

const BACKLOG: readonly MetricRow[] = [
  gauge('halfpipe_backlog_files', 'backlog.files', 'Files that wait.'),
  gauge('halfpipe_backlog_bytes', 'backlog.bytes', 'Size of the files that wait.'),
  gauge(
    'halfpipe_backlog_oldest_age_seconds',
    'backlog.oldestAgeMs',
    'Age of the oldest file that waits. Absent while none waits.',
  ),
  gauge(
    'halfpipe_backlog_deferred_files',
    'backlog.deferred',
    'Files that have failed and wait for another attempt.',
  ),
  gauge(
    'halfpipe_backlog_open_files',
    'backlog.written',
    'Files that were open for writing at their last attempt.',
  ),
  gauge(
    'halfpipe_backlog_counted_by_scan',
    'backlog.countedByScan',
    '1 if the backlog is as of the last scan, because the spool is too deep to watch.',
  ),
  gauge('halfpipe_quarantine_files', 'backlog.quarantined', 'Files in quarantine, which need a human.'),
  each(
    'halfpipe_skipped_entries',
    'kind',
    'backlog.skipped[].count',
    'What lies in the spool and is never uploaded, by kind, as of the last scan.',
    ({ backlog }) => sums(backlog.skipped.map(({ kind, count }) => [kind, count])),
  ),
  gauge(
    'halfpipe_spool_free_bytes',
    'backlog.freeBytes',
    "What the service may still write to the spool's file system. Absent if unknown.",
  ),
  gauge(
    'halfpipe_spool_free_files',
    'backlog.freeFiles',
    "How many files the spool's file system still takes. Absent if unknown, or if it sets no limit.",
  ),
];

const FLOW: readonly MetricRow[] = [
  flow('halfpipe_arrived_files_per_second', 'arrivedFilesPerSec', 'Files that arrive'),
  flow('halfpipe_arrived_bytes_per_second', 'arrivedBytesPerSec', 'Bytes that arrive'),
  flow('halfpipe_drained_files_per_second', 'drainedFilesPerSec', 'Files that leave'),
  flow('halfpipe_drained_bytes_per_second', 'drainedBytesPerSec', 'Bytes that leave'),
  state(
    'halfpipe_forecast_verdict',
    'backlog.forecast.verdict',
    '1 for the present verdict, 0 for the others.',
    VERDICTS,
    (s) => s.backlog.forecast.verdict,
  ),
  each(
    'halfpipe_forecast_eta_seconds',
    'bound',
    'backlog.forecast.eta.*Ms',
    'Time until the backlog is empty: at least (low) and at most (high). Absent while it is unknown.',
    ({ backlog: { forecast } }) => ({ low: forecast.eta?.lowMs, high: forecast.eta?.highMs }),
  ),
  gauge(
    'halfpipe_forecast_share_to_hold_ratio',
    'backlog.forecast.shareToHold',
    'The least link.share at which as much leaves as arrives. Absent unless the drain falls behind.',
  ),
  gauge(
    'halfpipe_forecast_disk_full_seconds',
    'backlog.forecast.diskFullMs',
    "Time until the spool's file system is full. Absent if the backlog is empty before that.",
  ),
];

export const BACKLOG_METRICS: readonly MetricRow[] = [...BACKLOG, ...FLOW];

/** One series for each window. */
function flow(name: string, field: keyof FlowRatesView, what: string): MetricRow {
  const help = `${what}, on average over the window.`;
  return each(name, 'window', `backlog.flow.*.${field}`, help, ({ backlog: { flow } }) => ({
    '1m': flow.lastMinute?.[field],
    '10m': flow.last10Minutes?.[field],
    '1h': flow.lastHour?.[field],
  }));
}

function sums(counts: readonly (readonly [word: string, count: number])[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [word, count] of counts) found[word] = (found[word] ?? 0) + count;
  return found;
}
