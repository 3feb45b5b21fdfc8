// What a stop waits for, what it gives up, and that nothing goes on after it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, faultOf, Slow } from '../support/drain-bench.ts';

test('stop lets small uploads finish and takes no more work', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.put('small');
  bench.store.answers.set('small', slow.answer);
  await bench.startClosed();
  const stopped = bench.drain.stop(5_000);
  bench.put('later');
  bench.drain.pump();
  await bench.clock.advance(1_000);
  slow.finish();
  await stopped;
  assert.deepEqual(bench.removed, ['small']);
  assert.deepEqual(bench.store.uploads, ['small']);
  assert.equal(bench.clock.pending, 0, 'no timer is left behind');
  bench.checkBooks();
});

test('stop aborts at once what can resume, and the rest when the time is up', async () => {
  const { bench } = await DrainBench.sendingSlowly();
  const stopped = bench.drain.stop(5_000);
  await bench.settle();
  assert.deepEqual(bench.releases, [{ path: 'large', outcome: 'returned' }]);
  await bench.clock.advance(4_999);
  assert.equal(bench.held, 1);
  await bench.clock.advance(1);
  await stopped;
  assert.deepEqual(bench.outcomesOf('small'), ['returned']);
  assert.deepEqual(bench.removed, []);
  assert.deepEqual(bench.events, [], 'a stop is no failure of a file');
  bench.checkBooks();
});

test('what cannot be brought back yet is tried every second, told, and counts as progress', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.unsaved = faultOf('breaker', { code: 'ENOSPC' });
  await bench.startClosed();
  const reads = bench.reads;
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.events, ['unsaved a ENOSPC', 'unsaved a ENOSPC', 'unsaved a ENOSPC']);
  assert.equal(bench.reads, reads + 2);
  bench.unsaved = undefined;
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.removed, ['a']);
  bench.checkBooks();
});

test('stop waits for it, of large files, too, until the time is up', async () => {
  const bench = new DrainBench();
  bench.put('large', Buffer.alloc(1_000));
  bench.unsaved = faultOf('breaker', { code: 'ENOSPC' });
  await bench.startClosed();
  const stopped = bench.drain.stop(5_000);
  await bench.clock.advance(4_999);
  assert.equal(bench.held, 1);
  await bench.clock.advance(1);
  await stopped;
  assert.deepEqual(bench.outcomesOf('large'), ['returned']);
  bench.checkBooks();
});

test('stop does not wait for a probe under way, and nothing starts after it', async () => {
  const bench = new DrainBench();
  bench.put('a');
  let answer: () => void = () => assert.fail('not probed');
  bench.store.onProbe = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  bench.drain.start();
  await bench.settle();
  await bench.drain.stop(5_000);
  answer();
  await bench.clock.advance(120_000);
  assert.deepEqual(bench.store.uploads, []);
  assert.equal(bench.clock.pending, 0, 'no timer is left behind');
});

test('a drain that is started again goes on as before, and a stop leaves no timer behind', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  const { pending } = bench.clock;
  bench.drain.start();
  await bench.settle();
  assert.equal(bench.clock.pending, pending);
  await bench.drain.stop(5_000);
  assert.equal(bench.clock.pending, 0);
});

test('a drain that was never started can be stopped', async () => {
  await new DrainBench().drain.stop(5_000);
});
