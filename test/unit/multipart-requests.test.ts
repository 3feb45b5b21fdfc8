// The requests of a multipart upload: what each carries, and what is made of answers that tell less than asked.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  beginUpload,
  completeUpload,
  partsOf,
  sendPart,
  strong,
  uploadsOf,
} from '../../src/store/s3/multipart-requests.ts';
import { type Answering, answeringBucket, type Input, NEVER, refusal } from '../support/answering-bucket.ts';

const AT = { key: 'k', uploadId: 'u' };

const refuses =
  (status: number, name: string, count = Number.POSITIVE_INFINITY): Answering =>
  (_, __, nth) => {
    if (nth <= count) throw refusal(status, name);
    return { Bucket: 'b' };
  };

test('an upload is begun without the checksum that the store does not take on parts', async () => {
  const { bucket, asked } = answeringBucket((name, input) => {
    if (name === 'UploadPart' && input.ChecksumSHA256 !== undefined) throw refusal(400, 'InvalidArgument');
    return { UploadId: 'u', ETag: '"x"' };
  });
  await beginUpload(bucket, 'k', NEVER);
  const part = { number: 1, body: Buffer.from('a'), digest: { md5Hex: '00', sha256Hex: '00' } };
  await sendPart(bucket, AT, part, NEVER);
  await beginUpload(bucket, 'k', NEVER);
  const begun = asked.filter(({ name }) => name === 'CreateMultipartUpload');
  assert.deepEqual(
    begun.map(({ input }) => input.ChecksumAlgorithm),
    ['SHA256', undefined],
  );
});

test('an answer that names no upload is no upload', async () => {
  const { bucket } = answeringBucket(() => ({}));
  await assert.rejects(beginUpload(bucket, 'k', NEVER), { faultClass: 'transient', code: 'NoUploadId' });
});

test('an upload is doubtful once the request to begin it went out twice', async () => {
  for (const attempts of [undefined, 1, 2, 3]) {
    const { bucket } = answeringBucket(() => ({ UploadId: 'u', $metadata: { attempts } }));
    assert.equal((await beginUpload(bucket, 'k', NEVER)).isDoubtful, (attempts ?? 1) > 1);
  }
});

test('an upload is completed under the condition unless the store ignores it', async () => {
  for (const [support, onlyIfAbsent, expected] of [
    ['unknown', true, '*'],
    ['supported', true, '*'],
    ['ignored', true, undefined],
    ['supported', false, undefined],
  ] as const) {
    const { bucket, asked } = answeringBucket(() => ({}));
    if (support !== 'unknown') bucket.dialect.learnConditions('complete upload', support);
    await completeUpload(bucket, AT, { Parts: [] }, onlyIfAbsent, NEVER);
    assert.equal(asked[0]?.input.IfNoneMatch, expected);
  }
});

test('a key that is taken at the end shows that the store heeds the condition there', async () => {
  const { bucket } = answeringBucket(refuses(412, 'PreconditionFailed'));
  await assert.rejects(completeUpload(bucket, AT, { Parts: [] }, true, NEVER));
  assert.equal(bucket.dialect.conditions('complete upload'), 'supported');
});

test('parts are listed page by page, also where a page does not say where the next begins', async () => {
  const { bucket, asked } = answeringBucket((_, __, nth) => ({
    Parts: [{ PartNumber: nth }],
    IsTruncated: nth < 3,
    ...(nth === 1 ? { NextPartNumberMarker: '1' } : {}),
  }));
  assert.deepEqual(
    await partsOf(bucket, AT, NEVER),
    [1, 2, 3].map((PartNumber) => ({ PartNumber })),
  );
  assert.deepEqual(
    asked.map(({ input }) => input.PartNumberMarker),
    [undefined, '1', '2'],
  );
});

test('a listing of parts that stands still is not asked for for ever', async () => {
  const { bucket, asked } = answeringBucket((_, __, nth) => {
    if (nth > 5) throw refusal(500, 'InternalError');
    return { Parts: [{ PartNumber: 1 }], IsTruncated: true, NextPartNumberMarker: '1' };
  });
  await partsOf(bucket, AT, NEVER);
  assert.equal(asked.length, 2);
});

