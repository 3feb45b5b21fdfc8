// Which files scans pass over.
import assert from 'node:assert/strict';
import test from 'node:test';
import { PostponedPaths } from '../../src/backlog/postponed-paths.ts';
import { SpoolPath } from '../../src/spool/entry.ts';

const path = (name: string) => SpoolPath.from(name);

test('passes over no more files than it may, and forgets first whoever failed longest ago', () => {
  const postponed = new PostponedPaths(2);
  for (const name of ['a', 'b', 'c']) postponed.add(path(name), 0);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((name) => postponed.has(path(name))),
    [false, true, true, false],
  );
});

test('they are due when the last of them is', () => {
  const postponed = new PostponedPaths();
  postponed.add(path('a'), 2_000);
  postponed.add(path('b'), 1_000);
  assert.deepEqual([postponed.areDue(1_999), postponed.areDue(2_000)], [false, true]);
});
