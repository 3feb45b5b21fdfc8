import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromisedSpace } from '../../src/ingest/promised-space.ts';
import { Refusal } from '../../src/ingest/refusal.ts';

const MIB = 1_048_576;

/** A disk on which uploads write, and a door that keeps `minFreeBytes` free. */
function prepare(freeBytes: number, minFreeBytes = 100) {
  const disk = { bytes: freeBytes, files: 1_000 as number | undefined, looks: 0 };
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs };
  const read = async () => {
    disk.looks += 1;
    return { bytes: disk.bytes, files: disk.files };
  };
  return { disk, clock, space: new PromisedSpace(minFreeBytes, read, clock) };
}

const full = (error: unknown) => error instanceof Refusal && error.kind === 'disk-full';

test('uploads under way are promised no more than is free beside what must stay free', async () => {
  const { space } = prepare(1_000);
  const first = await space.promise(500);
  await space.promise(400);
  await assert.rejects(space.promise(1), full);
  first.release();
  await space.promise(500);
  await assert.rejects(space.promise(1), full);
});

test('an announced length alone does not make the disk full, and the refusal names what is promised', async () => {
  const { space, disk, clock } = prepare(10 * MIB + 100);
  const upload = await space.promise(6 * MIB);
  await assert.rejects(space.promise(5 * MIB), (error) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.kind, 'no-room');
    assert.match(
      error.message,
      /5242880 bytes do not fit into the 10485760 .* 6291456 of them are for uploads/,
    );
    return true;
  });
  upload.release();
  disk.bytes = MIB + 99;
  clock.nowMs += 200;
  await assert.rejects(space.promise(5 * MIB), full);
});

test('bytes that were written are not counted twice, before a new reading or after it', async () => {
  const { space, disk, clock } = prepare(1_000);
  const upload = await space.promise(500);
  await upload.use(300);
  disk.bytes -= 300;
  await space.promise(400);
  await assert.rejects(space.promise(1), full);
  clock.nowMs += 1_000;
  await assert.rejects(space.promise(1), full);
  await upload.use(200);
  disk.bytes -= 200;
  upload.release();
  await assert.rejects(space.promise(1), full);
  clock.nowMs += 1_000;
  await assert.rejects(space.promise(1), full);
});

test('an upload of unknown length is promised a piece at a time', async () => {
  const { space } = prepare(3 * MIB + 100);
  const upload = await space.promise(undefined);
  await upload.use(MIB);
  await upload.use(1);
  await space.promise(MIB);
  await assert.rejects(upload.use(MIB), { kind: 'no-room' });
  upload.release();
});

test('the disk is asked once for many uploads of the same moment, and again later', async () => {
  const { space, disk, clock } = prepare(1_000);
  await Promise.all(Array.from({ length: 9 }, () => space.promise(1)));
  assert.equal(disk.looks, 1);
  clock.nowMs += 200;
  await space.promise(1);
  assert.equal(disk.looks, 2);
});

test('a disk that fails is asked again by the next upload', async () => {
  let isBroken = true;
  const read = async () => {
    if (isBroken) throw new Error('EIO');
    return { bytes: 1_000, files: undefined };
  };
  const space = new PromisedSpace(0, read, { monotonicMs: () => 0 });
  await assert.rejects(space.promise(1), /EIO/);
  isBroken = false;
  await space.promise(1_000);
});

test('few free inodes are a full disk; a file system without a number of them is not', async () => {
  const { space, disk, clock } = prepare(1_000);
  disk.files = 99;
  await assert.rejects(space.promise(1), full);
  disk.files = undefined;
  clock.nowMs += 200;
  await space.promise(1);
});
