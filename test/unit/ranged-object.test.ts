// Parts of an object, from stores that fail in between, replace the object, or know no ranges.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import { RangedObject } from '../../src/store/s3/ranged-object.ts';
import { type Answering, answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';

const CONTENT = '0123456789abcdef';

/** Answers ranges as a store should; `answer` may refuse, or answer in another way. */
function worldOf(answer: Answering = () => undefined) {
  const world = answeringBucket((name, input, nth) => {
    const other = answer(name, input, nth);
    if (other !== undefined) return other;
    return slice(...rangeOf(String(input.Range)));
  });
  return { ...world, asked: () => world.asked.map(({ input }) => input.Range) };
}

function rangeOf(range: string): [number, number] {
  const [, last] = /^bytes=-(\d+)$/.exec(range) ?? [];
  if (last !== undefined) return [Math.max(0, CONTENT.length - Number(last)), CONTENT.length - 1];
  const [from = 0, to = CONTENT.length - 1] = range.match(/\d+/g)?.map(Number) ?? [];
  return [from, to];
}

function slice(from: number, to: number, etag = '"x"') {
  const ContentRange = `bytes ${from}-${to}/${CONTENT.length}`;
  return { Body: Readable.from([Buffer.from(CONTENT.slice(from, to + 1))]), ContentRange, ETag: etag };
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('the tail tells the size, and is not read again', async () => {
  const { bucket, asked } = worldOf();
  const object = await RangedObject.open(bucket, 'k', 6, NEVER);
  assert.equal(object.sizeBytes, 16);
  assert.equal(await textOf(object.read(12, 3)), 'cde');
  assert.equal(await textOf(object.read(8, 8)), '89abcdef');
  assert.equal(await textOf(object.read(2, 3)), '234');
  assert.deepEqual(asked(), ['bytes=-6', 'bytes=8-15', 'bytes=2-4']);
});

test('an object that is shorter than the tail, or empty, takes one request', async () => {
  const { bucket, asked } = worldOf();
  const object = await RangedObject.open(bucket, 'k', 100, NEVER);
  assert.equal(await textOf(object.read(0, 16)), CONTENT);
  assert.equal(asked().length, 1);
  const empty = worldOf(() => {
    throw refusal(416, 'InvalidRange');
  });
  assert.equal((await RangedObject.open(empty.bucket, 'k', 100, NEVER)).sizeBytes, 0);
});

test('a store that knows no last bytes is asked for the tail by its place', async () => {
  const { bucket, asked } = worldOf((_, { Range }) => {
    const isOfLast = String(Range).startsWith('bytes=-');
    return isOfLast
      ? { Body: Readable.from([Buffer.from(CONTENT)]), ContentLength: 16, ETag: '"x"' }
      : undefined;
  });
  const object = await RangedObject.open(bucket, 'k', 6, NEVER);
  assert.equal(await textOf(object.read(10, 6)), 'abcdef');
  assert.deepEqual(asked(), ['bytes=-6', 'bytes=10-15']);
});

test('a read that breaks goes on from where it was', async () => {
  const { bucket, clock, asked } = worldOf((_, { Range }, nth) => {
    if (nth === 1 || nth === 3) throw refusal(503, 'SlowDown');
    if (Range !== 'bytes=0-9') return undefined;
    return nth === 4 ? { ...slice(0, 9), Body: Readable.from([Buffer.from('0123')]) } : undefined;
  });
  const text = RangedObject.open(bucket, 'k', 2, NEVER).then((object) => textOf(object.read(0, 10)));
  for (let turn = 0; turn < 5; turn += 1) await clock.advance(30_000);
  assert.deepEqual(asked(), ['bytes=-2', 'bytes=-2', 'bytes=0-9', 'bytes=0-9', 'bytes=4-9']);
  assert.equal(await text, '0123456789');
});

test('a store that fails for long is given up after four attempts', async () => {
  const { bucket, clock, asked } = worldOf(() => {
    throw refusal(503, 'SlowDown');
  });
  const opened = assert.rejects(RangedObject.open(bucket, 'k', 2, NEVER), { code: 'SlowDown' });
  for (let turn = 0; turn < 5; turn += 1) await clock.advance(30_000);
  await opened;
  assert.equal(asked().length, 4);
});

test('a part of an object that has replaced the first one is refused', async () => {
  for (const other of [slice(0, 3, '"y"'), { ...slice(0, 3), ContentRange: 'bytes 0-3/17' }]) {
    const { bucket } = worldOf((_, { Range }) => (Range === 'bytes=0-3' ? other : undefined));
    const object = await RangedObject.open(bucket, 'k', 2, NEVER);
    await assert.rejects(textOf(object.read(0, 4)), { code: 'Replaced' });
  }
});

test('a store that answers another part than was asked for is refused', async () => {
  const { bucket } = worldOf((_, { Range }) => (Range === 'bytes=4-7' ? slice(0, 3) : undefined));
  const object = await RangedObject.open(bucket, 'k', 2, NEVER);
  await assert.rejects(textOf(object.read(4, 4)), { code: 'NoRanges' });
});

test('an object that is not there is said to be so, and asked for once', async () => {
  const { bucket, asked } = worldOf(() => {
    throw refusal(404, 'NoSuchKey');
  });
  await assert.rejects(RangedObject.open(bucket, 'k', 2, NEVER), {
    code: 'NoSuchKey',
    message: /there is no object/,
  });
  assert.equal(asked().length, 1);
});
