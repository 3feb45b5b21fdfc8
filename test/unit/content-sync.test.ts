// Content is on the disk before it is read, and what the disk could not write is never taken for written.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ContentSync, syncsAtOnce } from '../../src/spool/content-sync.ts';
import type { FileIdentity } from '../../src/spool/entry.ts';
import { syncToDisk } from '../../src/spool/sync-to-disk.ts';
import { SyncTurns } from '../../src/spool/sync-turns.ts';
import { DrainBench, faultOf } from '../support/drain-bench.ts';

const IDENTITY: FileIdentity = { dev: 1n, ino: 1n, sizeBytes: 1, mtimeNs: 1n, ctimeNs: 1n };
const systemError = (code: string) => Object.assign(new Error(code), { code });
const never = new AbortController().signal;

/** Syncs that end when they are told to. */
class Disk {
  readonly waiting: (() => void)[] = [];
  readonly handle = { sync: () => new Promise<void>((resolve) => this.waiting.push(resolve)) };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('no file is read, and none is sent, before its content is on the disk', async () => {
  const bench = new DrainBench();
  bench.syncsStandStill = true;
  bench.put('small');
  bench.put('large', Buffer.alloc(5_000));
  await bench.startClosed();
  assert.deepEqual(bench.openedFiles, ['small', 'large']);
  assert.deepEqual([bench.reads, bench.store.uploads, bench.removed], [0, [], []]);
});

test('a file whose content cannot be brought to the disk is not sent and stays', async () => {
  const bench = new DrainBench();
  bench.spoolFaults.set('sync bad', faultOf('unknown', { code: 'EIO' }));
  for (const name of ['bad', 'good']) bench.put(name);
  await bench.startClosed();
  assert.deepEqual([bench.store.uploads, bench.removed], [['good'], ['good']]);
  assert.deepEqual(bench.outcomesOf('bad'), [500]);
});

test('a disk that writes for minutes is progress, and one that writes for ever is none', async () => {
  const bench = new DrainBench();
  bench.syncsStandStill = true;
  bench.put('large', Buffer.alloc(5_000));
  await bench.startClosed();
  await bench.clock.advance(9 * 60_000);
  const early = bench.reads;
  await bench.clock.advance(2 * 60_000);
  const late = bench.reads;
  await bench.clock.advance(9 * 60_000);
  assert.ok(early >= 9 * 60 - 1 && late > early);
  assert.equal(bench.reads, late);
});

test('only so many syncs wait for the disk at once, and the others follow in order', async () => {
  const [disk, sync] = [new Disk(), new ContentSync(new SyncTurns(2))];
  const done: number[] = [];
  const all = [0, 1, 2, 3].map((nth) => sync.run(IDENTITY, disk.handle, never).then(() => done.push(nth)));
  await settle();
  assert.equal(disk.waiting.length, 2);
  while (done.length < 4) {
    disk.waiting.shift()?.();
    await settle();
    assert.ok(disk.waiting.length <= 2);
  }
  await Promise.all(all);
  assert.deepEqual(done, [0, 1, 2, 3]);
});

test('a sync whose turn has not come is given up at once, and takes no turn', async () => {
  const [disk, sync] = [new Disk(), new ContentSync(new SyncTurns(1))];
  const abort = new AbortController();
  const first = sync.run(IDENTITY, disk.handle, never);
  const second = sync.run(IDENTITY, disk.handle, abort.signal);
  const third = sync.run(IDENTITY, disk.handle, never);
  await settle();
  abort.abort(new Error('stopping'));
  await assert.rejects(second, /stopping/);
  disk.waiting.shift()?.();
  await first;
  await settle();
  disk.waiting.shift()?.();
  await third;
  await assert.rejects(sync.run(IDENTITY, disk.handle, abort.signal), /stopping/);
});

test('content that the disk could not write counts as not written for good, though the kernel says so once', async () => {
  const sync = new ContentSync(new SyncTurns(1));
  let fails = true;
  const handle = { sync: () => (fails ? Promise.reject(systemError('EIO')) : Promise.resolve()) };
  await assert.rejects(sync.run(IDENTITY, handle, never), { code: 'EIO' });
  fails = false;
  await assert.rejects(sync.run({ ...IDENTITY, ctimeNs: 2n }, handle, never), { code: 'EIO' });
  await sync.run({ ...IDENTITY, mtimeNs: 2n }, handle, never);
});

test('a file system without a sync is no fault of the file', async () => {
  for (const code of ['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])
    await syncToDisk({ sync: () => Promise.reject(systemError(code)) });
  await assert.rejects(syncToDisk({ sync: () => Promise.reject(systemError('ENOSPC')) }), { code: 'ENOSPC' });
});

test('syncs of the drain and of files over HTTP never take all threads of the pool', () => {
  const cases = ['24', '16', '4', undefined, '3', '', 'many'].map(syncsAtOnce);
  assert.deepEqual(
    cases.map(({ drain, ingest }) => [drain, ingest]),
    [
      [12, 8],
      [8, 5],
      [2, 1],
      [2, 1],
      [1, 1],
      [1, 1],
      [2, 1],
    ],
  );
  for (let threads = 3; threads <= 1_024; threads += 1) {
    const { drain, ingest } = syncsAtOnce(String(threads));
    assert.ok(drain + ingest < threads, `${threads}`);
  }
  assert.deepEqual(syncsAtOnce('1'), { drain: 1, ingest: 1 });
});
