import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OncePerKind } from '../../src/log/once-per-kind.ts';
import { SimClock } from '../support/sim-clock.ts';

function storm(periodMs = 10_000) {
  const clock = new SimClock();
  const once = new OncePerKind(clock, periodMs);
  const told: string[] = [];
  const note = (kind: string, detail = kind) =>
    once.note(kind, (repeats) => told.push(`${detail}+${repeats}`));
  return { clock, once, told, note };
}

test('tells the first of each kind at once', () => {
  const { told, note } = storm();
  note('SlowDown');
  note('ECONNRESET');
  assert.deepEqual(told, ['SlowDown+0', 'ECONNRESET+0']);
});

test('a storm is one line a period, with its count and its latest detail', async () => {
  const { clock, told, note } = storm();
  for (let i = 0; i < 1000; i += 1) note('SlowDown', `file${i}`);
  assert.deepEqual(told, ['file0+0']);
  await clock.advance(10_000);
  assert.deepEqual(told, ['file0+0', 'file999+999']);
  note('SlowDown', 'late');
  await clock.advance(9_999);
  assert.equal(told.length, 2);
  await clock.advance(1);
  assert.deepEqual(told.slice(2), ['late+1']);
});

test('a kind that was quiet for a period is news again', async () => {
  const { clock, told, note } = storm();
  note('SlowDown');
  await clock.advance(10_000);
  note('SlowDown');
  assert.deepEqual(told, ['SlowDown+0', 'SlowDown+0']);
});

test('does not keep ever more kinds', () => {
  const { told, note } = storm();
  for (let i = 0; i < 1000; i += 1) note(`kind${i}`);
  assert.equal(told.length, 65);
});

test('stopping tells what was counted and nothing afterwards', async () => {
  const { clock, once, told, note } = storm();
  note('SlowDown');
  note('SlowDown');
  note('quiet');
  once.stop();
  assert.deepEqual(told, ['SlowDown+0', 'quiet+0', 'SlowDown+1']);
  await clock.advance(60_000);
  assert.equal(told.length, 3);
});
