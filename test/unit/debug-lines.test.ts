// What log.level: debug adds: how often it speaks, what it says, and that it is silent at any other level.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShaperActivity } from '../../src/pace/shaper.ts';
import type { DaemonEvent } from '../../src/report/daemon-event.ts';
import { debugLines } from '../../src/report/debug-lines.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { KeptLog } from '../support/kept-log.ts';

const PACE = {
  limits: { targetBytesPerSec: 6_250_000, floorBytesPerSec: 125_000 },
  rates: { totalBytesPerSec: 6_250_000, ownBytesPerSec: 5_000_000, crossBytesPerSec: 1_250_000 },
  budgetBytesPerSec: 4_900_000,
  floorEngaged: false,
  degraded: false,
};
const BUSY = { admittedBytes: 500_000, idleMs: 0, longestWaitMs: 12, waiting: 3 };
const IDLE = { admittedBytes: 0, idleMs: 100, longestWaitMs: 0, waiting: 0 };
const REQUEST = {
  ...{ operation: 'UploadPart', key: 'cam/\x1b.mp4', part: 2, status: 503, error: 'SlowDown' },
  ...{ durationMs: 1_234.5, bytes: 5_242_880 },
};
const SCAN = {
  ...{
    entries: [],
    eligible: 2,
    files: 3,
    bytes: 3_000,
    oldestModifiedAtMs: 1,
    oldestPath: null,
    unsettled: 1,
  },
  ...{ settlesInMs: 500, folders: 1, hasSilent: false },
};

function activityOf(activity: ShaperActivity, active: number): DaemonEvent {
  return { kind: 'activity', activity, elapsedMs: 100, pace: PACE, uploads: { active, limit: 8 } };
}

function debugging() {
  const log = new KeptLog();
  const messages = () => log.records.map(({ level, message }) => `${level}: ${message}`);
  return { log, tell: debugLines(log), messages };
}

test('a sample is a line a second, not one a tick, and none while nothing is sent', () => {
  const { log, tell, messages } = debugging();
  for (let report = 0; report < 30; report += 1) tell(activityOf(BUSY, 5));
  for (let report = 0; report < 30; report += 1) tell(activityOf(IDLE, 0));
  assert.deepEqual(
    messages(),
    Array(3).fill(
      'debug: sample: total 50.0 Mbit/s, own 40.0 Mbit/s, others 10.0 Mbit/s, budget 39.2 Mbit/s; 5 of at most 8 uploads',
    ),
  );
  assert.equal(log.records[0]?.fields.admittedBytes, 5_000_000);
});

test('a request is a line with its operation, key, answer, time and bytes, harmless in a terminal', () => {
  const { tell, messages } = debugging();
  tell({ kind: 'request', request: REQUEST });
  const failed = { ...REQUEST, part: undefined, status: undefined, error: 'ECONNRESET', bytes: 0 };
  tell({ kind: 'request', request: failed });
  assert.deepEqual(messages(), [
    'debug: UploadPart part 2 of cam/\\x1b.mp4: 503 SlowDown in 1.23 s, 5.24 MB sent',
    'debug: UploadPart cam/\\x1b.mp4: no answer ECONNRESET in 1.23 s, 0 B sent',
  ]);
});

test('a scan and each step of a removal is a line', () => {
  const { tell, messages } = debugging();
  tell({ kind: 'scanned', result: SCAN, durationMs: 7 });
  for (const step of ['aside', 'removed', 'back', 'waits'] as const)
    tell({ kind: 'asideStep', path: SpoolPath.from('a.jpg'), step });
  assert.deepEqual(messages(), [
    'debug: scanned 3 files (3.00 kB) in 1 folder in 0.01 s: 2 ready to upload, 1 not complete yet',
    'debug: a.jpg was set aside, to be removed',
    'debug: a.jpg was removed',
    'debug: a.jpg is back in its place',
    'debug: a.jpg waits in .halfpipe/aside, because its name is taken',
  ]);
});

test('at info nothing is put into words', () => {
  const { log, tell } = debugging();
  log.level = 'info';
  const unread = new Proxy(SCAN, { get: () => assert.fail('the scan was looked at') });
  tell({ kind: 'scanned', result: unread, durationMs: 7 });
  tell({ kind: 'asideStep', path: SpoolPath.from('a.jpg'), step: 'removed' });
  for (let report = 0; report < 30; report += 1) tell(activityOf(BUSY, 5));
  assert.deepEqual(log.records, []);
});
