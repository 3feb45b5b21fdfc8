// When it is told that the disk will be full.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DiskWatch } from '../../src/outlook/disk-watch.ts';

const HOUR_MS = 3_600_000;

/** What is told each second. */
function told(fullIn: readonly (number | null)[]): (number | null)[] {
  const watch = new DiskWatch();
  return fullIn.map((fullInMs, second) => watch.observe(second * 1_000, fullInMs));
}

const forSeconds = (seconds: number, fullInMs: number | null) => Array<number | null>(seconds).fill(fullInMs);

test('an end of the disk within two days is told once it has lasted for a minute', () => {
  const all = told(forSeconds(90, 5 * HOUR_MS));
  assert.deepEqual(all.slice(0, 60), forSeconds(60, null));
  assert.deepEqual(all.slice(60), forSeconds(30, 5 * HOUR_MS));
});

test('one that is seen for less than a minute at a time is not told', () => {
  const comesAndGoes = Array.from({ length: 20 }, () => [...forSeconds(50, HOUR_MS), null]).flat();
  assert.deepEqual(new Set(told(comesAndGoes)), new Set([null]));
});

test('one that is further away than two days is not told', () => {
  assert.deepEqual(new Set(told(forSeconds(200, 49 * HOUR_MS))), new Set([null]));
});

test('what is told stays told until it is further away than three days for a minute', () => {
  const near = forSeconds(70, HOUR_MS);
  assert.equal(told([...near, ...forSeconds(200, 71 * HOUR_MS)]).at(-1), 71 * HOUR_MS);
  const far = told([...near, ...forSeconds(70, 73 * HOUR_MS)]);
  assert.equal(far[129], HOUR_MS - 60_000, 'meanwhile the last one comes nearer');
  assert.equal(far.at(-1), null);
  assert.equal(told([...near, ...forSeconds(59, null)]).at(-1), HOUR_MS - 59_000);
  assert.equal(told([...near, ...forSeconds(62, null)]).at(-1), null);
});

test('an end that has come is told as now', () => {
  assert.equal(told([...forSeconds(70, 5_000), ...forSeconds(10, null)]).at(-1), 0);
});
