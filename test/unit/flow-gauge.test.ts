// What the outlook is told: how much is ahead of the count, whether there is more to send, and what the link leaves.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { BacklogCounts } from '../../src/backlog/backlog-count.ts';
import { FlowGauge } from '../../src/report/flow-gauge.ts';

const COUNTS: BacklogCounts = {
  files: 10,
  bytes: 1_000,
  oldestModifiedAtMs: 0,
  oldestPath: null,
  inFlight: 2,
  inFlightBytes: 500,
  deferred: 0,
  written: 0,
  unsettled: 0,
  arrivedFiles: 0,
  arrivedBytes: 0,
  removedFiles: 0,
  removedBytes: 0,
  scans: 1,
  known: true,
  watching: true,
  deep: false,
  skipped: [],
  fault: null,
};

function gauge() {
  const now = {
    counts: COUNTS,
    active: 2,
    standstill: undefined as object | undefined,
    slowLine: undefined as object | undefined,
    degraded: false,
    targetBytesPerSec: 1_000,
    crossBytesPerSec: 300,
  };
  const made = new FlowGauge({
    backlog: { view: () => now.counts },
    drain: {
      get active() {
        return now.active;
      },
    },
    link: {
      get pace() {
        return {
          limits: { targetBytesPerSec: now.targetBytesPerSec, floorBytesPerSec: 50 },
          rates: {
            totalBytesPerSec: 700 + now.crossBytesPerSec,
            ownBytesPerSec: 700,
            crossBytesPerSec: now.crossBytesPerSec,
          },
          budgetBytesPerSec: 700,
          floorEngaged: false,
          degraded: now.degraded,
        };
      },
      identity: { capacityBitsPerSec: 16_000 },
      get slowLine() {
        return now.slowLine;
      },
    },
    shares: () => [{ fromMs: 0, share: 0.5 }],
    standstill: () => now.standstill,
  });
  return { now, gauge: made };
}

test('what is sent of a file in flight has left already, though the file is still counted', () => {
  const { gauge: made, now } = gauge();
  made.sent(200, 1_000);
  const sent = made.moment(1_000);
  assert.equal(sent.waiting.bytes, 800);
  assert.equal(sent.counts.drainedBytes, 200);
  now.counts = { ...COUNTS, files: 9, bytes: 750, inFlightBytes: 250, removedFiles: 1, removedBytes: 250 };
  made.sent(50, 1_000);
  const removed = made.moment(2_000);
  assert.equal(removed.waiting.bytes, 750);
  assert.deepEqual([removed.counts.drainedFiles, removed.counts.drainedBytes], [1, 250]);
});

test('what was sent in vain is not ahead any more when its file is in flight no longer', () => {
  const { gauge: made, now } = gauge();
  made.sent(400, 1_000);
  assert.equal(made.moment(1_000).counts.drainedBytes, 400);
  now.counts = { ...COUNTS, inFlight: 0, inFlightBytes: 0, deferred: 2 };
  const failed = made.moment(2_000);
  assert.deepEqual([failed.counts.drainedBytes, failed.waiting.bytes], [0, 1_000]);
});

for (const [what, counts, active, expected] of [
  ['more files are ready than are in flight', {}, 2, true],
  ['all that is ready is in flight, and files leave', { files: 2, removedFiles: 1 }, 2, false],
  ['a file in flight is large, so that none leaves', { files: 2 }, 2, true],
  [
    'the others are deferred, unsettled or still written',
    { deferred: 3, unsettled: 3, written: 2, removedFiles: 1 },
    2,
    false,
  ],
  ['nothing is in flight', {}, 0, false],
] as const)
  test(`the drain is ${expected ? '' : 'not '}at work when ${what}`, () => {
    const { gauge: made, now } = gauge();
    now.counts = { ...COUNTS, ...counts };
    now.active = active;
    assert.equal(made.moment(1_000).isWorking, expected);
  });

test('adds up what the link carried and what others left of the target, while it is measured', () => {
  const { gauge: made, now } = gauge();
  made.sent(0, 500);
  now.crossBytesPerSec = 990;
  made.sent(0, 500);
  now.degraded = true;
  made.sent(0, 500);
  const { ownBytes, crossBytes, roomBytes, linkMs } = made.moment(1_000).counts;
  // At least the floor is left: 0.5 s × 700, and 0.5 s × 50.
  assert.deepEqual([ownBytes, crossBytes, roomBytes, linkMs], [700, 645, 375, 1_000]);
});

test('says how long the target has been what it is', () => {
  const { gauge: made, now } = gauge();
  assert.equal(made.moment(1_000).allowed?.steadyMs, 0);
  assert.equal(made.moment(9_000).allowed?.steadyMs, 8_000);
  now.targetBytesPerSec = 600;
  assert.equal(made.moment(10_000).allowed?.steadyMs, 0);
  now.slowLine = {};
  assert.equal(made.moment(12_000).allowed?.isSlow, true);
});

test('tells what the disk has lost since the first look, and nothing once it cannot be read', () => {
  const { gauge: made } = gauge();
  assert.ok(Number.isNaN(made.moment(0).counts.usedBytes));
  made.setFree({ bytes: 1_000, files: 10 });
  made.setFree({ bytes: 900, files: 10 });
  const { counts, waiting } = made.moment(1_000);
  assert.deepEqual([counts.usedBytes, waiting.free?.bytes], [100, 900]);
  made.setFree(undefined);
  assert.equal(made.moment(2_000).waiting.free, undefined);
});

test('tells the history what has happened since the last look', () => {
  const { gauge: made, now } = gauge();
  const look = () => made.sample(made.moment(0));
  assert.ok(Number.isNaN(look().totalBitsPerSec), 'nothing was measured');
  made.sent(400, 1_000);
  now.counts = { ...COUNTS, arrivedFiles: 3, arrivedBytes: 300 };
  assert.deepEqual(look(), {
    totalBitsPerSec: 8_000,
    ownBitsPerSec: 5_600,
    crossBitsPerSec: 2_400,
    targetBitsPerSec: 8_000,
    capacityBitsPerSec: 16_000,
    files: 10,
    bytes: 1_000,
    arrivedFiles: 3,
    arrivedBytes: 300,
    drainedFiles: 0,
    drainedBytes: 400,
  });
  now.counts = { ...now.counts, inFlightBytes: 0 };
  assert.equal(look().drainedBytes, 0, 'what was sent in vain');
  now.counts = { ...now.counts, inFlightBytes: 500 };
  made.sent(450, 1_000);
  assert.equal(look().drainedBytes, 50, 'and is sent again counts once');
});
