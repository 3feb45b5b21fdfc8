// Files that a process has open for writing are not sent.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, faultOf } from '../support/drain-bench.ts';

test('a file that is open for writing is not sent, and looked at again until it is closed', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.writers.set('a', 'some');
  for (let look = 0; look < 10; look += 1) {
    bench.put('a');
    await bench.clock.advance(1_000);
  }
  const waits = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
  assert.deepEqual(bench.outcomesOf('a'), waits);
  assert.deepEqual(bench.store.uploads, []);
  assert.deepEqual(bench.events, ['stillWritten a'], 'told once; no failure of anything');
  bench.writers.clear();
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.removed, ['a']);
  assert.deepEqual(bench.quarantined, []);
  assert.equal(bench.held, 0);
});

test('a file that is open for writing and changed is looked at again soon', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.writers.set('a', 'some');
  for (const content of ['1', '1', '1', '1 and more']) {
    bench.put('a', content);
    await bench.clock.advance(1_000);
  }
  assert.deepEqual(bench.outcomesOf('a'), [250, 500, 1_000, 250]);
});

test('a file that changed while it waited for its writer is found anew, and not blamed for it', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.writers.set('a', 'some');
  bench.put('a');
  await bench.clock.advance(1_000);
  bench.identitiesAfter.set('found a', { mtimeNs: 2n });
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual([bench.outcomesOf('a'), bench.changed], [[250, 'again'], []]);
  bench.identitiesAfter.clear();
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.outcomesOf('a'), [250, 'again', 500], 'the looks at an open file go on');
});

test('a file whose writer goes on after it was read, and closes it before the answer, is not sent', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.onAsked = (path) => void bench.identitiesAfter.set(`read ${path}`, { sizeBytes: 99 });
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.store.uploads, []);
  assert.deepEqual(bench.changed, ['a']);
});

test('a file in parts that is open for writing is not begun', async () => {
  const bench = new DrainBench({ resumableFromBytes: 2 });
  await bench.startClosed();
  bench.writers.set('a', 'some');
  bench.put('a', 'content');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.store.uploads, []);
  assert.equal(bench.reads, 0);
});

test('a file that somebody opened for writing while it was sent is found open, not deferred', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.spoolFaults.set('remove a', faultOf('changed', { code: 'still-written' }));
  bench.put('a');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.outcomesOf('a'), [250]);
  assert.deepEqual(bench.events, ['stillWritten a']);
});
