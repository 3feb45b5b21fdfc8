import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from '../../src/spool/arrivals.ts';

test('a name that appeared and was not written to was renamed into place', () => {
  const arrivals = new Arrivals();
  assert.equal(arrivals.wasRenamed('f', 1), false);
  arrivals.renamed('f');
  assert.equal(arrivals.wasRenamed('f', 1), true);
  arrivals.written('f');
  assert.equal(arrivals.wasRenamed('f', 1), false);
});

test('an empty file may have been made in place', () => {
  const arrivals = new Arrivals();
  arrivals.renamed('f');
  assert.equal(arrivals.wasRenamed('f', 0), false);
});

test('remembers the latest names up to its bound, and none once cleared', () => {
  const arrivals = new Arrivals(2);
  for (const id of ['a', 'b', 'a', 'c']) arrivals.renamed(id);
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => arrivals.wasRenamed(id, 1)),
    [true, false, true],
  );
  arrivals.clear();
  assert.equal(arrivals.wasRenamed('a', 1), false);
});
