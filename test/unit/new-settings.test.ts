// New settings hold for all that begins after them: waits, memory, proofs, and how many files are at work.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, FakeStore, fails, faultOf, Slow } from '../support/drain-bench.ts';

test('a file that fails after them waits as long as they say', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.reconfigure({ retry: { initialMs: 6_000, maxMs: 60_000, maxAttempts: 3 } });
  bench.store.answers.set('a', fails(faultOf('transient')));
  bench.put('a');
  bench.drain.pump();
  await bench.settle();
  assert.deepEqual(bench.outcomesOf('a'), [3_000]);
});

test('as many files are at work as fit into the memory that they allow', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 400, memoryFor: () => 50 });
  const slow = new Slow();
  for (const name of ['a', 'b', 'c', 'd']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  await bench.startClosed();
  assert.equal(bench.drain.active, 2);
  bench.reconfigure({ maxMemoryBytes: 600 });
  assert.equal(bench.drain.active, 3);
});

test('what has too few descriptors is tried anew: another limit may be one of them', async () => {
  const bench = new DrainBench();
  bench.limit = 8;
  const slow = new Slow();
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
    bench.spoolFaults.set(`open ${name}`, faultOf('transient', { code: 'EMFILE' }));
  }
  await bench.startClosed();
  bench.spoolFaults.clear();
  for (const name of names) bench.putBack(name);
  bench.drain.pump();
  assert.ok(bench.drain.active < names.length, `${bench.drain.active} at work after descriptors ran out`);
  bench.reconfigure({});
  assert.equal(bench.drain.active, names.length);
});

test('what could not be removed is sent again to where they say, and not removed for what another place has', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.spoolFaults.clear();
  const other = new FakeStore(new Map([['new/a', bench.contents.get('a') ?? Buffer.alloc(0)]]));
  other.confirmation = { etag: bench.etagOf('a') };
  bench.reconfigure({ prefix: 'new/' }, other);
  await bench.tryAgain('a');
  assert.deepEqual([other.uploads, bench.removed], [['new/a'], ['a']]);
});

test('a new store gets new uploads; those in flight end with the old one', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.put('old');
  bench.store.answers.set('old', slow.answer);
  await bench.startClosed();
  const other = new FakeStore(bench.contents);
  bench.reconfigure({ prefix: '' }, other);
  bench.put('new');
  bench.drain.pump();
  slow.finish();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['old']);
  assert.deepEqual(other.uploads, ['new']);
  assert.deepEqual(bench.removed.sort(), ['new', 'old']);
});

test('new settings end the wait of a pause at once', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.store.onProbe = () => Promise.reject(faultOf('breaker'));
  bench.drain.start();
  await bench.settle();
  assert.deepEqual(bench.events, ['paused breaker']);
  const corrected = new FakeStore(bench.contents);
  bench.reconfigure({}, corrected);
  await bench.settle();
  assert.deepEqual(corrected.uploads, ['a']);
  assert.deepEqual(bench.events, ['paused breaker', 'resumed', 'removed a', 'uploaded a']);
});

test('new settings do not wait for a probe of the old store, nor heed what it says', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.store.onProbe = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  bench.drain.start();
  await bench.settle();
  const corrected = new FakeStore(bench.contents);
  bench.reconfigure({}, corrected);
  await bench.settle();
  assert.equal(corrected.probes, 1);
  assert.deepEqual(bench.events, ['removed a', 'uploaded a']);
});
