import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planParts, uploadMemoryBytes } from '../../src/store/part-plan.ts';

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
  assert.equal(uploadMemoryBytes(300 * MIB, 8 * MIB, 4), 48 * MIB);
  assert.equal(uploadMemoryBytes(9 * MIB, 8 * MIB, 4), 9 * MIB);
});
