import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Outbox } from '../../src/thread/outbox.ts';

function outbox() {
  const posted: [messages: readonly number[], moved: readonly ArrayBuffer[]][] = [];
  const box = new Outbox<number>((messages, moved) => void posted.push([messages, moved]));
  return { box, posted };
}

test('the messages of one turn are posted together, in order, with the memory that is moved', async () => {
  const { box, posted } = outbox();
  const memory = new ArrayBuffer(1);
  box.put(1);
  box.put(2, memory);
  assert.deepEqual(posted, []);
  await nextTurn();
  assert.deepEqual(posted, [[[1, 2], [memory]]]);
});

test('those of the next turn are posted anew, and of a turn without any, nothing is', async () => {
  const { box, posted } = outbox();
  box.put(1);
  await nextTurn();
  await nextTurn();
  box.put(2);
  await nextTurn();
  assert.deepEqual(posted, [
    [[1], []],
    [[2], []],
  ]);
});

test('what is flushed before the end of its turn is posted once', async () => {
  const { box, posted } = outbox();
  box.put(1);
  box.flush();
  await nextTurn();
  assert.deepEqual(posted, [[[1], []]]);
});
