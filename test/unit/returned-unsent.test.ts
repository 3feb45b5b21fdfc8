// What waits for the store's answer, what is given back, and which file is next after some have failed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { GOOD_FOR_BAD } from '../../src/drain/detour.ts';
import { DrainBench, fails, faultOf, Slow } from '../support/drain-bench.ts';

const REFUSED = faultOf('unknown', { code: 'AccessDenied' });

/** One file at once, and none ahead of it. */
async function oneByOne(): Promise<DrainBench> {
  const bench = new DrainBench();
  bench.limit = 1;
  bench.rateBytesPerSec = 0;
  await bench.startClosed();
  return bench;
}

/** A file has failed by itself, and just as much has passed since as it owes; another is under way, in parts. */
async function afterDetour(): Promise<DrainBench> {
  const bench = await oneByOne();
  bench.store.answers.set('large', new Slow().answer);
  bench.put('large', Buffer.alloc(1_000));
  bench.drain.pump();
  bench.limit = 2;
  bench.store.answers.set('bad', fails(REFUSED));
  bench.put('bad', '');
  for (let file = 0; file < GOOD_FOR_BAD; file += 1) bench.put(`good${file}`, '');
  bench.drain.pump();
  await bench.settle();
  assert.equal(bench.removed.length, GOOD_FOR_BAD);
  bench.store.uploads.length = 0;
  return bench;
}

test('while the store is asked with an object of our own, no other file is sent', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  let answer: () => void = () => assert.fail('not asked');
  bench.store.onTrial = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  bench.store.answers.set('bad', fails(REFUSED));
  bench.put('bad');
  bench.drain.pump();
  await bench.settle();
  for (const name of ['a', 'b', 'c']) bench.put(name);
  await bench.clock.advance(5_000);
  assert.deepEqual(bench.store.uploads, ['bad']);
  answer();
  await bench.settle();
  assert.deepEqual(bench.removed, ['a', 'b', 'c']);
});

test('a stop ends the question to the store at once, and the file that waits for the answer goes back', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  let asked: AbortSignal | undefined;
  bench.store.onTrial = (_, signal) => {
    asked = signal;
    return new Promise(() => undefined);
  };
  bench.store.answers.set('bad', fails(REFUSED));
  bench.put('bad');
  bench.drain.pump();
  await bench.settle();
  let hasStopped = false;
  void bench.drain.stop(5_000).then(() => {
    hasStopped = true;
  });
  await bench.settle();
  assert.deepEqual([hasStopped, asked?.aborted, bench.held], [true, true, 0]);
  assert.equal(bench.clock.pending, 0);
});

test('an upload that was aborted is no failure of its file, however its end is told', async () => {
  const bench = new DrainBench();
  bench.store.answers.set(
    'large',
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(faultOf('transient', { code: 'ECONNRESET' })));
      }),
  );
  bench.put('large', Buffer.alloc(1_000));
  await bench.startClosed();
  await bench.drain.stop(5_000);
  assert.deepEqual([bench.outcomesOf('large'), bench.events], [['returned'], []]);
});

test('the best file is next again once enough has passed since one failed', async () => {
  const bench = await afterDetour();
  for (const name of ['a', 'b', 'c']) bench.put(name);
  bench.drain.pump();
  await bench.settle();
  assert.equal(bench.store.uploads[0], 'a');
});

test('the best file is next, too, when it was given back before it could be sent', async () => {
  const bench = await afterDetour();
  [bench.limit, bench.rateBytesPerSec] = [1, 1];
  bench.put('first', Buffer.alloc(1_000));
  bench.drain.pump();
  await bench.settle();
  bench.reconfigure({ prefix: 'p/' });
  await bench.settle();
  assert.deepEqual(bench.outcomesOf('first'), ['returned']);
  [bench.limit, bench.rateBytesPerSec] = [2, 0];
  for (const name of ['first', 'b', 'c']) bench.put(name);
  bench.drain.pump();
  await bench.settle();
  assert.equal(bench.store.uploads[0], 'p/first');
});

