import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMost } from '../../src/system/at-most.ts';
import { SimClock, settlePromises } from '../support/sim-clock.ts';

test('a wait ends when what it is for has come, and leaves no timer', async () => {
  const clock = new SimClock();
  await atMost(1_000, Promise.resolve(), clock);
  assert.equal(clock.pending, 0);
});

test('a wait ends when its time is over', async () => {
  const clock = new SimClock();
  let isOver = false;
  void atMost(1_000, new Promise(() => undefined), clock).then(() => {
    isOver = true;
  });
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);
  await settlePromises();
  assert.equal(isOver, true);
});

test('a wait for what fails rejects, and leaves no timer', async () => {
  const clock = new SimClock();
  await assert.rejects(atMost(1_000, Promise.reject(new Error('failed')), clock), /failed/);
  assert.equal(clock.pending, 0);
});
