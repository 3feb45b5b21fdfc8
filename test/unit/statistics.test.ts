// The snapshot: which state the daemon is in, and figures that follow what the stages say.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { BacklogCounts } from '../../src/backlog/backlog-count.ts';
import type { WaitingFiles } from '../../src/drain/drain-ports.ts';
import { Governor } from '../../src/pace/governor.ts';
import type { PacketMember } from '../../src/packets/packet.ts';
import { Counters } from '../../src/report/counters.ts';
import type { FreeSpace } from '../../src/report/flow-gauge.ts';
import { Statistics } from '../../src/report/statistics.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { faultOf } from '../support/drain-bench.ts';
import { ETHERNET_LINK } from '../support/ethernet-link.ts';
import { packetEntry } from '../support/packet-entry.ts';
import { SimClock } from '../support/sim-clock.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

const EMPTY: BacklogCounts = {
  files: 0,
  bytes: 0,
  oldestModifiedAtMs: null,
  oldestPath: null,
  inFlight: 0,
  inFlightBytes: 0,
  removedFiles: 0,
  removedBytes: 0,
  scans: 1,
  deferred: 0,
  written: 0,
  unsettled: 0,
  arrivedFiles: 0,
  arrivedBytes: 0,
  known: true,
  watching: true,
  deep: false,
  skipped: [],
  fault: null,
};

function statistics() {
  const clock = new SimClock();
  const counters = new Counters();
  const now = {
    backlog: EMPTY,
    active: 0,
    waiting: [] as WaitingFiles[],
    waitingFor: undefined as string | undefined,
    stopping: false,
    quarantined: 0,
    packets: {
      isOn: false,
      gathered: { files: 0, bytes: 0, groups: 0 },
      packets: [] as { left: Map<string, PacketMember> }[],
    },
    free: (): FreeSpace => ({ bytes: 1e9, files: 1e6 }),
  };
  const limits = { targetBytesPerSec: 6_250_000, floorBytesPerSec: 125_000 };
  const stats = new Statistics({
    version: '1.2.3',
    unit: 'halfpipe',
    clock,
    counters,
    backlog: { view: () => now.backlog },
    drain: {
      uploadLimit: { current: 8 },
      failureOf: () => undefined,
      get active() {
        return now.active;
      },
      get sending() {
        return now.active;
      },
      get waiting() {
        return now.waiting;
      },
    },
    lists: { sending: () => [] },
    recent: { uploads: () => [], failures: () => [] },
    steering: { now: DRAINING.steering },
    link: {
      pace: new Governor(limits),
      slowLine: undefined,
      identity: ETHERNET_LINK,
    },
    spoolPath: '/var/spool/halfpipe',
    remarks: {
      unsaved: [],
      refusedReload: undefined,
      restingPacking: undefined,
      unkeptOrder: undefined,
      unobserved: undefined,
    },
    packets: now.packets,
    ingest: { view: () => null, troubles: [] },
    standstill: () => (now.waitingFor === undefined ? undefined : { by: 'store', message: now.waitingFor }),
    isStopping: () => now.stopping,
    countQuarantined: async () => now.quarantined,
    freeSpace: async () => now.free(),
    shares: () => [{ fromMs: 0, share: 0.5 }],
  });
  return { clock, counters, now, stats };
}

for (const { state, change } of [
  { state: 'idle', change: {} },
  { state: 'starting', change: { backlog: { ...EMPTY, known: false } } },
  { state: 'draining', change: { backlog: { ...EMPTY, files: 1 } } },
  { state: 'draining', change: { active: 1 } },
  { state: 'paused', change: { waitingFor: 'the bucket', backlog: { ...EMPTY, files: 1 } } },
  { state: 'stopping', change: { stopping: true, waitingFor: 'the bucket' } },
] as const) {
  test(`is ${state} with ${Object.keys(change).join(' and ') || 'nothing to do'}`, () => {
    const { stats, now } = statistics();
    Object.assign(now, change);
    assert.equal(stats.snapshot().state, state);
    assert.equal(stats.snapshot().waitingFor, now.waitingFor ?? null);
  });
}

test('tells the link in bits a second and the backlog in files, bytes and age', async () => {
  const { stats, now, clock } = statistics();
  now.backlog = { ...EMPTY, files: 3, bytes: 500, oldestModifiedAtMs: clock.wallMs() - 5_000, deferred: 1 };
  const { link, backlog, uploads, version } = stats.snapshot();
  assert.equal(version, '1.2.3');
  assert.ok(link !== null);
  assert.equal(link.targetBitsPerSec, 50e6);
  assert.equal(link.floorBitsPerSec, 1e6);
  assert.equal(link.capacityBitsPerSec, 100e6);
  assert.deepEqual([backlog.files, backlog.bytes, backlog.oldestAgeMs, backlog.deferred], [3, 500, 5_000, 1]);
  assert.equal(backlog.forecast.verdict, 'unknown');
  assert.deepEqual(uploads, { active: 0, limit: 8, files: [] });
});

test('tells why files wait, the most frequent reasons by name and the others together', () => {
  const { stats, now } = statistics();
  const fault = faultOf('unknown', { code: 'AccessDenied' });
  const kind = { example: 'a', isFolder: false, fault, nextTryAtMs: 0 };
  now.waiting = Array.from({ length: 10 }, (_, at) => ({ ...kind, reason: `R${at}`, files: 100 - at }));
  const { waiting } = stats.snapshot().backlog;
  assert.deepEqual(
    waiting.map(({ reason, files }) => [reason, files]),
    [...Array.from({ length: 7 }, (_, at) => [`R${at}`, 100 - at]), ['other', 93 + 92 + 91]],
  );
  assert.equal(waiting[0]?.message, 'a unknown fault');
});

