// The metrics of the link: what it can carry, what may be sent, and what is sent.
import { each, gauge, info, type MetricRow } from './metric-row.ts';

export const LINK_METRICS: readonly MetricRow[] = [
  info(
    'halfpipe_link_info',
    'link.interface',
    'The network interface that is measured. Always 1; absent while there is no link.',
    ['interface'],
    ({ link }) => (link === null ? undefined : { interface: link.interface }),
  ),
  gauge('halfpipe_link_capacity_bytes_per_second', 'link.capacityBitsPerSec', 'What the link can send.'),
  gauge(
    'halfpipe_link_target_bytes_per_second',
    'link.targetBitsPerSec',
    'What all traffic together may send: share × capacity.',
  ),
  gauge('halfpipe_link_floor_bytes_per_second', 'link.floorBitsPerSec', 'What halfpipe may always send.'),
  gauge('halfpipe_link_total_bytes_per_second', 'link.totalBitsPerSec', 'What the interface sends.'),
  gauge('halfpipe_link_own_bytes_per_second', 'link.ownBitsPerSec', 'What halfpipe sends.'),
  gauge('halfpipe_link_others_bytes_per_second', 'link.crossBitsPerSec', 'What others send.'),
  gauge('halfpipe_link_budget_bytes_per_second', 'link.budgetBitsPerSec', 'What halfpipe may send now.'),
  gauge(
    'halfpipe_link_floor_engaged',
    'link.floorEngaged',
    '1 if others send so much that only the floor is left.',
  ),
  gauge(
    'halfpipe_link_degraded',
    'link.degraded',
    '1 if the link cannot be measured now, so that at most half the target is sent.',
  ),
  each(
    'halfpipe_link_slow_bytes_per_second',
    'limited_by',
    'link.slowLine.bitsPerSec',
    'What the line or the store takes, if that is less than the budget. Absent while it keeps up.',
    ({ link }) => {
      const { limitedBy, bitsPerSec } = link?.slowLine ?? {};
      return limitedBy === undefined ? {} : { [limitedBy]: bitsPerSec };
    },
  ),
];
