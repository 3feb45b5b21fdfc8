// How many transfers may be at work when descriptors are few.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DescriptorLimit } from '../../src/drain/descriptor-limit.ts';
import { DrainBench, faultOf, Slow } from '../support/drain-bench.ts';

test('descriptors that ran out halve the transfers at once, and each further minute of successes doubles them', () => {
  // A moment without descriptors left one transfer at a time until the next reload.
  const limit = new DescriptorLimit();
  limit.sufficed(0);
  assert.equal(limit.transfers, Number.POSITIVE_INFINITY);
  limit.ranOut(9, 100_000);
  for (const { nowMs, transfers } of [
    { nowMs: 100_000, transfers: 4 },
    { nowMs: 159_999, transfers: 4 },
    { nowMs: 160_000, transfers: 8 },
    { nowMs: 219_999, transfers: 8 },
    { nowMs: 900_000, transfers: 16 },
    { nowMs: 900_001, transfers: 16 },
  ]) {
    limit.sufficed(nowMs);
    assert.equal(limit.transfers, transfers, `at ${nowMs} ms`);
  }
});

test('one transfer is always at work, however few descriptors there are', () => {
  const limit = new DescriptorLimit();
  limit.ranOut(1, 0);
  assert.equal(limit.transfers, 1);
});

test('with too few descriptors has fewer transfers at once, and pauses for nobody', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.limit = 20;
  for (let file = 0; file < 20; file += 1) {
    const name = `f${file}`;
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
    if (file >= 10) bench.spoolFaults.set(`open ${name}`, faultOf('transient', { code: 'EMFILE' }));
  }
  await bench.startClosed();
  assert.equal(bench.drain.active, 10);
  assert.deepEqual([bench.store.trials, bench.outcomesOf('f19')], [[], [1_000]]);
  bench.spoolFaults.clear();
  for (let file = 10; file < 20; file += 1) bench.putBack(`f${file}`);
  for (let file = 20; file < 40; file += 1) {
    bench.put(`f${file}`);
    bench.store.answers.set(`f${file}`, slow.answer);
  }
  bench.drain.pump();
  assert.equal(bench.drain.active, 10, 'half of what was tried');
  assert.ok(bench.events.every((event) => !event.startsWith('paused')));
  await bench.clock.advance(60_000);
  slow.finish();
  await bench.settle();
  assert.equal(bench.drain.active, 20, 'and as many again after a while');
});