test('a file from the future is of no negative age', () => {
  const { stats, now, clock } = statistics();
  now.backlog = { ...EMPTY, files: 1, oldestModifiedAtMs: clock.wallMs() + 60_000 };
  assert.equal(stats.snapshot().backlog.oldestAgeMs, 0);
});

test('foretells the end from the bytes sent, also while one large file is under way', async () => {
  const { stats, now, clock } = statistics();
  now.backlog = { ...EMPTY, files: 1, bytes: 10_000, inFlight: 1, inFlightBytes: 10_000 };
  now.active = 1;
  stats.start();
  for (let second = 0; second < 10; second += 1) {
    stats.sent(100, 1_000);
    await clock.advance(1_000);
  }
  const { backlog } = stats.snapshot();
  assert.equal(Math.round(backlog.flow.lastMinute?.drainedBytesPerSec ?? 0), 100);
  assert.equal(backlog.flow.lastMinute?.drainedFilesPerSec, 0);
  const { lowMs = 0, highMs = 0 } = backlog.forecast.eta ?? {};
  assert.ok(lowMs < 90_000 && (highMs ?? 0) > 90_000, `${lowMs} to ${highMs} ms`);
  assert.equal(backlog.bytes, 10_000, 'the file counts as long as it is there');
  stats.stop();
  assert.equal(clock.pending, 0, 'no timer is left behind');
});

test('foretells nothing while files settle, whatever little was sent', async () => {
  const { stats, now, clock } = statistics();
  now.backlog = { ...EMPTY, files: 600, bytes: 60_000_000 };
  stats.start();
  stats.sent(400, 1_000);
  await clock.advance(5_000);
  assert.equal(stats.snapshot().backlog.forecast.verdict, 'unknown');
  stats.stop();
});

test('tells what the disk still takes, as of the last ten seconds; nothing when it cannot be read', async () => {
  const { stats, now, clock } = statistics();
  stats.start();
  await clock.advance(1_000);
  assert.deepEqual([stats.snapshot().backlog.freeBytes, stats.snapshot().backlog.freeFiles], [1e9, 1e6]);
  now.free = () => ({ bytes: 5e8, files: undefined });
  await clock.advance(5_000);
  assert.equal(stats.snapshot().backlog.freeBytes, 1e9);
  await clock.advance(5_000);
  assert.deepEqual([stats.snapshot().backlog.freeBytes, stats.snapshot().backlog.freeFiles], [5e8, null]);
  now.free = () => {
    throw new Error('EIO');
  };
  await clock.advance(10_000);
  assert.equal(stats.snapshot().backlog.freeBytes, null);
  stats.stop();
});

test('the quarantine is what is found in it, and what has come since', async () => {
  const { stats, counters, now, clock } = statistics();
  now.quarantined = 2;
  await stats.countQuarantined();
  stats.start();
  const quarantined = { id: 'a', path: SpoolPath.from('a'), reason: 'superseded', at: '' };
  counters.hear({ kind: 'superseded', quarantined });
  assert.equal(stats.snapshot().backlog.quarantined, 3);
  // Two are put back by a human.
  now.quarantined = 1;
  await clock.advance(10_000);
  assert.equal(stats.snapshot().backlog.quarantined, 1);
  stats.stop();
});

test('remembers the last 24 hours', async () => {
  const { stats, now, clock } = statistics();
  now.backlog = { ...EMPTY, files: 3, bytes: 500 };
  stats.start();
  await clock.advance(5_000);
  const { stepMs, series } = stats.history(60_000);
  assert.equal(stepMs, 1_000);
  assert.deepEqual(series.files, [3, 3, 3, 3, 3]);
  assert.deepEqual(series.capacityBitsPerSec[0], 100e6);
  stats.stop();
});

test('a backlog that no scan has counted yet has no forecast', async () => {
  const { stats, now, clock } = statistics();
  stats.start();
  await clock.advance(5_000);
  now.backlog = { ...EMPTY, known: false };
  assert.equal(stats.snapshot().backlog.forecast.verdict, 'unknown');
  now.backlog = EMPTY;
  assert.equal(stats.snapshot().backlog.forecast.verdict, 'empty');
});

test('files on their way in packets are counted, also those of packets that were made before packets were off', () => {
  const { stats, now } = statistics();
  assert.equal(stats.snapshot().packets, null);
  now.packets.gathered = { files: 3, bytes: 60, groups: 1 };
  now.packets.isOn = true;
  assert.deepEqual(stats.snapshot().packets, {
    ...{ gatheredFiles: 3, gatheredBytes: 60, completePackets: 0, completeFiles: 0 },
  });
  now.packets.isOn = false;
  now.packets.gathered = { files: 0, bytes: 0, groups: 0 };
  now.packets.packets.push({
    left: new Map(packetEntry('p.zip', ['a', 'b']).removed.map((it) => [it.name, it])),
  });
  assert.deepEqual(stats.snapshot().packets, {
    ...{ gatheredFiles: 0, gatheredBytes: 0, completePackets: 1, completeFiles: 2 },
  });
});
