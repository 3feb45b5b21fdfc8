// The statistics of the bench, on recordings made up so that every figure is known beforehand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CounterSample, LinkLoad, spread } from '../bench/link-windows.ts';

// 8 Mbit/s: 1,000 bytes a millisecond are 100 %
const CAPACITY = 8_000_000;

/** A recording with one sample each 10 ms whose load is `percentAt(ms)` at the start of each interval. */
function recording(lengthMs: number, percentAt: (atMs: number) => number): LinkLoad {
  const samples: CounterSample[] = [];
  let bytes = 4_000_000;
  for (let atMs = 0; atMs <= lengthMs; atMs += 10) {
    samples.push({ atMs: 500 + atMs, bytes });
    bytes += percentAt(atMs) * 100;
  }
  return new LinkLoad(samples, CAPACITY);
}

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

test('a constant load has the same mean over any span', () => {
  const load = recording(2000, () => 50);
  for (const [from, to] of [
    [500, 2500],
    [503, 507],
    [1234.5, 2001],
  ] as const)
    close(load.mean(from, to), 50);
});

test('readings that come late shift nothing', () => {
  const even = [0, 10, 20, 30, 40].map((atMs) => ({ atMs, bytes: atMs * 600 }));
  const late = even.filter((sample) => sample.atMs !== 20 && sample.atMs !== 30);
  close(new LinkLoad(late, CAPACITY).mean(10, 30), new LinkLoad(even, CAPACITY).mean(10, 30));
});

test('windows cover the span to its very end and no further', () => {
  const load = recording(1000, (atMs) => (atMs >= 900 ? 100 : 0));
  const windows = load.windows(500, 1500, 100);
  assert.equal(windows.length, 91);
  close(windows[0] ?? -1, 0);
  close(windows.at(-1) ?? -1, 100);
  assert.equal(load.windows(500, 1500, 100, 100).length, 10);
});

test('a burst that straddles two whole windows is still found', () => {
  const load = recording(1000, (atMs) => (atMs >= 450 && atMs < 550 ? 100 : 0));
  close(Math.max(...load.windows(500, 1500, 100)), 100);
  close(Math.max(...load.windows(500, 1500, 100, 100)), 50);
});

test('a load that steps up and is brought back settles when a whole window is inside', () => {
  // over by 30 points for 120 ms after the step at 500 ms
  const load = recording(2000, (atMs) => (atMs >= 500 && atMs < 620 ? 80 : 50));
  assert.equal(load.settleMs(1000, 2400, 100, { low: 0, high: 52 }, 100), 220);
  assert.equal(load.settleMs(1000, 2400, 50, { low: 0, high: 52 }, 100), 170);
});

test('a dip into the band that does not last is no settling', () => {
  const load = recording(2000, (atMs) => (atMs < 800 || (atMs >= 850 && atMs < 1200) ? 80 : 50));
  assert.equal(load.settleMs(500, 2400, 50, { low: 0, high: 52 }, 100), 1250);
});

test('a load that never settles has no settling time', () => {
  assert.equal(recording(1000, () => 80).settleMs(500, 1500, 100, { low: 0, high: 52 }, 100), undefined);
});

test('the onset is where traffic begins', () => {
  const load = recording(1000, (atMs) => (atMs >= 400 ? 40 : 0));
  const onset = load.onsetMs(500, 1500, 30) ?? 0;
  assert.ok(onset >= 890 && onset <= 900, `${onset}`);
  assert.equal(load.onsetMs(500, 1500, 50), undefined);
});

test('percentiles are interpolated between ranks', () => {
  const { mean, min, p5, p50, p95, p99, max, sd } = spread([4, 1, 3, 2, 5]);
  assert.deepEqual([mean, min, p50, max], [3, 1, 3, 5]);
  for (const [actual, expected] of [
    [p5, 1.2],
    [p95, 4.8],
    [p99, 4.96],
    [sd, Math.SQRT2],
  ] as const)
    close(actual, expected);
});

test('nothing to describe is refused', () => {
  assert.throws(() => spread([]), RangeError);
  assert.throws(() => new LinkLoad([{ atMs: 0, bytes: 0 }], CAPACITY), RangeError);
});
