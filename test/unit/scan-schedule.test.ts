import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ScanReason, ScanSchedule } from '../../src/backlog/scan-schedule.ts';

function afterScan(tookMs: number, endedAtMs: number, waiting = 0): ScanSchedule {
  const schedule = new ScanSchedule(30_000);
  schedule.ended(endedAtMs, tookMs, waiting);
  return schedule;
}

test('is never due when nobody wants a scan', () => {
  assert.equal(afterScan(5, 100).dueAtMs(), Number.POSITIVE_INFINITY);
});

test('is due at once at the beginning', () => {
  const schedule = new ScanSchedule(30_000);
  schedule.want('routine', 7);
  assert.equal(schedule.dueAtMs(), 7);
});

const RESTS: readonly (readonly [ScanReason, number, number])[] = [
  ['routine', 1_000, 9_000],
  ['low', 1_000, 1_000],
  ['starved', 1_000, 0],
  ['routine', 1, 100],
  ['low', 1, 100],
];
for (const [reason, tookMs, restMs] of RESTS) {
  test(`rests ${restMs} ms after a scan of ${tookMs} ms when ${reason}`, () => {
    const schedule = afterScan(tookMs, 50_000);
    schedule.want(reason, 50_000);
    assert.equal(schedule.dueAtMs(), 50_000 + restMs);
  });
}

for (const [waiting, tookMs, restMs] of [
  [99_999, 1_000, 9_000],
  [350_000, 1_000, 90_000],
  [1_000_000, 6_000, 120_000],
  [10_000_000, 60_000, 540_000],
] as const) {
  test(`rests ${restMs} ms after a scan of ${tookMs} ms while ${waiting} files wait, unless more are needed`, () => {
    const schedule = afterScan(tookMs, 50_000, waiting);
    schedule.want('routine', 50_000);
    assert.equal(schedule.dueAtMs(), 50_000 + restMs);
    schedule.want('low', 50_000);
    assert.equal(schedule.dueAtMs(), 50_000 + Math.min(tookMs, 30_000));
  });
}

for (const reason of ['routine', 'low'] as const) {
  test(`rests no longer than the bound after a scan that hung for an hour, when ${reason}`, () => {
    const schedule = afterScan(3_600_000, 50_000);
    schedule.want(reason, 50_000);
    assert.equal(schedule.dueAtMs(), 50_000 + 30_000);
    schedule.setRestMax(10_000);
    assert.equal(schedule.dueAtMs(), 50_000 + 10_000);
  });
}

test('serves the earliest of several wishes, and all of them with one scan', () => {
  const schedule = afterScan(1, 0);
  schedule.want('routine', 5_000);
  schedule.want('routine', 3_000);
  schedule.want('routine', 4_000);
  assert.equal(schedule.dueAtMs(), 3_000);
  schedule.began();
  assert.equal(schedule.dueAtMs(), Number.POSITIVE_INFINITY);
});

test('keeps a wish that comes while a scan runs', () => {
  const schedule = new ScanSchedule(30_000);
  schedule.began();
  schedule.want('routine', 10);
  schedule.ended(20, 10, 0);
  assert.equal(schedule.dueAtMs(), 120);
});
