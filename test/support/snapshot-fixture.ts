// A snapshot of a daemon that drains, for tests of what renders one.

import type { ControlledDaemon } from '../../src/control/control-server.ts';
import { REFUSALS } from '../../src/ingest/problem-kind.ts';
import type { IngestView } from '../../src/view/ingest-view.ts';
import type { PageLists } from '../../src/view/page-words.ts';
import type { LinkView, Snapshot } from '../../src/view/snapshot.ts';
import { AT_TWO_MS, etaIn, forecastOf } from './forecasts.ts';

export const LINK: LinkView = {
  interface: 'lo',
  capacityBitsPerSec: 100e6,
  capacityFrom: 'link.capacity',
  targetBitsPerSec: 50e6,
  floorBitsPerSec: 1e6,
  totalBitsPerSec: 49.94e6,
  ownBitsPerSec: 49.1e6,
  crossBitsPerSec: 0.84e6,
  budgetBitsPerSec: 49.2e6,
  floorEngaged: false,
  degraded: false,
  slowLine: null,
};

export const DRAINING: Snapshot = {
  format: 1,
  takenAtMs: AT_TWO_MS,
  spool: '/var/spool/halfpipe',
  problems: [],
  version: '0.1.0',
  pid: 1,
  unit: 'halfpipe',
  state: 'draining',
  waitingFor: null,
  uptimeMs: 30_000,
  steering: { paused: null, share: 0.5, shareFrom: 'config', shareUntilMs: null },
  backlog: {
    files: 3000,
    bytes: 300e6,
    oldestAgeMs: 30_000,
    oldest: { path: 'cam/a.jpg', reason: null },
    deferred: 0,
    written: 0,
    waiting: [],
    quarantined: 0,
    skipped: [],
    freeBytes: 20e9,
    freeFiles: 1e6,
    flow: {
      lastMinute: {
        arrivedFilesPerSec: 4.86,
        arrivedBytesPerSec: 0,
        drainedFilesPerSec: 62.34,
        drainedBytesPerSec: 6.2e6,
      },
      last10Minutes: null,
      lastHour: null,
    },
    forecast: forecastOf('catching-up', { eta: etaIn(48_000) }),
    countedByScan: false,
  },
  link: LINK,
  uploads: { active: 3, limit: 4, files: [] },
  recent: { uploads: [], failures: [] },
  packets: null,
  ingest: null,
  totals: {
    uploadedFiles: 2000,
    uploadedBytes: 200e6,
    alreadyThereFiles: 0,
    verifiedFiles: 2000,
    deletedFiles: 2000,
    multipartFiles: 0,
    uploadedPackets: 0,
    packedFiles: 0,
    repeatedFiles: 0,
    retries: 0,
    quarantinedFiles: 0,
  },
};

export const NONE_REFUSED = refusedOf(() => 0);

export function refusedOf(countOf: () => number): IngestView['refused'] {
  const kinds = Object.keys(REFUSALS).map((kind) => [kind, countOf()] as const);
  return Object.fromEntries(kinds) as IngestView['refused'];
}

export const NO_LISTS: PageLists = {
  deferred: { list: 'deferred', files: [], total: 0 },
  quarantined: { list: 'quarantined', files: [], total: 0 },
};

/** DRAINING with another backlog. */
export function withBacklog(backlog: Partial<Snapshot['backlog']>): Snapshot {
  return { ...DRAINING, backlog: { ...DRAINING.backlog, ...backlog } };
}

/** A daemon whose control socket answers with this part of a snapshot, and takes no orders. */
export function showing(snapshot: Partial<Snapshot>): ControlledDaemon {
  const refuse = () => Promise.reject(new Error('this daemon only shows'));
  const history = () => ({ stepMs: 1_000, fromAtMs: 0, series: {} }) as never;
  return { snapshot: () => snapshot as Snapshot, list: refuse, history, obey: refuse };
}
