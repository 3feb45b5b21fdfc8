// A whole day with a timetable: what is known to change is foretold, on every second of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DAYS, figuresOf } from '../bench/forecast-days.ts';

const NAME = 'a drop at 9, and a timetable: 30 % by day, 80 % at night';

test(`${NAME}: each range that is told holds the real end`, () => {
  const life = DAYS[NAME] ?? assert.fail();
  const { told, within, medianWidth, changes } = figuresOf(life);
  assert.ok(told > 10 * 3_600, `${told} seconds`);
  assert.equal(within, 1);
  assert.ok(medianWidth < 0.35, `${medianWidth}`);
  assert.ok(changes <= 4, `${changes} changes`);
});
