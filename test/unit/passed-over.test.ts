// Which files scans pass over.
import assert from 'node:assert/strict';
import test from 'node:test';
import { PassedOver } from '../../src/backlog/passed-over.ts';
import { SpoolPath } from '../../src/spool/entry.ts';

const path = (name: string) => SpoolPath.from(name);

test('passes over no more files than it may, and forgets first whoever failed longest ago', () => {
  const passedOver = new PassedOver(2);
  for (const name of ['a', 'b', 'c']) passedOver.add(path(name), 0);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((name) => passedOver.has(path(name))),
    [false, true, true, false],
  );
});

test('they are due when the last of them is', () => {
  const passedOver = new PassedOver();
  passedOver.add(path('a'), 2_000);
  passedOver.add(path('b'), 1_000);
  assert.deepEqual([passedOver.areDue(1_999), passedOver.areDue(2_000)], [false, true]);
});
