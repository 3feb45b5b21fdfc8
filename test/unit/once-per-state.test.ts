import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OncePerState } from '../../src/log/once-per-state.ts';
import { SimClock } from '../support/sim-clock.ts';

const PERIOD_MS = 60_000;

function noting() {
  const clock = new SimClock();
  const states = new OncePerState(clock, PERIOD_MS);
  const told: string[] = [];
  const note = (state: string, condition = 'link') =>
    states.note({ condition, state }, (repeats) => told.push(`${state}+${repeats}`));
  return { clock, states, told, note };
}

test('a state is told at once, and while it is noted again and again, once a period with the count', async () => {
  const { clock, told, note } = noting();
  for (let second = 0; second < 150; second += 1) {
    note('down');
    await clock.advance(1_000);
  }
  assert.deepEqual(told, ['down+0', 'down+59', 'down+60']);
});

test('the first change to each state is told at once', () => {
  const { told, note } = noting();
  note('down');
  note('up');
  assert.deepEqual(told, ['down+0', 'up+0']);
});

test('what comes and goes is two lines a period, and the last line is true', async () => {
  for (const last of ['up', 'down']) {
    const { clock, told, note } = noting();
    for (let at = 0; at < 170; at += 1) {
      note(at % 2 === 0 ? 'down' : 'up');
      await clock.advance(700);
    }
    if (last === 'down') note('down');
    await clock.advance(2 * PERIOD_MS);
    assert.equal(told.at(-1)?.split('+')[0], last);
    assert.ok(told.length <= 7, told.join());
  }
});

test('a state that is over when its period ends is not told', async () => {
  const { clock, told, note } = noting();
  for (const state of ['down', 'up', 'down', 'up']) note(state);
  await clock.advance(PERIOD_MS);
  assert.deepEqual(told, ['down+0', 'up+0', 'up+1']);
});

test('a state that was quiet for a period is news again', async () => {
  const { clock, told, note } = noting();
  note('down');
  await clock.advance(PERIOD_MS);
  note('down');
  assert.deepEqual(told, ['down+0', 'down+0']);
});

test('conditions do not hold back each other', () => {
  const { told, note } = noting();
  note('held', 'cam1/');
  note('held', 'cam2/');
  assert.equal(told.length, 2);
});

test('the end tells what is held back and still so, and nothing later', async () => {
  const { clock, states, told, note } = noting();
  for (const state of ['down', 'up', 'down', 'down']) note(state);
  states.stop();
  assert.deepEqual(told, ['down+0', 'up+0', 'down+2']);
  await clock.advance(10 * PERIOD_MS);
  assert.equal(told.length, 3);
});

test('beyond so many states at once, those of one condition share a line', async () => {
  const { clock, told, note } = noting();
  for (let at = 0; at < 5_000; at += 1) note(`${at}`);
  assert.ok(told.length <= 2_001, `${told.length}`);
  await clock.advance(2 * PERIOD_MS);
  note('later');
  assert.equal(told.at(-1), 'later+0');
});
