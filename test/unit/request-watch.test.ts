import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/system/clock.ts';
import { RequestWatch } from '../../src/transport/request-watch.ts';

/** One timer at a time is all a watch needs. */
class OneTimerClock implements Clock {
  nowMs = 0;
  #dueMs = Number.POSITIVE_INFINITY;
  #callback: () => void = () => undefined;

  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
  sleep(): Promise<void> {
    return Promise.reject(new Error('nothing sleeps here'));
  }
  schedule(ms: number, callback: () => void): () => void {
    this.#dueMs = this.nowMs + ms;
    this.#callback = callback;
    return () => {
      this.#dueMs = Number.POSITIVE_INFINITY;
    };
  }
  get armed(): boolean {
    return Number.isFinite(this.#dueMs);
  }
  advanceTo(ms: number): void {
    while (this.#dueMs <= ms) {
      this.nowMs = this.#dueMs;
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#callback();
    }
    this.nowMs = ms;
  }
}

function watched(deadlineMs: number, idleTimeoutMs: number) {
  const clock = new OneTimerClock();
  const expired: [number, unknown][] = [];
  const aliveAtMs: number[] = [];
  const onAlive = () => void aliveAtMs.push(clock.nowMs);
  const watch = new RequestWatch(clock, { deadlineMs, idleTimeoutMs, onAlive }, (error) => {
    assert.equal(error.name, 'TimeoutError');
    expired.push([clock.nowMs, Reflect.get(error, 'code')]);
  });
  watch.start();
  return { clock, watch, expired, aliveAtMs };
}

test('expires once after silence, counted from the start when there is no connection', () => {
  const { clock, expired } = watched(1_000, 100);
  clock.advanceTo(5_000);
  assert.deepEqual(expired, [[100, 'ERR_REQUEST_IDLE']]);
  assert.equal(clock.armed, false);
});

test('bytes on the connection are signs of life, up to the deadline', () => {
  const { clock, watch, expired } = watched(1_000, 100);
  let carried = 0;
  watch.observe({ deliveredBytes: () => 0, answeredBytes: () => carried });
  for (let ms = 50; ms <= 2_000; ms += 50) {
    carried += 1;
    clock.advanceTo(ms);
  }
  assert.deepEqual(expired, [[1_000, 'ERR_REQUEST_DEADLINE']]);
});

test('tells of signs of life at least once in each time that may be silent, and of nothing else', () => {
  const { clock, watch, aliveAtMs } = watched(1_000, 100);
  let carried = 0;
  watch.observe({ deliveredBytes: () => 0, answeredBytes: () => carried });
  for (let ms = 50; ms <= 350; ms += 50) {
    carried += 1;
    clock.advanceTo(ms);
  }
  assert.deepEqual(aliveAtMs, [100, 200, 300]);
  clock.advanceTo(2_000);
  assert.deepEqual(aliveAtMs, [100, 200, 300, 400]);
});

test('the deadline is put off while bytes arrive at the other side, and silence is not', () => {
  // Regression: on a slow line a part took longer than the deadline, and was sent again, and again.
  const { clock, watch, expired } = watched(1_000, 100);
  let delivered = 0;
  watch.observe({ deliveredBytes: () => delivered, answeredBytes: () => 0 });
  for (let ms = 50; ms <= 5_000; ms += 50) {
    delivered += 1_400;
    clock.advanceTo(ms);
  }
  assert.deepEqual(expired, []);
  clock.advanceTo(10_000);
  assert.deepEqual(expired, [[5_100, 'ERR_REQUEST_IDLE']]);
});

test('neither limit runs while the bytes wait for their turn', () => {
  const { clock, watch, expired } = watched(1_000, 100);
  watch.pause();
  clock.advanceTo(50_000);
  assert.deepEqual(expired, []);
  watch.resume();
  clock.advanceTo(50_099);
  assert.deepEqual(expired, []);
  clock.advanceTo(60_000);
  assert.equal(expired.length, 1);
  assert.ok((expired[0]?.[0] ?? 0) <= 50_200);
});

test('the deadline is put off by exactly the time of waiting', () => {
  const { clock, watch, expired } = watched(1_000, 10_000);
  clock.advanceTo(400);
  watch.pause();
  clock.advanceTo(5_400);
  watch.resume();
  clock.advanceTo(5_999);
  assert.deepEqual(expired, []);
  clock.advanceTo(6_000);
  assert.deepEqual(expired, [[6_000, 'ERR_REQUEST_DEADLINE']]);
});

test('stopped, it never expires', () => {
  const { clock, watch, expired } = watched(1_000, 100);
  watch.stop();
  clock.advanceTo(10_000);
  assert.deepEqual(expired, []);
});
