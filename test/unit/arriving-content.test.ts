import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrivingContent } from '../../src/thread/arriving-content.ts';

const piece = (length: number, first = 0) => Uint8Array.from({ length }, (_, at) => first + at);

function arriving(byteLength: number) {
  const empties: ArrayBuffer[] = [];
  const content = new ArrivingContent(byteLength, (empty) => empties.push(empty));
  const next = (sliceBytes: number) => [...(content.next(sliceBytes) ?? [])];
  return { content, empties, next };
}

test('gives slices in order, and what would remain of a piece with the last one', () => {
  const { content, next } = arriving(12);
  content.arrive(piece(7));
  content.arrive(piece(5, 7));
  assert.deepEqual(next(3), [0, 1, 2]);
  assert.deepEqual(next(3), [3, 4, 5, 6]);
  assert.deepEqual(next(3), [7, 8, 9]);
  assert.deepEqual(next(3), [10, 11]);
});

test('asks for more with the memory of a piece only once its last slice has been written', () => {
  const { content, empties, next } = arriving(20);
  const first = piece(4);
  content.arrive(first);
  content.arrive(piece(4, 4));
  next(4);
  assert.deepEqual(empties, [], 'it may still be on its way to the kernel');
  next(4);
  assert.deepEqual(empties, [first.buffer]);
});

test('asks for nothing when all has arrived', () => {
  const { content, empties, next } = arriving(8);
  content.arrive(piece(4));
  content.arrive(piece(4, 4));
  next(4);
  next(4);
  assert.deepEqual(empties, []);
});

test('tells once of the arrival of a piece that was missing', () => {
  const { content, next } = arriving(8);
  assert.equal(content.next(4), undefined);
  let told = 0;
  content.onArrival(() => {
    told += 1;
  });
  content.arrive(piece(4));
  content.arrive(piece(4));
  assert.deepEqual([told, next(4)], [1, [0, 1, 2, 3]]);
});

test('nothing is sent of an empty body, and nothing waited for', () => {
  const { empties, next } = arriving(0);
  assert.deepEqual(next(100), []);
  assert.deepEqual(empties, []);
});

test('tells how many bytes it has handed out', () => {
  const { content, next } = arriving(8);
  content.arrive(piece(4));
  content.arrive(piece(4, 4));
  assert.equal(content.takenBytes, 0);
  next(3);
  assert.equal(content.takenBytes, 4, 'with the small rest of the piece');
  next(3);
  assert.equal(content.takenBytes, 8);
});
