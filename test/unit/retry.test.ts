// When a deferred file is tried again.
import assert from 'node:assert/strict';
import test from 'node:test';
import { retryDelayMs } from '../../src/drain/retry.ts';

const POLICY = { initialMs: 1_000, maxMs: 60_000 };
const NEARLY_ONE = 1 - Number.EPSILON;

for (const { attempt, longestMs } of [
  { attempt: 1, longestMs: 1_000 },
  { attempt: 2, longestMs: 2_000 },
  { attempt: 6, longestMs: 32_000 },
  { attempt: 7, longestMs: 60_000 },
  { attempt: 5_000, longestMs: 60_000 },
]) {
  test(`spreads the delay after attempt ${attempt} over ${longestMs / 2} to ${longestMs} ms`, () => {
    assert.equal(retryDelayMs(POLICY, attempt, 0), longestMs / 2);
    assert.equal(Math.round(retryDelayMs(POLICY, attempt, NEARLY_ONE)), longestMs);
  });
}

test('is never sooner than the store asked for, and not later for it either', () => {
  assert.equal(retryDelayMs(POLICY, 1, 0.5, 5_000), 5_000);
  assert.equal(retryDelayMs(POLICY, 6, 0, 5_000), 16_000);
  assert.equal(retryDelayMs(POLICY, 1, 0, 90_000), 90_000, 'not even the longest delay of ours');
});
