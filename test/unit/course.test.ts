// When work is done, and a disk full, while the speed changes at known times.
import assert from 'node:assert/strict';
import test from 'node:test';
import { endOf, fullAt, type Stretch } from '../../src/outlook/course.ts';

const NEVER = Number.POSITIVE_INFINITY;
const STEADY: readonly Stretch[] = [{ fromMs: 0, speed: 1 }];
/** Nothing for 1 s, half speed for 2 s, then double. */
const RISING: readonly Stretch[] = [
  { fromMs: 0, speed: 0 },
  { fromMs: 1_000, speed: 0.5 },
  { fromMs: 3_000, speed: 2 },
];

for (const [what, workMs, load, stretches, expected] of [
  ['takes as long as the work', 5_000, 0, STEADY, 5_000],
  ['takes longer by what arrives', 5_000, 0.5, STEADY, 10_000],
  ['never ends if as much arrives as leaves', 5_000, 1, STEADY, NEVER],
  ['is over at once without work', 0, 0, STEADY, 0],
  ['is over at once without work, whatever arrives', 0, 0.9, STEADY, 0],
  ['waits for the speed to come', 500, 0, RISING, 2_000],
  ['ends where a stretch ends', 1_000, 0, RISING, 3_000],
  ['goes on in the next stretch', 2_000, 0, RISING, 3_500],
  ['grows until the speed is enough', 1_000, 1, RISING, 6_000],
  ['never ends if the last speed is too low', 5_000, 1, [...RISING, { fromMs: 4_000, speed: 0.5 }], NEVER],
] as const)
  test(`the work ${what}`, () => assert.equal(endOf(workMs, load, stretches), expected));

for (const [what, room, arrives, leaves, stretches, endMs, expected] of [
  ['is full when the room is used', 1_000, 1, 0, STEADY, NEVER, 1_000],
  ['is never full if as much leaves', 1_000, 1, 1, STEADY, NEVER, null],
  ['is not full before the end that is looked for', 1_000, 1, 0, STEADY, 999, null],
  ['is full before the speed comes', 900, 1, 1, RISING, NEVER, 900],
  ['is full in a later stretch', 1_500, 1, 1, RISING, NEVER, 2_000],
  ['is not full if the speed comes in time', 2_500, 1, 1, RISING, NEVER, null],
  ['is full at once without room', 0, 1, 0, STEADY, NEVER, 0],
] as const)
  test(`the disk ${what}`, () =>
    assert.equal(
      fullAt(room, (speed) => arrives - leaves * speed, stretches, endMs),
      expected,
    ));
