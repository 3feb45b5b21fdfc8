// When the whole drain pauses, for how long, and what ends it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Breaker } from '../../src/drain/breaker.ts';

const PROBE_MS = 1_000;

/** A breaker that a first upload has closed. */
function closed(): Breaker {
  const breaker = new Breaker(PROBE_MS);
  breaker.succeed();
  return breaker;
}

test('a start is a trial: one upload, and no pause to report when it passes', () => {
  const breaker = new Breaker(PROBE_MS);
  assert.equal(breaker.allows(0), 'trial');
  assert.equal(breaker.reason, undefined);
  assert.equal(breaker.succeed(), false);
  assert.equal(breaker.allows(0), 'all');
});

test('a first upload that fails is a failed trial: the wait is twice the first', () => {
  const breaker = new Breaker(PROBE_MS);
  breaker.fail({ message: 'denied' }, 0);
  assert.equal(breaker.waitMs(0), 2_000);
});

test('a pause has one alarm, however many uploads fail in it', () => {
  const breaker = closed();
  assert.equal(breaker.fail({ message: 'no such bucket' }, 0), true);
  for (let failure = 0; failure < 5; failure += 1)
    assert.equal(breaker.fail({ message: 'no such bucket' }, 10), false);
  assert.equal(breaker.reason?.message, 'no such bucket');
});

test('nothing is sent until the wait is over, then one trial', () => {
  const breaker = closed();
  breaker.fail({ message: 'denied' }, 100);
  assert.equal(breaker.allows(100), 'none');
  assert.equal(breaker.waitMs(600), 500);
  assert.equal(breaker.allows(1_099), 'none');
  assert.equal(breaker.allows(1_100), 'trial');
  assert.equal(breaker.waitMs(1_100), 0);
  assert.equal(breaker.reason?.message, 'denied', 'the operator still hears what the trial is about');
});

test('uploads that were in flight when the pause began do not lengthen it', () => {
  const breaker = closed();
  breaker.fail({ message: 'denied' }, 0);
  breaker.fail({ message: 'denied' }, 900);
  assert.equal(breaker.allows(1_000), 'trial');
});

test('the wait doubles with each failed trial, up to eight times the first', () => {
  const breaker = closed();
  let nowMs = 0;
  const waits = [];
  for (let trial = 0; trial < 6; trial += 1) {
    breaker.fail({ message: 'denied' }, nowMs);
    waits.push(breaker.waitMs(nowMs));
    nowMs += breaker.waitMs(nowMs);
    breaker.allows(nowMs);
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
});

test('the wait is the first one again after a success', () => {
  const breaker = closed();
  breaker.fail({ message: 'denied' }, 0);
  breaker.allows(1_000);
  breaker.fail({ message: 'denied' }, 1_000);
  assert.equal(breaker.succeed(), true, 'a pause ended');
  assert.equal(breaker.reason, undefined);
  breaker.fail({ message: 'denied' }, 5_000);
  assert.equal(breaker.waitMs(5_000), 1_000);
});

for (const { retryAfterMs, waitMs } of [
  { retryAfterMs: 30_000, waitMs: 30_000 },
  { retryAfterMs: 10, waitMs: 1_000 },
]) {
  test(`a Retry-After of ${retryAfterMs} ms makes a wait of ${waitMs} ms`, () => {
    const breaker = closed();
    breaker.fail({ message: 'busy' }, 0, retryAfterMs);
    assert.equal(breaker.waitMs(0), waitMs);
  });
}

test('an upload from before the pause that goes through ends it', () => {
  const breaker = closed();
  breaker.fail({ message: 'denied' }, 0);
  assert.equal(breaker.succeed(), true);
  assert.equal(breaker.allows(0), 'all');
  assert.equal(breaker.waitMs(0), 0, 'nothing is left to wait for');
});

test('trying at once ends the wait, not the pause', () => {
  const breaker = closed();
  breaker.fail({ message: 'denied' }, 0);
  breaker.retryNow(1);
  assert.equal(breaker.allows(1), 'trial');
  assert.equal(breaker.reason?.message, 'denied');
});

test('another probe interval counts from the next failure on', () => {
  const breaker = closed();
  breaker.setProbeInterval(50);
  breaker.fail({ message: 'denied' }, 0);
  assert.equal(breaker.waitMs(0), 50);
});
