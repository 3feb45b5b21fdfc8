import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyMemory } from '../../src/store/s3/key-memory.ts';

test('remembers keys until they are found free', () => {
  const keys = new KeyMemory();
  keys.add('a');
  assert.deepEqual([keys.has('a'), keys.has('b')], [true, false]);
  keys.forget('a');
  assert.equal(keys.has('a'), false);
});

test('remembers no more keys than it may, and forgets first what was met longest ago', () => {
  const keys = new KeyMemory(2);
  for (const key of ['a', 'b', 'a', 'c']) keys.add(key);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => keys.has(key)),
    [true, false, true],
  );
});
