// What is remembered of files that failed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { FailedFiles } from '../../src/drain/failed-files.ts';
import { SpoolPath } from '../../src/spool/entry.ts';

test('remembers no more files than it may, and forgets first whoever failed longest ago', () => {
  const failed = new FailedFiles(2);
  for (const name of ['a', 'b', 'a', 'c']) failed.of(SpoolPath.from(name)).failures += 1;
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => failed.has(SpoolPath.from(name))),
    [true, false, true],
  );
  assert.equal(failed.of(SpoolPath.from('a')).failures, 2);
});
