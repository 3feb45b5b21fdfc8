import assert from 'node:assert/strict';
import test from 'node:test';
import { UploadMemory } from '../../src/drain/upload-memory.ts';

const whole = (memoryBytes: number) => ({ isWhole: true, memoryBytes });
const inParts = (memoryBytes: number) => ({ isWhole: false, memoryBytes });

test('half of the memory is for files sent whole and half for those in parts', () => {
  const memory = new UploadMemory(200);
  memory.hold(inParts(60));
  assert.deepEqual([memory.fits(whole(60)), memory.fits(inParts(60))], [true, false]);
  memory.hold(whole(60));
  assert.deepEqual([memory.fits(whole(40)), memory.fits(whole(41))], [true, false]);
});

test('one file always fits, and the next when what was held is released', () => {
  const memory = new UploadMemory(200);
  assert.equal(memory.fits(whole(900)), true);
  const release = memory.hold(whole(900));
  assert.equal(memory.fits(whole(1)), false);
  release();
  assert.equal(memory.fits(whole(900)), true);
});

test('a new maximum holds for what begins after it, and what was held is released as it was', () => {
  const memory = new UploadMemory(200);
  const release = memory.hold(whole(60));
  memory.hold(inParts(60));
  memory.setMax(300);
  assert.deepEqual([memory.fits(whole(90)), memory.fits(whole(91))], [true, false]);
  assert.deepEqual([memory.fits(inParts(90)), memory.fits(inParts(91))], [true, false]);
  release();
  assert.deepEqual([memory.fits(whole(9_000)), memory.fits(inParts(91))], [true, false]);
});
