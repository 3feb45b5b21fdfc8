import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pause, Repeat } from '../../src/system/repeat.ts';
import { SimClock, settlePromises } from '../support/sim-clock.ts';

/** A loop whose runs last `lastMs` on the clock [they are synchronous], with the times they began at. */
function loopOf(options: { readonly pause?: Pause; readonly lastMs?: number } = {}) {
  const clock = new SimClock();
  const began: number[] = [];
  const signals: AbortSignal[] = [];
  const loop = new Repeat(
    clock,
    (signal) => {
      began.push(clock.monotonicMs());
      signals.push(signal);
      return options.lastMs === undefined ? undefined : clock.sleep(options.lastMs);
    },
    options.pause ?? 100,
  );
  return { clock, began, signals, loop };
}

test('nothing runs before the start, whatever is asked for', async () => {
  const { clock, began, loop } = loopOf();
  loop.soon(0);
  loop.now();
  assert.equal(clock.pending, 0);
  await clock.advance(1_000);
  assert.deepEqual(began, []);
});

test('the first run comes after a pause, and each further one after another', async () => {
  const { clock, began, loop } = loopOf();
  loop.start();
  await clock.advance(350);
  assert.deepEqual(began, [100, 200, 300]);
});

test('the first run begins within the call that asks for it', async () => {
  const { clock, began, loop } = loopOf();
  loop.startNow();
  assert.deepEqual(began, [0]);
  await clock.advance(250);
  assert.deepEqual(began, [0, 100, 200]);
});

test('a second start changes nothing', async () => {
  const { clock, began, loop } = loopOf();
  loop.startNow();
  await clock.advance(50);
  loop.startNow();
  loop.start();
  await clock.advance(60);
  assert.deepEqual(began, [0, 100]);
  assert.equal(clock.pending, 1);
});

test('a second start leaves the run in progress to the stop', () => {
  const { signals, loop } = loopOf({ lastMs: 50 });
  loop.startNow();
  loop.startNow();
  loop.start();
  void loop.stop();
  assert.equal(signals[0]?.aborted, true);
});

test('the pause begins when a run has ended, and runs never overlap', async () => {
  const { clock, began, loop } = loopOf({ lastMs: 250 });
  loop.start();
  await clock.advance(1_000);
  assert.deepEqual(began, [100, 450, 800]);
});

test('the pause is asked for again after each run', async () => {
  const pausesMs = [10, 20, 30];
  const { clock, began, loop } = loopOf({ pause: () => pausesMs.shift() ?? 1_000 });
  loop.start();
  await clock.advance(100);
  assert.deepEqual(began, [10, 30, 60]);
});

test('a pause that is over already is none', async () => {
  const waitsMs: number[] = [];
  class HeardClock extends SimClock {
    override schedule(ms: number, callback: () => void): () => void {
      waitsMs.push(ms);
      return super.schedule(ms, callback);
    }
  }
  const clock = new HeardClock();
  const loop = new Repeat(clock, () => undefined, -5);
  loop.start();
  assert.deepEqual(waitsMs, [0], 'a timer takes no other');
  await loop.stop();
});

test('an endless pause plans nothing, until a run is asked for', async () => {
  const { clock, began, loop } = loopOf({ pause: Number.POSITIVE_INFINITY });
  loop.start();
  await clock.advance(10_000);
  assert.equal(clock.pending, 0);
  loop.soon(5);
  await clock.advance(10_000);
  assert.deepEqual(began, [10_005]);
});

test('a run that is asked for sooner replaces the planned one', async () => {
  const { clock, began, loop } = loopOf();
  loop.start();
  loop.soon(30);
  await clock.advance(150);
  assert.deepEqual(began, [30, 130]);
});

test('a run that is asked for later leaves the planned one', async () => {
  const { clock, began, loop } = loopOf();
  loop.start();
  await clock.advance(60);
  loop.soon(50);
  await clock.advance(100);
  assert.deepEqual(began, [100]);
  assert.equal(clock.pending, 1);
});

test('without a time, soon means after a pause', async () => {
  let pauseMs = Number.POSITIVE_INFINITY;
  const { clock, began, loop } = loopOf({ pause: () => pauseMs });
  loop.start();
  pauseMs = 20;
  loop.soon();
  await clock.advance(30);
  assert.deepEqual(began, [20]);
});

test('a run that is asked for during another comes after the pause, which is asked for then', async () => {
  let pauseMs = 100;
  const { clock, began, loop } = loopOf({ pause: () => pauseMs, lastMs: 50 });
  loop.startNow();
  await clock.advance(10);
  loop.soon(0);
  loop.now();
  pauseMs = 7;
  await clock.advance(50);
  assert.deepEqual(began, [0, 57]);
});

