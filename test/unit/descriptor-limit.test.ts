// How many transfers may be at work when descriptors are few.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DescriptorLimit } from '../../src/drain/descriptor-limit.ts';

test('descriptors that ran out halve the transfers at once, and each further minute of successes doubles them', () => {
  // A moment without descriptors left one transfer at a time until the next reload.
  const limit = new DescriptorLimit();
  limit.sufficed(0);
  assert.equal(limit.transfers, Number.POSITIVE_INFINITY);
  limit.ranOut(9, 100_000);
  for (const { nowMs, transfers } of [
    { nowMs: 100_000, transfers: 4 },
    { nowMs: 159_999, transfers: 4 },
    { nowMs: 160_000, transfers: 8 },
    { nowMs: 219_999, transfers: 8 },
    { nowMs: 900_000, transfers: 16 },
    { nowMs: 900_001, transfers: 16 },
  ]) {
    limit.sufficed(nowMs);
    assert.equal(limit.transfers, transfers, `at ${nowMs} ms`);
  }
});

test('one transfer is always at work, however few descriptors there are', () => {
  const limit = new DescriptorLimit();
  limit.ranOut(1, 0);
  assert.equal(limit.transfers, 1);
});
