// A snapshot in which every field is set, each number is different, and all move with `seed`.

import type { FlowRatesView } from '../../src/view/backlog-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { refusedOf } from './snapshot-fixture.ts';

export function fullSnapshot(seed: number): Snapshot {
  let count = seed * 1_000;
  const next = () => {
    count += 1;
    return count;
  };
  const flow = (): FlowRatesView => ({
    arrivedFilesPerSec: next(),
    arrivedBytesPerSec: next(),
    drainedFilesPerSec: next(),
    drainedBytesPerSec: next(),
  });
  const accepted = () => ({ files: next(), bytes: next() });
  const odd = seed % 2 === 1;
  return {
    format: 1,
    takenAtMs: next(),
    spool: '/var/spool/halfpipe',
    problems: [
      {
        kind: odd ? 'deferred' : 'store',
        severity: odd ? 'notice' : 'degraded',
        sinceAtMs: next(),
        message: 'm',
        remedy: 'r',
        nextTryAtMs: next(),
        files: next(),
      },
    ],
    version: `1.0.${seed}`,
    pid: next(),
    unit: 'halfpipe',
    state: odd ? 'draining' : 'paused',
    waitingFor: odd ? null : 'the store says no',
    uptimeMs: next(),
    steering: {
      paused: odd ? { untilMs: next() } : null,
      share: next() / 1e6,
      shareFrom: 'command',
      shareUntilMs: next(),
    },
    backlog: {
      files: next(),
      bytes: next(),
      oldestAgeMs: next(),
      oldest: { path: 'a', reason: null },
      deferred: next(),
      written: next(),
      waiting: [{ reason: 'EIO', files: next(), example: 'a', isFolder: false, message: 'm' }],
      quarantined: next(),
      skipped: [{ kind: 'FIFO', what: 'FIFOs', remedy: 'r', count: next(), example: 'f', hidesFiles: true }],
      freeBytes: next(),
      freeFiles: next(),
      flow: { lastMinute: flow(), last10Minutes: flow(), lastHour: flow() },
      forecast: {
        verdict: odd ? 'catching-up' : 'falling-behind',
        eta: { lowMs: next(), highMs: next(), lowAtMs: next(), highAtMs: next() },
        basis: flow(),
        shareToHold: next(),
        diskFullMs: next(),
      },
      countedByScan: odd,
    },
    link: {
      interface: `eth${seed}`,
      capacityBitsPerSec: next(),
      capacityFrom: 'link.capacity',
      targetBitsPerSec: next(),
      floorBitsPerSec: next(),
      totalBitsPerSec: next(),
      ownBitsPerSec: next(),
      crossBitsPerSec: next(),
      budgetBitsPerSec: next(),
      floorEngaged: odd,
      degraded: odd,
      slowLine: { bitsPerSec: next(), limitedBy: 'line' },
    },
    uploads: { active: next(), limit: next(), files: [] },
    recent: { uploads: [], failures: [] },
    packets: { gatheredFiles: next(), gatheredBytes: next(), completePackets: next(), completeFiles: next() },
    ingest: {
      urls: ['https://192.0.2.7:8443'],
      isTls: odd,
      isUp: odd,
      connections: next(),
      receiving: next(),
      waitingSync: next(),
      receivedBytes: next(),
      accepted: { created: accepted(), same: accepted(), replaced: accepted() },
      lastMinute: { filesPerSec: next(), bytesPerSec: next() },
      lastAcceptedAtMs: next(),
      refused: refusedOf(next),
      asksToWait: odd ? null : 'the backlog has 10,000 files',
      breakdowns: next(),
    },
    totals: {
      uploadedFiles: next(),
      uploadedBytes: next(),
      alreadyThereFiles: next(),
      verifiedFiles: next(),
      deletedFiles: next(),
      multipartFiles: next(),
      uploadedPackets: next(),
      packedFiles: next(),
      repeatedFiles: next(),
      retries: next(),
      quarantinedFiles: next(),
    },
  };
}
