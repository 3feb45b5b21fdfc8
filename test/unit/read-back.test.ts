// Reading an object back from stores that know no ranges, no If-Match, or lie about either.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../src/store/digest.ts';
import type { LocalContent } from '../../src/store/object-store.ts';
import { digestsOfObject } from '../../src/store/s3/read-back.ts';
import { type Answering, answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';

const CONTENT = 'oursthemend';
const parts = await Promise.all(['ours', 'them', 'end'].map((part) => digestOf(Buffer.from(part))));
const local: LocalContent = { sizeBytes: 11, parts, multipart: true, partSizeBytes: 4 };
const HELD = { key: 'k', sizeBytes: 11, etag: '"x"' };
const TORN = { code: 'ReadBackSize', faultClass: 'unknown' };

/** What the store refuses, and how it answers; without either it answers as it should. */
function worldOf(refuse: Answering, answer?: (range: string | undefined) => object) {
  const world = answeringBucket((name, input, nth) => {
    const refused = refuse(name, input, nth);
    if (refused !== undefined || name === 'HeadObject') return refused ?? { ETag: '"x"', ContentLength: 11 };
    const range = input.Range === undefined ? undefined : String(input.Range);
    const [from = 0, to = 10] = range?.match(/\d+/g)?.map(Number) ?? [];
    const body = Readable.from([Buffer.from(CONTENT.slice(from, to + 1))]);
    return answer?.(range) ?? { Body: body, $metadata: { httpStatusCode: range === undefined ? 200 : 206 } };
  });
  return { ...world, asked: () => world.asked.map(({ name, input }) => [name, input.Range, input.IfMatch]) };
}

const nothing: Answering = () => undefined;
const wholeBody = () => ({ Body: Readable.from([Buffer.from(CONTENT)]), $metadata: { httpStatusCode: 200 } });

for (const status of [400, 405, 416, 501]) {
  test(`a store that answers a range with ${status} is read without ranges, under the same condition`, async () => {
    const { bucket, asked } = worldOf((_, input) => {
      if (input.Range !== undefined) throw refusal(status, 'No');
      return undefined;
    });
    assert.deepEqual(await digestsOfObject(bucket, local, HELD, NEVER), parts);
    assert.deepEqual(asked(), [
      ['GetObject', 'bytes=0-3', '"x"'],
      ['GetObject', undefined, '"x"'],
    ]);
  });
}

test('a store that answers a range with the whole is read once', async () => {
  const { bucket, asked } = worldOf(nothing, wholeBody);
  assert.deepEqual(await digestsOfObject(bucket, local, HELD, NEVER), parts);
  assert.equal(asked().length, 1);
});

for (const status of [400, 405, 501]) {
  test(`a store that answers If-Match with ${status} is read without ranges, then without the condition`, async () => {
    const { bucket, asked } = worldOf((_, input) => {
      if (input.IfMatch !== undefined) throw refusal(status, 'No');
      return undefined;
    });
    assert.deepEqual(await digestsOfObject(bucket, local, HELD, NEVER), parts);
    assert.deepEqual(asked().slice(1), [
      ['GetObject', undefined, '"x"'],
      ['GetObject', undefined, undefined],
    ]);
  });
}

test('where the condition never holds, whether it is still the same object is asked in the end', async () => {
  const { bucket, asked } = worldOf((_, input) => {
    if (input.IfMatch !== undefined) throw refusal(412, 'PreconditionFailed');
    return undefined;
  });
  assert.deepEqual(await digestsOfObject(bucket, local, HELD, NEVER), parts);
  assert.deepEqual(
    asked().map(([name, range]) => range ?? name),
    ['bytes=0-3', 'bytes=0-3', 'bytes=4-7', 'bytes=8-10', 'HeadObject'],
  );
});

for (const [what, now] of [
  ['another ETag', { ETag: '"y"', ContentLength: 11 }],
  ['another size', { ETag: '"x"', ContentLength: 12 }],
] as const) {
  test(`an object that has ${what} in the end is not taken for what was read`, async () => {
    const { bucket } = worldOf((name) => (name === 'HeadObject' ? now : undefined));
    await assert.rejects(digestsOfObject(bucket, local, { ...HELD, etag: 'W/"x"' }, NEVER), TORN);
  });
}

test('a weak ETag is no condition, and one without quotes gets them', async () => {
  for (const [etag, expected] of [
    ['W/"x"', undefined],
    ['w/"x"', undefined],
    ['x', '"x"'],
    ['"x"', '"x"'],
  ]) {
    const { bucket, asked } = worldOf(nothing);
    await digestsOfObject(bucket, local, { ...HELD, etag: etag ?? '' }, NEVER).catch(() => undefined);
    assert.equal(asked()[0]?.[2], expected);
  }
});

test('a later range that is answered with something else is not taken for that range', async () => {
  const { bucket } = worldOf(nothing, (range) =>
    range === 'bytes=0-3'
      ? { Body: Readable.from([Buffer.from('ours')]), $metadata: { httpStatusCode: 206 } }
      : { Body: Readable.from([Buffer.from('themend')]), $metadata: { httpStatusCode: 200 } },
  );
  await assert.rejects(digestsOfObject(bucket, local, HELD, NEVER), TORN);
});

for (const [what, told] of [
  ['Content-Range', { ContentRange: 'bytes', ContentLength: 99 }],
  ['Content-Length', {}],
] as const) {
  test(`a range answered with 200 is known by its ${what}`, async () => {
    const { bucket } = worldOf(nothing, (range) => {
      const [from = 0, to = 10] = range?.match(/\d+/g)?.map(Number) ?? [];
      const body = Readable.from([Buffer.from(CONTENT.slice(from, to + 1))]);
      return { Body: body, $metadata: { httpStatusCode: 200 }, ContentLength: to + 1 - from, ...told };
    });
    assert.deepEqual(await digestsOfObject(bucket, local, HELD, NEVER), parts);
  });
}

test('an object that ends before a range is shorter than was said; one of unknown length is another', async () => {
  const ending: Answering = (_, input) => {
    if (input.Range !== 'bytes=0-3') throw refusal(416, 'InvalidRange');
    return undefined;
  };
  const { sizeBytes: _, ...unsized } = HELD;
  const told = worldOf(ending);
  await assert.rejects(digestsOfObject(told.bucket, local, HELD, NEVER), TORN);
  assert.equal(told.asked().length, 2);
  assert.deepEqual(await digestsOfObject(worldOf(ending).bucket, local, unsized, NEVER), []);
});

test('an answer without content is not asked for again and again', async () => {
  const { bucket, asked } = worldOf((_, __, nth) => {
    if (nth > 5) throw refusal(500, 'InternalError');
    return { $metadata: { httpStatusCode: 206 } };
  });
  await assert.rejects(digestsOfObject(bucket, local, HELD, NEVER), TORN);
  assert.equal(asked().length, 1);
});

test('what a proxy has compressed is unpacked', async () => {
  const { bucket } = worldOf(nothing, () => ({
    Body: Readable.from([gzipSync(CONTENT)]),
    ...{ ContentEncoding: 'gzip', $metadata: { httpStatusCode: 200 } },
  }));
  assert.deepEqual(await digestsOfObject(bucket, local, HELD, NEVER), parts);
});

test('a connection that breaks while compressed content comes is a failure, not a wait', async () => {
  const { bucket } = worldOf(nothing, () => ({
    Body: Readable.from(
      (async function* () {
        yield gzipSync(CONTENT).subarray(0, 5);
        throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
      })(),
    ),
    ...{ ContentEncoding: 'gzip', $metadata: { httpStatusCode: 200 } },
  }));
  await assert.rejects(digestsOfObject(bucket, local, HELD, NEVER), { code: 'ECONNRESET' });
});

for (const encoding of [undefined, 'gzip']) {
  test(`what is left of an answer is not read, and its connection closed: ${encoding ?? 'plain'}`, async () => {
    const long = Buffer.from(`${CONTENT}and more`);
    const body = Readable.from([encoding === undefined ? long : gzipSync(long), Buffer.from('more')]);
    const { bucket } = worldOf(nothing, () => ({
      ...{ Body: body, ContentEncoding: encoding, $metadata: { httpStatusCode: 200 } },
    }));
    await assert.rejects(digestsOfObject(bucket, local, HELD, NEVER), TORN);
    assert.equal(body.destroyed, true);
  });
}

test('an empty file is compared with what is read, not with what was said', async () => {
  const empty: LocalContent = { sizeBytes: 0, parts: [await digestOf(Buffer.alloc(0))], multipart: false };
  const { bucket } = worldOf(nothing, wholeBody);
  await assert.rejects(digestsOfObject(bucket, empty, { ...HELD, sizeBytes: 0 }, NEVER), TORN);
});
