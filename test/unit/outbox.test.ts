import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Outbox } from '../../src/thread/outbox.ts';
import { SimClock } from '../support/sim-clock.ts';

function outbox() {
  const posted: [messages: readonly number[], moved: readonly ArrayBuffer[]][] = [];
  const clock = new SimClock();
  const box = new Outbox<number>(clock, (messages, moved) => void posted.push([messages, moved]));
  return { box, clock, posted };
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

test('a patient message waits for others, and no longer than it may', async () => {
  const { box, clock, posted } = outbox();
  box.put(1, undefined, 5);
  await nextTurn();
  await clock.advance(3);
  box.put(2, undefined, 5);
  assert.deepEqual(posted, []);
  await clock.advance(2);
  assert.deepEqual(posted, [[[1, 2], []]]);
});

test('a message without patience takes those along that wait, in order and once', async () => {
  const { box, clock, posted } = outbox();
  box.put(1, undefined, 5);
  box.put(2);
  await nextTurn();
  assert.deepEqual(posted, [[[1, 2], []]]);
  await clock.advance(10);
  assert.deepEqual(posted, [[[1, 2], []]]);
});
