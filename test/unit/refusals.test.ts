// When packets rest because the store refuses them all.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusals } from '../../src/packets/refusals.ts';

const MINUTE = 60_000;

test('the fourth refusal in a row begins a rest, and each packet that is refused after one a longer rest', () => {
  const refusals = new Refusals();
  const rests = Array.from({ length: 12 }, () => refusals.refused());
  const minutes = rests.map((rest) => (rest === undefined ? 0 : rest / MINUTE));
  assert.deepEqual(minutes, [0, 0, 0, 10, 20, 40, 80, 160, 320, 360, 360, 360]);
});

test('a packet that is stored in between begins the count anew', () => {
  const refusals = new Refusals();
  for (let round = 0; round < 3; round += 1) {
    for (let refused = 0; refused < 3; refused += 1) assert.equal(refusals.refused(), undefined);
    refusals.forget();
  }
});
