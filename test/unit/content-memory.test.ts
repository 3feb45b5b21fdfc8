import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContentMemory } from '../../src/system/content-memory.ts';

test('memory that came back is lent again, for contents of about the same size', () => {
  const memory = new ContentMemory(100_000);
  const first = memory.take(20_000);
  assert.equal(first.byteLength, 20_000);
  memory.giveBack(first);
  const second = memory.take(19_000);
  assert.equal(second.buffer, first.buffer);
  assert.equal(second.byteLength, 19_000);
  assert.notEqual(memory.take(20_000).buffer, first.buffer);
});

test('memory that is lent or was dropped is not lent again', () => {
  const memory = new ContentMemory(100_000);
  const [lent, dropped] = [memory.take(5_000), memory.take(5_000)];
  memory.drop(dropped);
  const buffers = new Set([lent, dropped, memory.take(5_000)].map(({ buffer }) => buffer));
  assert.equal(buffers.size, 3);
});

test('a content of any size fits into its block, with at most a quarter of waste', () => {
  const memory = new ContentMemory(0);
  for (const byteLength of [0, 1, 4_096, 4_097, 20_000, 32_768, 32_769, 8 * 1024 ** 2, 8 * 1024 ** 2 + 1]) {
    const { buffer, byteLength: taken } = memory.take(byteLength);
    assert.equal(taken, byteLength);
    assert.ok(buffer.byteLength >= byteLength, `${byteLength}`);
    assert.ok(buffer.byteLength <= Math.max(4_096, 1.25 * byteLength), `${byteLength}: ${buffer.byteLength}`);
  }
});

test('beyond its maximum it forgets the memory of the size that came back longest ago', () => {
  const memory = new ContentMemory(70_000);
  const [old, one, other] = [memory.take(32_000), memory.take(16_000), memory.take(16_000)];
  for (const content of [old, one, other]) memory.giveBack(content);
  memory.giveBack(memory.take(16_000));
  assert.equal(memory.take(16_000).buffer, other.buffer);
  assert.equal(memory.take(32_000).buffer, old.buffer);
  memory.giveBack(old);
  const more = [1, 2].map(() => memory.take(24_000));
  for (const content of more) memory.giveBack(content);
  assert.notEqual(memory.take(32_000).buffer, old.buffer);
});

test('what it forgets is not lent again', () => {
  const memory = new ContentMemory(100_000);
  const content = memory.take(5_000);
  memory.giveBack(content);
  memory.forget();
  assert.notEqual(memory.take(5_000).buffer, content.buffer);
});

test('memory from elsewhere is not kept', () => {
  const memory = new ContentMemory(100_000);
  const foreign = Buffer.alloc(5_000);
  memory.giveBack(foreign);
  assert.notEqual(memory.take(5_000).buffer, foreign.buffer);
});
