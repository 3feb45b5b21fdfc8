import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  largestFileBytes,
  partsAtOnceWithin,
  planParts,
  uploadMemoryBytes,
} from '../../src/store/part-plan.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

for (const [sizeBytes, configured, partSizeBytes, partCount, partsAtOnce] of [
  [16 * MIB + 1, 8 * MIB, 8 * MIB, 3, 4],
  [16 * MIB, 8 * MIB, 8 * MIB, 2, 4],
  [11 * MIB, 1 * MIB, 5 * MIB, 3, 4],
  [10_000 * 8 * MIB, 8 * MIB, 8 * MIB, 10_000, 4],
  [10_000 * 8 * MIB + 1, 8 * MIB, 9 * MIB, 8_889, 3],
  [1_024 * GIB, 8 * MIB, 105 * MIB, 9_987, 1],
] as const) {
  test(`cuts ${sizeBytes} bytes into ${partCount} parts of ${partSizeBytes}`, () => {
    assert.deepEqual(planParts(sizeBytes, configured, 4), { partSizeBytes, partCount, partsAtOnce });
  });
}

test('counts the memory of a small file as its size and of a large one as its parts in flight', () => {
  assert.equal(uploadMemoryBytes(100, 8 * MIB, 4), 100);
  assert.equal(uploadMemoryBytes(300 * MIB, 8 * MIB, 4), 40 * MIB);
  assert.equal(uploadMemoryBytes(9 * MIB, 8 * MIB, 4), 9 * MIB);
});

test('the largest file is one whose parts fit into the memory, two at a time', () => {
  assert.equal(largestFileBytes(48 * MIB, 8 * MIB), 10_000 * 24 * MIB);
  assert.equal(
    largestFileBytes(3 * MIB, 8 * MIB),
    10_000 * 8 * MIB,
    'parts as configured always count as fitting',
  );
  assert.equal(largestFileBytes(1_024 * GIB, 8 * MIB), 10_000 * 5 * GIB, 'and no part has more than 5 GiB');
  for (const memoryBytes of [48 * MIB, 100 * MIB, 1 * GIB]) {
    const largest = largestFileBytes(memoryBytes, 8 * MIB);
    assert.ok(uploadMemoryBytes(largest, 8 * MIB, 4) <= memoryBytes);
    assert.ok(uploadMemoryBytes(largest + 1, 8 * MIB, 4) > memoryBytes);
  }
});

test('as many parts are in flight as fit into the memory, at least one and no more than asked for', () => {
  assert.deepEqual(
    [1, 8, 24, 40, 48, 1_000].map((mib) => partsAtOnceWithin(mib * MIB, 8 * MIB, 4)),
    [1, 1, 2, 4, 4, 4],
  );
});
