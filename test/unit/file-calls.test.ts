import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { type CallKind, FileCalls, POOLED } from '../../src/spool/file-calls.ts';
import { test } from '../support/nothing-left.ts';
import { SimClock } from '../support/sim-clock.ts';

const EXT4 = 0xef53;
const NFS = 0x6969;
const FUSE = 0x65735546;

function whereCalled(calls: FileCalls, takes: () => void = () => undefined, kind: CallKind = 'look') {
  return calls.run(
    kind,
    () => {
      takes();
      return 'here';
    },
    async () => 'pool',
  );
}

test('only a file system of this machine is called on the main thread', async () => {
  const clock = new SimClock();
  assert.equal(whereCalled(new FileCalls(clock, EXT4)), 'here');
  for (const type of [NFS, FUSE, 0, undefined])
    assert.equal(await whereCalled(new FileCalls(clock, type)), 'pool', `${type}`);
  assert.equal(await whereCalled(POOLED), 'pool');
});

test('a disk that lets calls wait is called in the pool for a while, also if the calls fail', async () => {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs };
  const calls = new FileCalls(clock, EXT4);
  const slow = () => {
    clock.nowMs += 600;
    throw new Error('EIO');
  };
  assert.throws(() => whereCalled(calls, slow), /EIO/);
  assert.equal(await whereCalled(calls), 'pool');
  assert.equal(whereCalled(calls, undefined, 'change'), 'here', 'what changes something has its own budget');
  clock.nowMs += 10_000;
  assert.equal(whereCalled(calls), 'here');
});

test('a long read never keeps the main thread, nor does the end of a large file', async () => {
  const calls = new FileCalls(new SimClock(), EXT4);
  const fd = openSync('/dev/zero', 'r');
  const buffer = Buffer.alloc(1 << 20);
  assert.equal(calls.read(fd, buffer, 0, 1_000, 0), 1_000);
  const long = calls.read(fd, buffer, 0, buffer.length, 0);
  assert.ok(long instanceof Promise);
  assert.equal(await long, buffer.length);
  const closing = calls.close(fd, buffer.length);
  assert.ok(closing instanceof Promise);
  await closing;
});

test('every call answers the same in the pool, and fails the same', async () => {
  for (const calls of [POOLED, new FileCalls(new SimClock(), EXT4)]) {
    const [here, gone] = [Buffer.from('/dev/zero'), Buffer.from('/dev/no/such/thing')];
    const fd = await calls.open(here, 0);
    const buffer = Buffer.alloc(8, 1);
    assert.equal(await calls.read(fd, buffer, 2, 4, 0), 4);
    assert.deepEqual([...buffer], [1, 1, 0, 0, 0, 0, 1, 1]);
    await calls.access(here, 0);
    await calls.close(fd, 0);
    await assert.rejects(async () => calls.open(gone, 0), { code: 'ENOENT' });
    await assert.rejects(async () => calls.access(gone, 0), { code: 'ENOENT' });
    await assert.rejects(async () => calls.close(fd, 0), { code: 'EBADF' });
    await assert.rejects(async () => calls.read(fd, buffer, 0, 1, 0), { code: 'EBADF' });
    await assert.rejects(async () => calls.sync(fd), { code: 'EBADF' });
  }
});
