// The metrics of what is wrong. Each kind is there before it happens, as 0, so that an alert can
// see it begin.

import type { ProblemKind } from '../view/problem-view.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { each, type MetricRow, type Sample } from './metric-row.ts';

/** A record, so that the compiler holds it complete. */
const KINDS: Readonly<Record<ProblemKind, true>> = {
  paused: true,
  store: true,
  link: true,
  spool: true,
  unsaved: true,
  'disk-full': true,
  'falling-behind': true,
  quarantine: true,
  deferred: true,
  skipped: true,
  unmeasured: true,
  reload: true,
  'slow-line': true,
  floor: true,
  unwatched: true,
  unkept: true,
  observe: true,
  packing: true,
  ingest: true,
  'ingest-tokens': true,
  'ingest-disk': true,
  'ingest-waits': true,
};
const SEVERITIES = ['degraded', 'notice'] as const;

export const PROBLEM_METRICS: readonly MetricRow[] = [
  {
    name: 'halfpipe_problems',
    type: 'gauge',
    help: 'How many problems of this kind there are. degraded: a promise is not kept, or a human is needed.',
    labels: ['kind', 'severity'],
    field: 'problems[].kind',
    samples: countByKind,
  },
  each(
    'halfpipe_problem_since_timestamp_seconds',
    'kind',
    'problems[].sinceAtMs',
    'When the problem began, in seconds since 1970. Absent while there is none of this kind.',
    ({ problems }) => {
      const since: Record<string, number> = {};
      for (const { kind, sinceAtMs } of problems) since[kind] = Math.min(since[kind] ?? sinceAtMs, sinceAtMs);
      return since;
    },
  ),
];

function countByKind({ problems }: Snapshot): readonly Sample[] {
  return Object.keys(KINDS).flatMap((kind) =>
    SEVERITIES.map((severity) => ({
      labels: { kind, severity },
      value: problems.filter((problem) => problem.kind === kind && problem.severity === severity).length,
    })),
  );
}
