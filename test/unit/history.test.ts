// 24 hours in three tiers of steps.
import assert from 'node:assert/strict';
import test from 'node:test';
import { History } from '../../src/outlook/history.ts';
import type { HistorySample } from '../../src/view/history-view.ts';

const NONE: HistorySample = {
  totalBitsPerSec: 0,
  ownBitsPerSec: 0,
  crossBitsPerSec: 0,
  targetBitsPerSec: 50e6,
  capacityBitsPerSec: 100e6,
  files: 0,
  bytes: 0,
  arrivedFiles: 0,
  arrivedBytes: 0,
  drainedFiles: 0,
  drainedBytes: 0,
};
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A sample each second from `from` on and before `to`. */
function fill(
  history: History,
  from: number,
  to: number,
  sampleAt: (second: number) => Partial<HistorySample>,
) {
  for (let second = from; second < to; second += 1)
    history.observe(second * 1_000, { ...NONE, ...sampleAt(second) });
}

test('a step of ten seconds has the mean of the rates, the sum of what was counted, and the last of what holds', () => {
  const history = new History();
  fill(history, 0, 3_600, (second) => ({
    ownBitsPerSec: second,
    files: second,
    arrivedFiles: 2,
    targetBitsPerSec: second < 15 ? 1 : 2,
  }));
  const { stepMs, fromAtMs, series } = history.since(HOUR_MS, 3_600_000, 9e12);
  assert.deepEqual([stepMs, fromAtMs, series.files.length], [10_000, 9e12 - HOUR_MS, 360]);
  assert.deepEqual(series.ownBitsPerSec.slice(0, 3), [4.5, 14.5, 24.5]);
  assert.deepEqual(series.files.slice(0, 3), [9, 19, 29]);
  assert.deepEqual(series.arrivedFiles.slice(0, 3), [20, 20, 20]);
  assert.deepEqual(series.targetBitsPerSec.slice(0, 3), [1, 2, 2]);
});

for (const [agoMs, stepMs, steps] of [
  [5 * MINUTE_MS, 1_000, 300],
  [10 * MINUTE_MS, 1_000, 599],
  [11 * MINUTE_MS, 10_000, 66],
  [2 * HOUR_MS, 10_000, 719],
  [3 * HOUR_MS, 60_000, 180],
  [24 * HOUR_MS, 60_000, 1_439],
  [99 * HOUR_MS, 60_000, 1_439],
] as const)
  test(`the last ${agoMs / MINUTE_MS} minutes are told in steps of ${stepMs} ms`, () => {
    const history = new History();
    fill(history, 0, 90_000, (second) => ({ files: second }));
    const view = history.since(agoMs, 90_000_000, 0);
    assert.deepEqual([view.stepMs, view.series.files.length], [stepMs, steps]);
    assert.equal(view.series.files.at(-1), 89_999);
    assert.equal(view.series.files[0], 90_000 - (steps - 1) * (stepMs / 1_000) - 1);
    assert.equal(view.fromAtMs, -steps * stepMs);
  });

test('tells nothing of the time before the start, and nothing at all at the start', () => {
  const history = new History();
  assert.deepEqual(history.since(HOUR_MS, 5_000, 0).series.files, []);
  fill(history, 5, 9, (second) => ({ files: second }));
  assert.deepEqual(history.since(MINUTE_MS, 9_000, 0).series.files, [5, 6, 7, 8]);
});

test('is null where nothing was measured, and what is counted goes on after it', () => {
  const history = new History();
  fill(history, 0, 5, (second) => ({ files: second, arrivedFiles: 1 }));
  fill(history, 9, 12, (second) => ({ files: second, arrivedFiles: 1, ownBitsPerSec: Number.NaN }));
  const { series } = history.since(MINUTE_MS, 12_000, 0);
  assert.deepEqual(series.files, [0, 1, 2, 3, 4, null, null, null, null, 9, 10, 11]);
  assert.deepEqual(series.ownBitsPerSec.slice(8), [null, null, null, null]);
  assert.equal(series.arrivedFiles.at(-1), 1);
});

test('a look that comes a little late leaves no gap', () => {
  const history = new History();
  for (const atMs of [0, 1_000, 1_999, 3_001, 4_000])
    history.observe(atMs, { ...NONE, files: atMs, drainedFiles: 1 });
  const { series } = history.since(MINUTE_MS, 5_000, 0);
  assert.deepEqual(series.files, [0, 1_999, 3_001, 3_001, 4_000]);
  assert.deepEqual(series.drainedFiles, [1, 2, 0, 1, 1]);
});

test('what has been overwritten is not told as new', () => {
  const history = new History();
  fill(history, 0, 700, (second) => ({ files: second }));
  const { series } = history.since(10 * MINUTE_MS, 1_000_000, 0);
  assert.deepEqual(series.files.slice(0, 300).filter((value) => value !== null).length, 299);
  assert.deepEqual(new Set(series.files.slice(299)), new Set([null]));
});

test('needs 265 kB, however long it runs', () => {
  const history = new History();
  assert.equal(history.sizeBytes, 264_960);
  fill(history, 0, 100_000, () => ({}));
  assert.equal(history.sizeBytes, 264_960);
});
