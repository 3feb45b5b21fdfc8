import assert from 'node:assert/strict';
import { test } from 'node:test';
import { movable } from '../../src/thread/messages.ts';

const bytes = Buffer.from('some bytes of a larger buffer').subarray(5, 10);

test('a copy has memory of its own, and no more than it needs', () => {
  const copy = movable(bytes);
  assert.deepEqual([...copy], [...bytes]);
  assert.equal(copy.buffer.byteLength, 5);
});

test('a copy goes where another has been, if it fits there', () => {
  const empty = new ArrayBuffer(8);
  const copy = movable(bytes, empty);
  assert.equal(copy.buffer, empty);
  assert.deepEqual([...copy], [...bytes]);
});

test('a copy that does not fit where another has been gets its own memory', () => {
  const copy = movable(bytes, new ArrayBuffer(4));
  assert.deepEqual([...copy], [...bytes]);
});
