// What the bucket makes of each answer, and what it remembers of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { digestOf } from '../../src/store/digest.ts';
import { Fault } from '../../src/system/fault.ts';
import { type Answering, answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';

const BODY = Buffer.from('ours');
const DIGEST = await digestOf(BODY);

/** A store that answers HEAD with this status. */
const withoutHead =
  (status: number, get: Answering = () => ({ ETag: '"x"', ContentRange: 'bytes 0-0/9' })): Answering =>
  (name, input, nth) => {
    if (name === 'HeadObject') throw refusal(status, 'No');
    return name === 'GetObject' ? get(name, input, nth) : {};
  };

for (const status of [400, 405, 501]) {
  test(`a store that answers HEAD with ${status} is asked for the first byte from then on`, async () => {
    const { bucket, names } = answeringBucket(withoutHead(status));
    for (let nth = 0; nth < 2; nth += 1) assert.equal((await bucket.head('k', NEVER))?.sizeBytes, 9);
    assert.deepEqual(names().slice(-2), ['GetObject', 'GetObject']);
  });
}

test('that HEAD is not answered is learnt only from a GET that is', async () => {
  const { bucket } = answeringBucket(
    withoutHead(400, () => {
      throw refusal(400, 'ExpiredToken');
    }),
  );
  await assert.rejects(bucket.head('k', NEVER), { code: 'ExpiredToken' });
  assert.equal(bucket.dialect.lacks.has('head'), false);
});

test('where HEAD is not answered, what is not there is not there', async () => {
  const { bucket, names } = answeringBucket(
    withoutHead(405, () => {
      throw refusal(404, 'NoSuchKey');
    }),
  );
  for (let nth = 0; nth < 2; nth += 1) assert.equal(await bucket.head('k', NEVER), undefined);
  assert.equal(names().filter((name) => name === 'GetObject').length, 2);
});

test('where HEAD is not answered, a GET that is refused is not repeated', async () => {
  const { bucket, names } = answeringBucket(
    withoutHead(405, () => {
      throw refusal(400, 'Nonsense');
    }),
  );
  bucket.dialect.lacks.add('head');
  await assert.rejects(bucket.head('k', NEVER), { code: 'Nonsense' });
  assert.deepEqual(names(), ['GetObject']);
});

test('an empty object, which has no first byte, is asked for whole', async () => {
  const get: Answering = (_, input) => {
    if (input.Range !== undefined) throw refusal(416, 'InvalidRange');
    return { ETag: '"x"', ContentLength: 0 };
  };
  const { bucket } = answeringBucket(withoutHead(405, get));
  assert.equal((await bucket.head('k', NEVER))?.sizeBytes, 0);
});

test('the content that comes with the answer to such a GET is not read', async () => {
  let isDestroyed = false;
  const body = {
    destroy: () => {
      isDestroyed = true;
    },
  };
  const { bucket } = answeringBucket(withoutHead(405, () => ({ ETag: '"x"', Body: body })));
  await bucket.head('k', NEVER);
  assert.equal(isDestroyed, true);
});

test('a missing bucket is no missing object', async () => {
  const { bucket } = answeringBucket(() => {
    throw refusal(404, 'NoSuchBucket');
  });
  await assert.rejects(bucket.head('k', NEVER), { code: 'NoSuchBucket' });
  await assert.rejects(bucket.abort('b', 'k', 'u', NEVER), { code: 'NoSuchBucket' });
});

test('an upload that is gone is aborted', async () => {
  const { bucket } = answeringBucket(() => {
    throw refusal(404, 'NoSuchUpload');
  });
  await bucket.abort('b', 'k', 'u', NEVER);
});

test('one version is deleted where it is named', async () => {
  const { bucket, asked } = answeringBucket(() => ({}));
  await bucket.delete('k', 'v1', NEVER);
  await bucket.delete('k', undefined, NEVER);
  assert.deepEqual(
    asked.map(({ input }) => input),
    [
      { Bucket: 'b', Key: 'k', VersionId: 'v1' },
      { Bucket: 'b', Key: 'k' },
    ],
  );
});

test('a notice is given once', () => {
  const { bucket, notices } = answeringBucket(() => ({}));
  for (const notice of ['one', 'two', 'one']) bucket.notice(notice);
  assert.deepEqual(notices, ['one', 'two']);
});

test('nothing is asked once the signal has aborted, and its reason is the failure', async () => {
  const reason = new Error('stopping');
  const { bucket, asked } = answeringBucket(() => ({}));
  await assert.rejects(bucket.delete('k', undefined, AbortSignal.abort(reason)), reason);
  assert.deepEqual(asked, []);
});

test('a request that fails while the signal aborts fails with its reason', async () => {
  const reason = new Error('stopping');
  const stop = new AbortController();
  const { bucket } = answeringBucket(() => {
    stop.abort(reason);
    throw refusal(403, 'AccessDenied');
  });
  await assert.rejects(bucket.delete('k', undefined, stop.signal), reason);
});

test('what a request fails with is what the diagnosis makes of it', async () => {
  const told = new Fault('blocked', 'told', { operation: 'o', subject: 's' });
  const bucketOf = () =>
    answeringBucket(
      () => {
        throw refusal(403, 'AccessDenied');
      },
      { of: async () => told },
    ).bucket;
  await assert.rejects(bucketOf().delete('k', undefined, NEVER), told);
});

test('whether an ETag is an MD5 is learnt from one that is, and forgotten where it is opaque', async () => {
  let answer: object = { ETag: `"${DIGEST.md5Hex}"` };
  const { bucket } = answeringBucket(() => answer);
  const put = async () => {
    await bucket.put('k', BODY, DIGEST, 'none', NEVER);
    return bucket.dialect.etagIsMd5;
  };
  assert.equal(await put(), true);
  answer = { ETag: '"0123456789abcdef0123456789abcdef"' };
  assert.equal(await put(), true, 'damaged, perhaps');
  answer = { ...answer, ServerSideEncryption: 'aws:kms' };
  assert.equal(await put(), false);
});

/** Which conditions the puts of this guard carried, on a store that refuses every request with one. */
async function conditionsOf(guard: 'none' | 'on trial' | 'firm') {
  const { bucket, asked } = answeringBucket((_, input) => {
    if (input.IfNoneMatch !== undefined) throw refusal(501, 'NotImplemented');
    return { ETag: '"x"' };
  });
  await bucket.put('k', BODY, DIGEST, guard, NEVER).catch(() => undefined);
  return asked.map(({ input }) => input.IfNoneMatch);
}

test('the condition is left out on trial only, and is not sent without a guard', async () => {
  assert.deepEqual(await conditionsOf('none'), [undefined]);
  assert.deepEqual(await conditionsOf('on trial'), ['*', undefined]);
  assert.deepEqual(await conditionsOf('firm'), ['*']);
});

test('the condition is not sent to a store that ignores it', async () => {
  const { bucket, asked } = answeringBucket(() => ({ ETag: '"x"' }));
  bucket.dialect.learnConditions('put object', 'ignored');
  await bucket.put('k', BODY, DIGEST, 'firm', NEVER);
  assert.equal(asked[0]?.input.IfNoneMatch, undefined);
});

test('a put that is refused because the key is taken shows that the store heeds the condition', async () => {
  const { bucket } = answeringBucket(() => {
    throw refusal(412, 'PreconditionFailed');
  });
  await assert.rejects(bucket.put('k', BODY, DIGEST, 'firm', NEVER), { code: 'PreconditionFailed' });
  assert.equal(bucket.dialect.conditions('put object'), 'supported');
  assert.equal(bucket.dialect.conditions('complete upload'), 'unknown');
});