test('a run within the call replaces the planned one, and a whole pause follows', async () => {
  const { clock, began, loop } = loopOf();
  loop.start();
  await clock.advance(60);
  loop.now();
  assert.deepEqual(began, [60]);
  await clock.advance(110);
  assert.deepEqual(began, [60, 160]);
});

test('a run within the call replaces the planned one even if no other follows', async () => {
  const pausesMs = [100];
  const { clock, began, loop } = loopOf({ pause: () => pausesMs.shift() ?? Number.POSITIVE_INFINITY });
  loop.start();
  loop.now();
  await clock.advance(1_000);
  assert.deepEqual(began, [0]);
});

test('a run does not begin another within itself', () => {
  const clock = new SimClock();
  let runs = 0;
  const loop: Repeat = new Repeat(
    clock,
    () => {
      runs += 1;
      if (runs < 3) loop.now();
    },
    100,
  );
  loop.startNow();
  assert.equal(runs, 1);
});

test('tells whether a run is in progress', async () => {
  const { clock, loop } = loopOf({ lastMs: 50 });
  loop.startNow();
  assert.equal(loop.isRunning, true);
  await clock.advance(50);
  assert.equal(loop.isRunning, false);
});

test('a stop cancels the planned run', async () => {
  const { clock, began, loop } = loopOf();
  loop.start();
  assert.equal(loop.isStarted, true);
  await loop.stop();
  assert.equal(loop.isStarted, false);
  assert.equal(clock.pending, 0);
  loop.soon(0);
  loop.now();
  await clock.advance(1_000);
  assert.deepEqual(began, []);
});

test('a stop aborts the run in progress, waits for its end, and plans no other', async () => {
  const { clock, began, signals, loop } = loopOf({ lastMs: 50 });
  loop.startNow();
  assert.equal(signals[0]?.aborted, false);
  let isStopped = false;
  const stopped = loop.stop().then(() => {
    isStopped = true;
  });
  assert.equal(signals[0]?.aborted, true);
  await clock.advance(49);
  assert.equal(isStopped, false);
  await clock.advance(1);
  await stopped;
  await clock.advance(1_000);
  assert.deepEqual(began, [0]);
});

test('a run can stop its own loop', async () => {
  const clock = new SimClock();
  const loop: Repeat = new Repeat(clock, () => void loop.stop(), 100);
  loop.startNow();
  await settlePromises();
  assert.equal(clock.pending, 0);
});

test('a loop that was stopped can be started again, with a signal of its own', async () => {
  const { clock, began, signals, loop } = loopOf();
  loop.startNow();
  await loop.stop();
  loop.start();
  await clock.advance(150);
  assert.deepEqual(began, [0, 100]);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, false],
  );
});

test('a loop that is started again while its last run ends goes on after that run', async () => {
  const { clock, began, loop } = loopOf({ lastMs: 50 });
  loop.startNow();
  void loop.stop();
  loop.startNow();
  assert.deepEqual(began, [0]);
  await clock.advance(200);
  assert.deepEqual(began, [0, 150]);
});

test('a run that throws does not end the loop, and its error is not caught', async () => {
  const clock = new SimClock();
  let runs = 0;
  const loop = new Repeat(
    clock,
    () => {
      runs += 1;
      if (runs < 3) throw new Error(`run ${runs} failed`);
    },
    100,
  );
  assert.throws(() => loop.startNow(), /run 1 failed/);
  await assert.rejects(clock.advance(100), /run 2 failed/);
  await clock.advance(100);
  assert.equal(runs, 3);
});

test('a run that rejects does not end the loop, and a stop hears of the error only during the run', async () => {
  const clock = new SimClock();
  let runs = 0;
  const loop = new Repeat(
    clock,
    async () => {
      runs += 1;
      await clock.sleep(10);
      throw new Error(`run ${runs} failed`);
    },
    100,
  );
  const unhandled: unknown[] = [];
  const hear = (error: unknown) => unhandled.push(error);
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', hear);
  try {
    loop.startNow();
    await clock.advance(120);
    assert.equal(runs, 2);
    await clock.advance(10);
  } finally {
    process.off('unhandledRejection', hear);
    for (const other of others) process.on('unhandledRejection', other);
  }
  assert.match(String(unhandled), /run 1 failed.*run 2 failed/);
  await loop.stop();
  loop.start();
  await clock.advance(100);
  assert.equal(runs, 3);
  const stopped = loop.stop();
  await Promise.all([assert.rejects(stopped, /run 3 failed/), clock.advance(10)]);
});
