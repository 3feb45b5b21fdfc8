import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastMemoryBytes, PartPlanner } from '../../src/store/part-plan.ts';

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
    const plan = new PartPlanner({ partSizeBytes: configured }).plan(sizeBytes);
    assert.partialDeepStrictEqual(plan, { isWhole: false, partSizeBytes, partCount, partsAtOnce });
  });
}

test('a file of the size of one part is sent whole, and one byte more is not', () => {
  for (const partSizeBytes of [8 * MIB, 1 * MIB]) {
    const parts = new PartPlanner({ partSizeBytes });
    assert.deepEqual(
      [0, partSizeBytes, partSizeBytes + 1].map((sizeBytes) => parts.plan(sizeBytes).isWhole),
      [true, true, false],
    );
  }
});

test('counts the memory of a small file as its size and of a large one as its parts in flight', () => {
  const parts = new PartPlanner({ partSizeBytes: 8 * MIB });
  assert.deepEqual(
    [100, 300 * MIB, 9 * MIB].map((sizeBytes) => parts.plan(sizeBytes).memoryBytes),
    [100, 40 * MIB, 9 * MIB],
  );
});

test('the largest file is one whose parts fit into the memory, two at a time', () => {
  const within = (memoryBytes: number) => new PartPlanner({ partSizeBytes: 8 * MIB, memoryBytes });
  assert.equal(within(48 * MIB).largestBytes, 10_000 * 24 * MIB);
  assert.equal(within(3 * MIB).largestBytes, 10_000 * 8 * MIB, 'parts as configured always count as fitting');
  assert.equal(within(1_024 * GIB).largestBytes, 10_000 * 5 * GIB, 'and no part has more than 5 GiB');
  for (const memoryBytes of [48 * MIB, 100 * MIB, 1 * GIB]) {
    const parts = within(memoryBytes);
    assert.ok(parts.plan(parts.largestBytes).memoryBytes <= memoryBytes);
    assert.ok(parts.plan(parts.largestBytes + 1).memoryBytes > memoryBytes);
    assert.ok(leastMemoryBytes(parts.largestBytes) <= memoryBytes, 'which the hint for a larger one names');
  }
});

test('as many parts are in flight as fit into the memory, at least one and no more than asked for', () => {
  assert.deepEqual(
    [1, 8, 24, 40, 48, 1_000].map((mib) => {
      const parts = new PartPlanner({ partSizeBytes: 8 * MIB, memoryBytes: mib * MIB });
      return parts.plan(300 * MIB).partsAtOnce;
    }),
    [1, 1, 2, 4, 4, 4],
  );
});
