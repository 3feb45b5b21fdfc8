// When failures pause the whole drain, and when they do not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, fails, faultOf } from '../support/drain-bench.ts';

for (const faultClass of ['breaker', 'unknown', 'file'] as const) {
  test(`a ${faultClass} fault pauses the drain where an object of our own is refused, too, and leaves the file alone`, async () => {
    const bench = new DrainBench();
    bench.put('bad');
    bench.store.answers.set('bad', fails(faultOf(faultClass)));
    bench.store.onTrial = () => Promise.reject(faultOf('breaker', { code: 'ExpiredToken' }));
    await bench.startClosed();
    assert.deepEqual(bench.outcomesOf('bad'), ['again']);
    assert.deepEqual(bench.events, ['paused breaker']);
    assert.deepEqual(bench.quarantined, []);
    bench.checkBooks();
  });
}

test('an outage with an answer that nobody thought of pauses the drain, with one alarm, and quarantines no file', async () => {
  // Such faults did not pause the drain: each file was tried again and again, and then quarantined.
  const bench = new DrainBench();
  await bench.startClosed();
  const names = Array.from({ length: 20 }, (_, at) => `f${at}`);
  for (const name of names) bench.store.answers.set(name, fails(faultOf('unknown', { code: 'Http404' })));
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'Http404' }));
  await bench.comeBack(names, 300);
  assert.deepEqual(bench.quarantined, []);
  assert.deepEqual(
    bench.events.filter((event) => !event.startsWith('deferred')),
    ['paused unknown'],
  );
  assert.ok(bench.store.uploads.length < 100, `${bench.store.uploads.length} uploads`);
});

for (const { code, asksForFewer, leastSent, mostSent } of [
  { code: 'ECONNRESET', asksForFewer: false, leastSent: 8, mostSent: 12 },
  { code: 'SlowDown', asksForFewer: true, leastSent: 64, mostSent: 68 },
]) {
  test(`${leastSent} files in a row that fail with ${code} pause the drain, with one alarm`, async () => {
    const bench = new DrainBench();
    await bench.startClosed();
    for (let file = 0; file < 200; file += 1) {
      bench.put(`${code}${file}`);
      bench.store.answers.set(`${code}${file}`, fails(faultOf('transient', { code, asksForFewer })));
    }
    bench.store.onTrial = () => Promise.reject(faultOf('transient', { code, asksForFewer }));
    bench.drain.pump();
    await bench.settle();
    const sent = bench.store.uploads.length;
    assert.ok(sent >= leastSent && sent <= mostSent, `${sent} uploads before the drain paused`);
    assert.deepEqual(
      bench.store.uploads.filter((name) => typeof bench.outcomesOf(name)[0] !== 'number'),
      [],
      'what was tried waits for its time',
    );
    assert.equal(bench.events.filter((event) => event === 'paused transient').length, 1);
    bench.checkBooks();
  });
}

test('eight files whose store asks for fewer requests mean fewer uploads at once, and pause nothing', async () => {
  const bench = new DrainBench({ concurrency: 'auto' });
  await bench.startClosed();
  const before = bench.drain.uploadLimit.current;
  for (let file = 0; file < 8; file += 1) {
    bench.put(`f${file}`);
    bench.store.answers.set(`f${file}`, fails(faultOf('transient', { asksForFewer: true })));
  }
  bench.drain.pump();
  await bench.settle();
  assert.equal(bench.events.filter((event) => event === 'slowDown').length, 8);
  assert.equal(bench.drain.uploadLimit.current, before / 2);
  assert.ok(!bench.events.includes('paused transient'));
});

test('many files with one fault of the store make one alarm and wait untouched', async () => {
  const bench = new DrainBench();
  const names = Array.from({ length: 4 }, (_, at) => `f${at}`);
  for (const name of names) {
    bench.put(name);
    bench.store.answers.set(name, fails(faultOf('unknown', { code: 'AccessDenied' })));
  }
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'AccessDenied' }));
  await bench.startClosed();
  assert.deepEqual(bench.events, ['paused unknown']);
  for (const name of names) assert.deepEqual(bench.outcomesOf(name), ['again']);
  assert.deepEqual(bench.store.trials, [''], 'they wait for one answer');
});

for (const faultClass of ['breaker', 'transient', 'unknown'] as const) {
  test(`a file with a ${faultClass} fault that the store answers whenever it is tried keeps nobody waiting`, async () => {
    // After every pause the best file was the trial, and failed again: the others waited for ever, or for long.
    const bench = new DrainBench();
    bench.store.answers.set('bad', fails(faultOf(faultClass)));
    for (const name of ['bad', 'a', 'b']) bench.put(name);
    await bench.startClosed();
    assert.deepEqual(bench.removed, ['a', 'b']);
    await bench.comeBack(['bad'], 60);
    assert.ok(!bench.events.some((event) => event.startsWith('paused')));
  });
}

test('a file refused at its last part waits longer every time, and pauses nothing', async () => {
  // Released at once, it ended each pause and began the next.
  const bench = new DrainBench({ resumableFromBytes: 1 });
  await bench.startClosed();
  bench.store.answers.set('large', async () => {
    await bench.clock.sleep(100);
    throw faultOf('breaker', { code: 'EntityTooLarge' });
  });
  await bench.comeBack(['large'], 60);
  assert.deepEqual(bench.outcomesOf('large').slice(0, 4), [500, 1_000, 2_000, 4_000]);
  assert.deepEqual(bench.quarantined, []);
});

test('a refused file that is the only one makes one alarm where the store refuses everything, however long', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  bench.store.answers.set('refused', fails(faultOf('unknown', { code: 'AccessDenied' })));
  bench.store.onTrial = () => Promise.reject(faultOf('unknown', { code: 'AccessDenied' }));
  await bench.comeBack(['refused'], 600);
  const alarms = bench.events.filter((event) => !event.startsWith('deferred'));
  assert.deepEqual(alarms, ['paused unknown']);
  assert.ok(bench.store.trials.length >= 20, `asked ${bench.store.trials.length} times in ten minutes`);
  bench.store.onTrial = async () => undefined;
  bench.reconfigure({});
  await bench.settle();
  assert.ok(bench.events.includes('resumed'), 'new settings do not wait for it');
});
