// How many files are under way, and what the drain does with each of them. Here and in its other tests the books are
// checked, too: an entry taken is released exactly once, and nothing is removed without its upload's proof.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, Slow, stores } from '../support/drain-bench.ts';

test('uploads, proves, removes and releases a file, in this order', async () => {
  const bench = new DrainBench();
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.events, ['removed a', 'uploaded a']);
  assert.deepEqual(bench.removed, ['a']);
  assert.deepEqual(bench.releases, [{ path: 'a', outcome: 'gone' }]);
  bench.checkBooks();
});

test('tells of all content that is read, sent or not', async () => {
  const bench = new DrainBench();
  bench.store.answers.set('standing', async (request, content) => {
    for (let offset = 0; offset < content.length; offset += 1_000) await request.source.read(offset, 1_000);
    return stores(request, content);
  });
  bench.put('standing', Buffer.alloc(5_000));
  await bench.startClosed();
  assert.equal(bench.reads, 5);
  bench.checkBooks();
});

test('gives the store the journal of small files, too: a larger one of the name may have left an upload open', async () => {
  const bench = new DrainBench({ resumableFromBytes: 10 });
  bench.put('small', 'x');
  bench.put('large', 'x'.repeat(100));
  await bench.startClosed();
  assert.deepEqual(bench.store.uploads.toSorted(), ['large', 'small']);
  assert.deepEqual(bench.store.unjournaled, []);
  bench.checkBooks();
});

test('runs as many uploads as the limit allows, and starts the next when one ends', async () => {
  const bench = new DrainBench();
  const slow = new Slow();
  for (const name of ['a', 'b', 'c', 'd']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  bench.limit = 2;
  await bench.startClosed();
  assert.deepEqual(bench.store.uploads, ['a', 'b']);
  assert.equal(bench.drain.sending, 2);
  bench.limit = 3;
  bench.drain.pump();
  assert.equal(bench.drain.sending, 3);
  await bench.settle();
  assert.equal(bench.drain.ready, 1);
  slow.finish();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['a', 'b', 'c', 'd']);
  slow.finish();
  await bench.settle();
  assert.equal(bench.drain.ready, 0);
  assert.deepEqual(bench.removed, ['a', 'b', 'c', 'd']);
  bench.checkBooks();
});

test('a file too large for any upload is quarantined with its reason, before it is opened', async () => {
  const bench = new DrainBench({ largestBytes: 5_000, maxMemoryBytes: 5_000 });
  bench.put('large', Buffer.alloc(4_000));
  bench.store.answers.set('large', new Slow().answer);
  bench.put('too large', Buffer.alloc(5_001));
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.openedFiles, ['large', 'a'], 'and though a large one has all the memory');
  assert.deepEqual(
    bench.quarantined.map(({ path }) => path),
    ['too large'],
  );
  assert.match(JSON.stringify(bench.quarantined[0]?.reason), /upload\.maxMemory/);
});
