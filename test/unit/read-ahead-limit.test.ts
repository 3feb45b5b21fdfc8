import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadAheadLimit } from '../../src/drain/read-ahead-limit.ts';

const IDLE = { idleMs: 60, longestWaitMs: 0 };
const USED = { idleMs: 50, longestWaitMs: 0 };
const READY = { active: 16, workWaiting: true, busyShare: 0 };
const STARVED = { active: 3, workWaiting: false, busyShare: 0 };

/** The limit after each of these observations, while 16 uploads may run. */
function limits(...seen: (readonly [typeof IDLE, typeof READY])[]): number[] {
  const limit = new ReadAheadLimit();
  return seen.map(([use, demand]) => {
    limit.observe(use, 100, demand, 16);
    return limit.current;
  });
}

test('without a sign of an idle link, there is no limit', () => {
  assert.equal(new ReadAheadLimit().current, Number.POSITIVE_INFINITY);
  assert.deepEqual(limits([USED, STARVED]), [Number.POSITIVE_INFINITY]);
});

test('while the link is idle and files wait, fewer are read ahead, but enough for the uploads', () => {
  const seen = limits(...Array.from({ length: 12 }, () => [IDLE, READY] as const));
  assert.deepEqual(seen.slice(0, 3), [192, 144, 108]);
  assert.equal(seen.at(-1), 16);
});

test('while the uploads wait for files to be read, more are read at once', () => {
  const fewer = Array.from({ length: 12 }, () => [IDLE, READY] as const);
  const seen = limits(...fewer, ...Array.from({ length: 5 }, () => [IDLE, STARVED] as const));
  assert.deepEqual(seen.slice(12), [32, 64, 128, 256, 256]);
});

test('as many uploads as may run are enough, although no file waits', () => {
  assert.deepEqual(limits([IDLE, { ...READY, workWaiting: false }]), [192]);
});

test('once the link is used again, there is no limit', () => {
  assert.deepEqual(limits([IDLE, READY], [USED, READY])[1], Number.POSITIVE_INFINITY);
});
