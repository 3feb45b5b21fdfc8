import assert from 'node:assert/strict';
import test from 'node:test';
import { UploadMemory } from '../../src/drain/upload-memory.ts';
import { DrainBench, fails, faultOf, Slow } from '../support/drain-bench.ts';

const whole = (memoryBytes: number) => ({ isWhole: true, memoryBytes });
const inParts = (memoryBytes: number) => ({ isWhole: false, memoryBytes });

test('half of the memory is for files sent in parts, and a quarter for files sent whole', () => {
  const memory = new UploadMemory(400);
  memory.reserve(inParts(120));
  assert.deepEqual([memory.fits(inParts(80)), memory.fits(inParts(81))], [true, false]);
  memory.reserve(whole(60));
  assert.deepEqual([memory.fits(whole(40)), memory.fits(whole(41))], [true, false]);
});

test('one file always fits, and the next when what was held is released', () => {
  const memory = new UploadMemory(200);
  assert.equal(memory.fits(whole(900)), true);
  const release = memory.reserve(whole(900));
  assert.equal(memory.fits(whole(1)), false);
  release();
  assert.equal(memory.fits(whole(900)), true);
});

test('a search in vain is worth repeating once enough is released, or by a new maximum', () => {
  const memory = new UploadMemory(400);
  const releases = [30, 30, 30].map((bytes) => memory.reserve(whole(bytes)));
  const search = () =>
    memory.search(() => (memory.fits(whole(50)) || memory.fits(whole(40)) ? 'one' : undefined));
  assert.deepEqual([memory.mayFit, search(), memory.mayFit], [true, undefined, false]);
  releases[0]?.();
  assert.equal(memory.mayFit, true, '40 bytes are free');
  assert.equal(search(), 'one');
  memory.reserve(whole(40));
  assert.equal(memory.mayFit, false, 'what was refused is still known');
  memory.setMax(800);
  assert.equal(memory.mayFit, true);
  assert.deepEqual([memory.search(() => undefined), memory.mayFit], [undefined, false], 'nothing waits');
  memory.forgetSearch();
  assert.equal(memory.mayFit, true);
});

test('a new maximum holds for what begins after it, and what was held is released as it was', () => {
  const memory = new UploadMemory(400);
  const release = memory.reserve(whole(60));
  memory.reserve(inParts(60));
  memory.setMax(600);
  assert.deepEqual([memory.fits(whole(90)), memory.fits(whole(91))], [true, false]);
  assert.deepEqual([memory.fits(inParts(240)), memory.fits(inParts(241))], [true, false]);
  release();
  assert.deepEqual([memory.fits(whole(9_000)), memory.fits(inParts(241))], [true, false]);
});

test('starts no upload once the memory for file content is used up', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 400, memoryFor: () => 50 });
  const slow = new Slow();
  for (const name of ['a', 'b', 'c']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  await bench.startClosed();
  assert.deepEqual(bench.store.uploads, ['a', 'b']);
  slow.finish();
  await bench.settle();
  assert.deepEqual(bench.store.uploads, ['a', 'b', 'c'], 'what ended gave its memory back');
});

test('while the memory is used up, the backlog is searched only when something has changed', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 400, memoryFor: () => 50 });
  const slow = new Slow();
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    bench.put(name);
    bench.store.answers.set(name, slow.answer);
  }
  await bench.startClosed();
  assert.deepEqual([bench.store.uploads.length, bench.searches], [2, 3], 'the last search was in vain');
  bench.put('f');
  bench.drain.pump();
  await bench.settle();
  assert.equal(bench.searches, 4, 'there is a new file');
  slow.finish();
  await bench.settle();
  assert.deepEqual([bench.store.uploads.length, bench.searches], [4, 6], 'each end made room for one');
});

test('small files pass beside the oldest ones, which are huge and take days', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 4_000 });
  bench.limit = 1;
  for (const name of ['huge', 'as huge']) {
    bench.put(name, Buffer.alloc(2_000));
    bench.store.answers.set(name, new Slow().answer);
  }
  for (let file = 0; file < 10; file += 1) bench.put(`small${file}`);
  await bench.startClosed();
  assert.equal(bench.removed.length, 10, 'whatever the limit of uploads at once');
  assert.deepEqual(bench.openedFiles.slice(0, 1), ['huge'], 'which began with the oldest all the same');
  assert.ok(!bench.store.uploads.includes('as huge'), 'only one of them fits into its half of the memory');
});

test('gives memory back after failures, too', async () => {
  const bench = new DrainBench({ maxMemoryBytes: 1, memoryFor: () => 1 });
  for (let file = 0; file < 5; file += 1) {
    bench.put(`bad${file}`);
    bench.store.answers.set(`bad${file}`, fails(faultOf('file')));
  }
  await bench.startClosed();
  assert.equal(bench.quarantined.length, 5);
});

test('packets get what the others leave, up to one half, and one always fits', () => {
  const packet = (memoryBytes: number) => ({ isWhole: true, isPacket: true, memoryBytes });
  const memory = new UploadMemory(400);
  const first = memory.reserve(packet(150));
  assert.deepEqual([memory.fits(packet(50)), memory.fits(packet(51))], [true, false]);
  assert.equal(memory.fits(whole(100)), true, 'files sent whole keep their quarter');
  memory.reserve(inParts(200));
  assert.deepEqual([memory.fits(packet(50)), memory.fits(packet(51))], [true, false]);
  memory.reserve(whole(40));
  assert.equal(memory.fits(packet(50)), false);
  first();
  assert.equal(memory.fits(packet(390)), true);
});
