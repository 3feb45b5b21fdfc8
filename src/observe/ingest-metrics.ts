// The metrics of what arrives over HTTP; absent while ingest is off. The names of tokens are no
// labels: their number has no bound, and the log names the token of each file.
import type { AcceptedView, IngestView } from '../view/ingest-view.ts';
import { counter, each, gauge, type MetricRow } from './metric-row.ts';

export const INGEST_METRICS: readonly MetricRow[] = [
  gauge(
    'halfpipe_ingest_up',
    'ingest.isUp',
    '1 while files are received over HTTP, 0 after a breakdown. Absent while ingest.listen is off.',
  ),
  counter(
    'halfpipe_ingest_breakdowns_total',
    'ingest.breakdowns',
    'How often receiving files over HTTP has broken down. It is started again by itself.',
  ),
  accepted('halfpipe_ingest_accepted_files_total', 'files', 'Files that were accepted over HTTP.'),
  accepted(
    'halfpipe_ingest_accepted_bytes_total',
    'bytes',
    'Size of the files that were accepted over HTTP.',
  ),
  {
    ...each(
      'halfpipe_ingest_refused_total',
      'problem',
      'ingest.refused.*',
      'Requests that were refused, by the type of the problem that was answered.',
      ({ ingest }) => ingest?.refused ?? {},
    ),
    type: 'counter',
  },
  counter(
    'halfpipe_ingest_received_bytes_total',
    'ingest.receivedBytes',
    'Bytes of content that were received, whether the file was accepted or not.',
  ),
  gauge('halfpipe_ingest_receiving', 'ingest.receiving', 'Uploads whose content is being received.'),
  gauge(
    'halfpipe_ingest_waiting_for_disk',
    'ingest.waitingSync',
    'Uploads that are received, and wait until the disk has them.',
  ),
  gauge('halfpipe_ingest_connections', 'ingest.connections', 'Connections of clients.'),
  gauge(
    'halfpipe_ingest_last_accepted_timestamp_seconds',
    'ingest.lastAcceptedAtMs',
    'When a file was accepted last, in seconds since 1970. Absent if none was.',
  ),
  gauge(
    'halfpipe_ingest_asks_to_wait',
    'ingest.asksToWait',
    '1 if producers were asked to wait (429) in the last minute.',
    ({ ingest }) => (ingest ? ingest.asksToWait !== null : undefined),
  ),
];

/** A counter for each outcome. */
function accepted(name: string, field: keyof AcceptedView, help: string): MetricRow {
  const read = (ingest: IngestView) =>
    Object.fromEntries(Object.entries(ingest.accepted).map(([outcome, counts]) => [outcome, counts[field]]));
  return {
    ...each(name, 'outcome', `ingest.accepted.*.${field}`, help, ({ ingest }) =>
      ingest ? read(ingest) : {},
    ),
    type: 'counter',
  };
}
