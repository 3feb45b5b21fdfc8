import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratesOn } from '../../src/pace/link-rates.ts';

for (const [what, allowance, limits] of [
  ['shares', { share: 0.5, floor: { share: 0.01 } }, { targetBytesPerSec: 6.25e6, floorBytesPerSec: 125e3 }],
  [
    'a rate',
    { share: 0.5, floor: { bitsPerSec: 2e6 } },
    { targetBytesPerSec: 6.25e6, floorBytesPerSec: 250e3 },
  ],
  [
    'more than the target',
    { share: 0.1, floor: { share: 0.2 } },
    { targetBytesPerSec: 1.25e6, floorBytesPerSec: 1.25e6 },
  ],
] as const)
  test(`a floor of ${what}, in bytes per second, is at most the target`, () => {
    assert.deepEqual(ratesOn(100e6, allowance), limits);
  });