test('what is listed of parts is told apart: gone, not told now, never told, failed', async () => {
  for (const [status, name, expected, isLearnt] of [
    [404, 'NoSuchUpload', 'gone', false],
    [403, 'AccessDenied', 'untold', false],
    [501, 'NotImplemented', 'untold', true],
  ] as const) {
    const { bucket, notices } = answeringBucket(refuses(status, name));
    assert.equal(await partsOf(bucket, AT, NEVER), expected);
    assert.equal(bucket.dialect.lacks.has('list parts'), isLearnt);
    assert.equal(notices.length, expected === 'gone' ? 0 : 1);
  }
  const { bucket } = answeringBucket(refuses(500, 'InternalError'));
  await assert.rejects(partsOf(bucket, AT, NEVER), { faultClass: 'transient' });
});

test('a listing that is denied once is asked for once more', async () => {
  const once = answeringBucket(refuses(403, 'AccessDenied', 1));
  assert.deepEqual(await uploadsOf(once.bucket, 'b', 'k', NEVER), []);
  assert.deepEqual(once.notices, []);
  const twice = answeringBucket(refuses(403, 'AccessDenied', 2));
  assert.equal(await uploadsOf(twice.bucket, 'b', 'k', NEVER), undefined);
  assert.equal(twice.asked.length, 2);
});

test('whoever may not list uploads now may list them later; a store that cannot is asked once', async () => {
  const denied = answeringBucket(refuses(403, 'AccessDenied', 2));
  await uploadsOf(denied.bucket, 'b', 'k', NEVER);
  assert.deepEqual(await uploadsOf(denied.bucket, 'b', 'k', NEVER), []);
  const unable = answeringBucket(refuses(501, 'NotImplemented'));
  for (let nth = 0; nth < 2; nth += 1)
    assert.equal(await uploadsOf(unable.bucket, 'b', 'k', NEVER), undefined);
  assert.equal(unable.asked.length, 1);
});

/** Pages of one upload each, without an end. */
const endless = (_: string, __: Input, nth: number) => ({
  Uploads: [{ Key: 'k', UploadId: `u${nth}` }],
  ...{ IsTruncated: true, NextKeyMarker: 'k', NextUploadIdMarker: `u${nth}` },
});

test('uploads are listed page by page, and only those of the very key', async () => {
  const { bucket, asked } = answeringBucket((name, input, nth) =>
    nth === 1
      ? endless(name, input, nth)
      : {
          Uploads: [
            { Key: 'k2', UploadId: 'x' },
            { Key: 'k', UploadId: 'y' },
          ],
        },
  );
  assert.deepEqual(await uploadsOf(bucket, 'b', 'k', NEVER), ['u1', 'y']);
  assert.deepEqual(
    asked.map(({ input }) => [input.KeyMarker, input.UploadIdMarker]),
    [
      [undefined, undefined],
      ['k', 'u1'],
    ],
  );
});

test('of a listing of uploads without an end nothing is told', async () => {
  const { bucket, asked } = answeringBucket((name, input, nth) => {
    if (nth > 20) throw refusal(500, 'InternalError');
    return endless(name, input, nth);
  });
  assert.equal(await uploadsOf(bucket, 'b', 'k', NEVER), undefined);
  assert.equal(asked.length, 10);
});

test('an empty body is no listing: a failure twice, and from the third in a row on the store lists nothing', async () => {
  let isEmpty = true;
  const { bucket, notices } = answeringBucket(() => (isEmpty ? {} : { Bucket: 'b' }));
  const list = () => uploadsOf(bucket, 'b', 'k', NEVER);
  for (let nth = 0; nth < 2; nth += 1) await assert.rejects(list(), { code: 'NoListing' });
  isEmpty = false;
  assert.deepEqual(await list(), []);
  isEmpty = true;
  for (let nth = 0; nth < 2; nth += 1) await assert.rejects(list(), { code: 'NoListing' });
  assert.equal(await list(), undefined);
  assert.equal(notices.length, 1);
});

test('an ETag that a proxy has made weak is named as the store wrote it', () => {
  for (const etag of ['W/"a"', '"a-gzip"', '"a;gzip"', 'w/"a"']) assert.equal(strong(etag), '"a"');
  assert.equal(strong('a--gzip'), 'a');
});