test('after a failure, a file that has not failed is sent before all that have', async () => {
  const bench = await oneByOne();
  const bad = Array.from({ length: 8 }, (_, at) => `bad${at}`);
  for (const name of bad) {
    bench.put(name);
    bench.store.answers.set(name, fails(REFUSED));
  }
  bench.drain.pump();
  await bench.settle();
  bench.store.uploads.length = 0;
  for (const name of [...bad.slice(0, 4), 'good', ...bad.slice(4)])
    if (name === 'good') bench.put(name);
    else bench.putBack(name);
  bench.drain.pump();
  await bench.settle();
  assert.equal(bench.store.uploads[0], 'good');
});

test('eight failures in a row give back the best files that were read ahead, and those from elsewhere stay', async () => {
  const bench = new DrainBench();
  bench.limit = 1;
  for (let file = 0; file < 300; file += 1) {
    bench.put(`bad${file}`);
    bench.store.answers.set(`bad${file}`, fails(REFUSED));
  }
  for (let file = 0; file < 40; file += 1) bench.put(`good${file}`);
  await bench.startClosed();
  const firstGood = bench.store.uploads.findIndex((name) => name.startsWith('good'));
  assert.ok(firstGood >= 8 && firstGood <= 10, `${firstGood} bad ones before the first good one`);
  const back = bench.releases.filter(({ outcome }) => outcome === 'returned').map(({ path }) => path);
  assert.ok(back.length > 200, `${back.length} given back`);
  assert.deepEqual(
    back.filter((name) => name.startsWith('good')),
    [],
  );
});

test('while an upload is under way, no file is sent to end a pause in which the store refuses our objects', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('large', new Slow().answer);
  bench.store.answers.set('refused', fails(REFUSED));
  bench.store.onTrial = () => Promise.reject(REFUSED);
  bench.put('large', Buffer.alloc(2_000));
  bench.put('refused');
  await bench.startClosed();
  bench.put('small');
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.store.uploads, ['large', 'refused']);
});

test('a file that takes a while to end a pause counts as taken by a store that refuses our objects alone', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  bench.breaker.fail({ message: 'the store refuses' }, 0);
  bench.store.onTrial = () => Promise.reject(REFUSED);
  bench.store.answers.set('a', slow.answer);
  bench.put('a');
  bench.drain.start();
  await bench.clock.advance(5_000);
  assert.deepEqual(bench.store.uploads, ['a']);
  slow.finish();
  await bench.settle();
  const asked = bench.store.trials.length;
  bench.store.answers.set('b', fails(REFUSED));
  bench.put('b');
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.outcomesOf('b'), [500]);
  assert.equal(bench.store.trials.length, asked, 'one refusal says nothing of the store');
});

test('a held folder is not tried while there is no room for one more file', async () => {
  const bench = new DrainBench();
  bench.rateBytesPerSec = 0;
  bench.limit = 2;
  for (let file = 0; file < 4; file += 1) {
    bench.put(`cam2/${file}`);
    bench.store.answers.set(`cam2/${file}`, fails(REFUSED));
  }
  bench.store.onTrial = (folder) => (folder === 'cam2/' ? Promise.reject(REFUSED) : Promise.resolve());
  await bench.startClosed();
  assert.deepEqual([...bench.heldFolders], ['cam2/']);
  const slow = new Slow();
  for (const name of ['a', 'b']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  bench.drain.pump();
  bench.put('cam2/5');
  await bench.clock.advance(60_000);
  assert.ok(!bench.openedFiles.includes('cam2/5'));
  slow.finish();
  await bench.clock.advance(1_000);
  assert.ok(bench.openedFiles.includes('cam2/5'));
});

test('files that waited by themselves are told with their folder, and no more by themselves, once it is held', async () => {
  const bench = new DrainBench();
  bench.rateBytesPerSec = 0;
  bench.limit = 1;
  for (let file = 0; file < 6; file += 1) {
    bench.put(`cam2/${file}`);
    bench.store.answers.set(`cam2/${file}`, fails(REFUSED));
  }
  bench.store.onTrial = (folder) => (folder === 'cam2/' ? Promise.reject(REFUSED) : Promise.resolve());
  await bench.startClosed();
  assert.deepEqual(
    bench.drain.waiting.map(({ example, isFolder }) => [example, isFolder]),
    [['cam2/', true]],
  );
});
