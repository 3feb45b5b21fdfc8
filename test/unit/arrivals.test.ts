import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from '../../src/backlog/arrivals.ts';

const CONTENT = { sizeBytes: 1, mtimeNs: 5n };

test('a name that appeared and was not written to was renamed into place', () => {
  const arrivals = new Arrivals();
  assert.equal(arrivals.wasRenamed('f', CONTENT), false);
  arrivals.renamed('f');
  assert.equal(arrivals.wasRenamed('f', CONTENT), true);
  arrivals.written('f');
  assert.equal(arrivals.wasRenamed('f', CONTENT), false);
});

test('an empty file may have been made in place', () => {
  const arrivals = new Arrivals();
  arrivals.renamed('f');
  assert.equal(arrivals.wasRenamed('f', { ...CONTENT, sizeBytes: 0 }), false);
});

test('remembers the latest names up to its bound', () => {
  const arrivals = new Arrivals(2);
  for (const id of ['a', 'b', 'a', 'c']) arrivals.renamed(id);
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => arrivals.wasRenamed(id, CONTENT)),
    [true, false, true],
  );
});

test('unwatched, a name that was looked at stays renamed until its content is modified, any other is forgotten', () => {
  const arrivals = new Arrivals();
  arrivals.renamed('seen');
  arrivals.wasRenamed('seen', CONTENT);
  arrivals.renamed('unseen');
  arrivals.unwatched();
  assert.equal(arrivals.wasRenamed('seen', CONTENT), true);
  assert.equal(arrivals.wasRenamed('seen', { ...CONTENT, mtimeNs: 6n }), false);
  assert.equal(arrivals.wasRenamed('unseen', CONTENT), false);
});
