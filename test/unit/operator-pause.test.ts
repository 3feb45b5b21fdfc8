// What an operator's pause gives back, and what it leaves alone.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, faultOf, Slow } from '../support/drain-bench.ts';

test('a pause takes no more work, and resume goes on with it', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  await bench.drain.pause();
  bench.put('a');
  bench.drain.pump();
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.store.uploads, []);
  bench.drain.resume();
  await bench.settle();
  assert.deepEqual(bench.removed, ['a']);
  bench.checkBooks();
});

test('a pause gives back at once what can resume, and the rest after ten seconds', async () => {
  const { bench } = await DrainBench.sendingSlowly();
  const paused = bench.drain.pause();
  await bench.settle();
  assert.deepEqual(bench.releases, [{ path: 'large', outcome: 'returned' }]);
  await bench.clock.advance(9_999);
  assert.deepEqual(bench.outcomesOf('small'), []);
  await bench.clock.advance(1);
  await paused;
  assert.deepEqual(bench.outcomesOf('small'), ['returned']);
  assert.deepEqual(bench.events, [], 'a pause is no failure of a file');
  bench.checkBooks();
});

test('a pause that is over within ten seconds gives back nothing more', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.put('small');
  bench.store.answers.set('small', slow.answer);
  await bench.startClosed();
  void bench.drain.pause();
  await bench.clock.advance(5_000);
  bench.drain.resume();
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.outcomesOf('small'), []);
  slow.finish();
  await bench.settle();
  assert.deepEqual(bench.removed, ['small']);
  bench.checkBooks();
});

test('a pause leaves alone what is being saved', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.unsaved = faultOf('breaker', { code: 'ENOSPC' });
  await bench.startClosed();
  void bench.drain.pause();
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.releases, []);
  bench.unsaved = undefined;
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.removed, ['a']);
  bench.checkBooks();
});
