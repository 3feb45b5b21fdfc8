import assert from 'node:assert/strict';
import test from 'node:test';
import { UploadMemory } from '../../src/drain/upload-memory.ts';

const OPTIONS = {
  maxMemoryBytes: 200,
  memoryFor: (sizeBytes: number) => sizeBytes,
  resumableFromBytes: 1_000,
};
/** Sent whole, and in parts, of which some are held. */
const [WHOLE, PARTS] = [60, 1_000];
const memoryFor = (sizeBytes: number) => Math.min(sizeBytes, 60);

test('half of the memory is for files sent whole and half for those in parts', () => {
  const memory = new UploadMemory({ ...OPTIONS, memoryFor });
  memory.hold(PARTS);
  assert.deepEqual([memory.fits(WHOLE), memory.fits(PARTS)], [true, false]);
  memory.hold(WHOLE);
  assert.deepEqual([memory.fits(40), memory.fits(41)], [true, false]);
});

test('one file always fits, and the next when what was held is released', () => {
  const memory = new UploadMemory(OPTIONS);
  assert.equal(memory.fits(900), true);
  const release = memory.hold(900);
  assert.equal(memory.fits(1), false);
  release();
  assert.equal(memory.fits(900), true);
});

test('new options hold for what begins after them, and what was held is released as it was', () => {
  const memory = new UploadMemory(OPTIONS);
  const release = memory.hold(WHOLE);
  memory.setOptions({ ...OPTIONS, maxMemoryBytes: 300, resumableFromBytes: 10 });
  assert.equal(memory.fits(WHOLE), true, 'it is of the other kind by now');
  memory.hold(WHOLE);
  assert.deepEqual([memory.fits(90), memory.fits(91)], [true, false]);
  release();
  assert.equal(memory.fits(9), true);
});
