// What the drain does with the manifest: a line before each removal, and a pause when there can be none.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DrainBench, faultOf } from '../support/drain-bench.ts';

const unwritable = () => faultOf('breaker', { code: 'ManifestUnwritable', isLocal: true });

test('a file is removed after its line is durable, and not before', async () => {
  const bench = new DrainBench();
  const { promise, resolve: end } = Promise.withResolvers<void>();
  bench.onRecord = () => promise;
  bench.put('a', 'the bytes');
  await bench.startClosed();
  assert.deepEqual([bench.store.uploads, bench.removed], [['a'], []]);
  end();
  await bench.settle();
  assert.deepEqual(bench.removed, ['a']);
});

test('the line says what was stored where, and how long it took', async () => {
  const bench = new DrainBench();
  bench.put('a', 'the bytes');
  await bench.startClosed();
  const [{ path, bucket, upload, verifiedBy, durationMs } = assert.fail()] = bench.recorded;
  assert.deepEqual(
    [`${path}`, bucket, upload.receipt.key, upload.local.sizeBytes, verifiedBy, durationMs],
    ['a', 'bucket', 'a', 9, 'etag', 0],
  );
});

test('draining pauses while the manifest cannot be written, keeps the files, and sends none twice', async () => {
  const bench = new DrainBench();
  const { onRecord } = bench;
  bench.onRecord = () => Promise.reject(unwritable());
  bench.manifestTrouble = unwritable();
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.events, ['paused breaker']);
  assert.deepEqual(bench.outcomesOf('a'), ['again']);
  bench.putBack('a');
  bench.put('b');
  await bench.clock.advance(60_000);
  assert.deepEqual([bench.store.uploads, bench.removed], [['a'], []]);
  assert.deepEqual(bench.store.trials, [], 'the store is not asked: it is not to blame');

  bench.store.confirmation = { etag: bench.etagOf('a') };
  bench.onRecord = onRecord;
  bench.manifestTrouble = undefined;
  await bench.clock.advance(20_000);
  assert.deepEqual(bench.store.uploads, ['a', 'b']);
  assert.deepEqual(bench.removed.toSorted(), ['a', 'b']);
  assert.deepEqual(
    bench.recorded.map(({ path }) => `${path}`),
    ['a', 'b'],
  );
  bench.checkBooks();
});

test('nothing is sent at the start while the manifest cannot be written', async () => {
  const bench = new DrainBench();
  bench.manifestTrouble = unwritable();
  bench.put('a');
  bench.drain.start();
  await bench.clock.advance(1_000);
  assert.deepEqual([bench.events, bench.store.uploads], [['paused breaker'], []]);
  bench.manifestTrouble = undefined;
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.removed, ['a']);
});

test('a file that cannot be removed gets one line, however often it is tried', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  for (let again = 0; again < 3; again += 1) {
    await bench.tryAgain('a');
  }
  bench.spoolFaults.clear();
  await bench.tryAgain('a');
  assert.deepEqual(bench.removed, ['a']);
  assert.equal(bench.recorded.length, 1);
});
