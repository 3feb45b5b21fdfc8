// A ring of samples: what it remembers, where a window begins, and counts that are spread in hindsight.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SampleRing } from '../../src/outlook/sample-ring.ts';

function ringOf(capacity: number, values: readonly number[]): SampleRing<'count'> {
  const ring = new SampleRing(['count'], capacity);
  for (const [second, count] of values.entries()) ring.add(second * 1_000, { count });
  return ring;
}

const valuesOf = (ring: SampleRing<'count'>) =>
  Array.from({ length: ring.size }, (_, index) => ring.value('count', index));

test('remembers the last samples, and forgets the oldest', () => {
  const ring = ringOf(3, [1, 2, 3, 4, 5]);
  assert.deepEqual(valuesOf(ring), [3, 4, 5]);
  assert.deepEqual([ring.firstAtMs, ring.lastAtMs], [2_000, 4_000]);
  assert.ok(Number.isNaN(ring.value('count', 3)) && Number.isNaN(ring.value('count', -1)));
  assert.ok(Number.isNaN(ringOf(3, []).lastAtMs));
});

for (const [atMs, index] of [
  [-1, 0],
  [2_000, 0],
  [2_999, 0],
  [3_000, 1],
  [9_999, 2],
] as const)
  test(`a window from ${atMs} ms on begins with sample ${index}`, () => {
    assert.equal(ringOf(3, [1, 2, 3, 4, 5]).indexBefore(atMs), index);
  });

test('a step that a scan has counted is spread over the time since the scan before', () => {
  const ring = ringOf(9, [0, 10, 10, 10, 50]);
  ring.spread('count', 1_200);
  assert.deepEqual(valuesOf(ring).map(Math.round), [0, 10, 23, 37, 50]);
});

test('where nothing was counted, nothing is spread', () => {
  const ring = ringOf(9, [0, 10, 10, 10]);
  ring.spread('count', 0);
  assert.deepEqual(valuesOf(ring), [0, 10, 10, 10]);
});
