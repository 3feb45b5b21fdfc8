// How the drain begins, and how a pause ends: the store is asked, with objects of our own or with one file at a time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, fails, faultOf, Slow } from '../support/drain-bench.ts';

test('a start waits for the store to answer, and not for the first upload to pass', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  for (const name of ['a', 'b', 'c']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  bench.drain.start();
  assert.deepEqual(bench.store.uploads, []);
  await bench.settle();
  assert.equal(bench.store.probes, 1);
  assert.deepEqual(bench.store.uploads, ['a', 'b', 'c']);
  slow.finish();
  await bench.settle();
  assert.ok(!bench.events.includes('resumed'), 'a start is no pause that ends');
});

test('after a pause an object of our own passes before any file is sent', async () => {
  const bench = new DrainBench();
  bench.breaker.fail({ message: 'the store was away' }, 0);
  let pass: () => void = () => assert.fail('not asked');
  bench.store.onTrial = () =>
    new Promise((resolve) => {
      pass = resolve;
    });
  for (const name of ['large', 'a', 'b']) bench.put(name, Buffer.alloc(name === 'large' ? 2_000 : 10));
  bench.drain.start();
  await bench.clock.advance(20_000);
  assert.deepEqual(bench.store.uploads, []);
  pass();
  await bench.settle();
  assert.deepEqual(bench.store.uploads.toSorted(), ['a', 'b', 'large']);
  assert.deepEqual(bench.store.trials, ['']);
});

test('a pause ends by one file that passes where the store refuses our own objects alone, and by no other', async () => {
  // A policy may allow *.jpg only.
  const bench = new DrainBench();
  bench.breaker.fail({ message: 'the store refuses' }, 0);
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'AccessDenied' }));
  bench.store.answers.set('bad', fails(faultOf('unknown', { code: 'AccessDenied' })));
  const slow = new Slow();
  bench.store.answers.set('large', slow.answer);
  for (const name of ['bad', 'good', 'other', 'large'])
    bench.put(name, Buffer.alloc(name === 'large' ? 2_000 : 10));
  bench.drain.start();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, [], 'not before its time');
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.store.uploads, ['bad']);
  await bench.clock.advance(10_000);
  assert.ok(bench.events.includes('resumed'));
  assert.deepEqual(bench.removed.toSorted(), ['good', 'other']);
  assert.equal(bench.events.filter((event) => event.startsWith('paused')).length, 0, 'and no other begins');
});

test('a pause ends though a large upload has been under way since before it', async () => {
  const bench = new DrainBench();
  bench.put('large', Buffer.alloc(2_000));
  bench.put('refused');
  bench.store.answers.set('large', new Slow().answer);
  bench.store.answers.set('refused', fails(faultOf('breaker')));
  bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
  await bench.startClosed();
  bench.put('small');
  bench.store.onTrial = async () => undefined;
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.events, ['paused breaker', 'resumed', 'removed small', 'uploaded small']);
});

test('an answering store is enough where there is nothing to upload', async () => {
  const bench = new DrainBench();
  bench.drain.start();
  await bench.settle();
  assert.equal(bench.breaker.allows(0), 'all');
  bench.put('a');
  bench.put('b');
  bench.drain.pump();
  await bench.settle();
  assert.deepEqual(bench.removed, ['a', 'b']);
});

test('takes no file while the store does not answer, alarms once, and goes on by itself', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.store.onProbe = () => Promise.reject(faultOf('transient', { code: 'ECONNREFUSED' }));
  bench.store.onTrial = () => Promise.reject(faultOf('transient', { code: 'ECONNREFUSED' }));
  bench.drain.start();
  await bench.drain.firstAnswer;
  await bench.clock.advance(30_000);
  assert.deepEqual(bench.events, ['paused transient']);
  assert.deepEqual(bench.store.uploads, []);
  const asked = bench.store.trials.length;
  assert.ok(asked >= 3 && asked <= 6, `asked ${asked} times in 30 s`);
  bench.store.onTrial = async () => undefined;
  await bench.clock.advance(10_000);
  assert.deepEqual(bench.events, ['paused transient', 'resumed', 'removed a', 'uploaded a']);
  bench.checkBooks();
});

test('a store that never answers is given up after half a minute, and asked again', async () => {
  const bench = new DrainBench();
  bench.store.onProbe = (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  bench.store.onTrial = (_, signal) => bench.store.onProbe(signal);
  bench.drain.start();
  await bench.clock.advance(29_000);
  assert.deepEqual(bench.events, []);
  await bench.clock.advance(5_000);
  assert.deepEqual(bench.events, ['paused transient']);
  assert.equal(bench.store.trials.length, 1);
});

test('a trial that fails with a fault of the file alone goes on to the next file', async () => {
  const bench = new DrainBench();
  bench.put('bad');
  bench.put('a');
  bench.store.answers.set('bad', fails(faultOf('file')));
  bench.drain.start();
  await bench.settle();
  assert.deepEqual(
    bench.quarantined.map(({ path }) => path),
    ['bad'],
  );
  assert.deepEqual(bench.removed, ['a']);
});

test('a trial answered with SlowDown waits before the next, as long as the store asks', async () => {
  const bench = new DrainBench();
  bench.breaker.fail({ message: 'the store was away' }, 0);
  bench.store.onTrial = () =>
    Promise.reject(faultOf('transient', { code: 'SlowDown', asksForFewer: true, retryAfterMs: 20_000 }));
  bench.put('a');
  bench.drain.start();
  await bench.clock.advance(20_000);
  assert.deepEqual(bench.store.trials, ['']);
  assert.deepEqual(bench.store.uploads, []);
  await bench.clock.advance(3_000);
  assert.deepEqual(bench.store.trials, ['', '']);
});

test('when the network has changed, a pause ends at once if the store answers, and not only after its wait', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('a', fails(faultOf('breaker')));
  bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.events, ['paused breaker']);
  bench.store.onTrial = async () => undefined;
  await bench.settle();
  assert.deepEqual(bench.events, ['paused breaker'], 'it is not its time');
  bench.drain.retryNow();
  await bench.settle();
  assert.deepEqual(bench.events, ['paused breaker', 'resumed']);
});

test('a pause goes on being tried when no file is at hand, and ends when the store takes objects of our own', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('a', fails(faultOf('breaker')));
  bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
  bench.put('a');
  await bench.startClosed();
  await bench.clock.advance(60_000);
  assert.ok(bench.store.trials.length > 2, `${bench.store.trials.length} trials`);
  bench.store.onTrial = async () => undefined;
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.events, ['paused breaker', 'resumed']);
});

for (const { what, files } of [
  { what: 'a file that is sent whole, before one in parts that is older', files: ['large', 'small'] },
  { what: 'one in parts, where no other is at hand', files: ['large'] },
]) {
  test(`a pause in which the store refuses our objects is ended by ${what}`, async () => {
    const bench = new DrainBench();
    bench.store.answers.set('a', fails(faultOf('breaker')));
    bench.store.onTrial = () => Promise.reject(faultOf('breaker'));
    bench.put('a');
    await bench.startClosed();
    for (const name of files) bench.put(name, Buffer.alloc(name === 'large' ? 1_000 : 999));
    await bench.clock.advance(60_000);
    assert.deepEqual(bench.store.uploads.slice(0, 2), ['a', files.at(-1)]);
    assert.equal(bench.removed.length, files.length);
  });
}
