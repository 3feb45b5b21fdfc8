import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../src/store/digest.ts';
import { FileRange, PartReader } from '../../src/store/s3/part-reader.ts';

const CONTENT = Buffer.from('abcdefgh');

/** Parts of three bytes; `read` notes what it was asked for. */
function reading(
  read = async (offset: number, length: number): Promise<Buffer> => CONTENT.subarray(offset, offset + length),
  giveBack: (content: Buffer) => void = () => undefined,
) {
  const asked: string[] = [];
  const stop = new AbortController();
  const source = {
    giveBack,
    sizeBytes: CONTENT.length,
    read: (offset: number, length: number) => {
      asked.push(`${offset}+${length}`);
      return read(offset, length);
    },
  };
  return { asked, stop, parts: new PartReader(source, 3, digestOf, stop.signal) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a stretch of a file is measured and cut like bytes, and holds none', () => {
  const range = new FileRange(8);
  assert.ok(range instanceof Uint8Array);
  const cut = [range.subarray(0, 3), range.subarray(3, 6), range.subarray(6)];
  assert.deepEqual(
    cut.map(({ byteLength }) => byteLength),
    [3, 3, 2],
  );
  assert.equal(range.buffer.byteLength, 0);
});

test('reads the parts one after the other, each with its digest, and one ahead', async () => {
  const { asked, parts } = reading();
  const first = await parts.read(1);
  assert.deepEqual(first, { bytes: Buffer.from('abc'), digest: await digestOf(Buffer.from('abc')) });
  await settled();
  assert.deepEqual(asked, ['0+3', '3+3']);
  const others = await Promise.all([parts.read(2), parts.read(3)]);
  assert.deepEqual(
    others.map(({ bytes }) => bytes.toString()),
    ['def', 'gh'],
  );
  await parts.end();
  assert.deepEqual(asked, ['0+3', '3+3', '6+2']);
});

test('refuses parts out of order: the last part must be what is read last', async () => {
  const { parts } = reading();
  await parts.read(1);
  assert.throws(() => parts.read(3), /part 3 was asked for before part 2/);
});

test('fails for whoever asks for a part that cannot be read, and for nobody else', async () => {
  const { parts } = reading(async (offset, length) => {
    if (offset > 0) throw new Error('became shorter');
    return CONTENT.subarray(offset, offset + length);
  });
  await parts.read(1);
  await settled();
  await assert.rejects(parts.read(2), /became shorter/);
  await parts.end();
});

test('reads nothing after the signal, and ends when nothing is being read', async () => {
  let finish: (bytes: Buffer) => void = () => undefined;
  const { asked, stop, parts } = reading(
    () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  );
  const first = parts.read(1);
  const second = parts.read(2);
  stop.abort(new Error('stopped'));
  finish(Buffer.from('abc'));
  await first;
  await assert.rejects(second, /stopped/);
  await parts.end();
  assert.deepEqual(asked, ['0+3']);
});

test('memory of a part that was read ahead goes back once, and no later reader gets it', async () => {
  const back: string[] = [];
  const { parts, stop } = reading(undefined, (content) => back.push(content.toString()));
  await parts.read(1);
  await settled();
  stop.abort(new Error('a part failed'));
  await parts.end();
  await assert.rejects(parts.read(2), /a part failed/);
  await parts.end();
  assert.deepEqual(back, ['def']);
});
