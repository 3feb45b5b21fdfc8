// Our own tiny objects: put, and removed again whatever happens in between.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ConditionTrial, OwnObjects } from '../../src/store/s3/own-objects.ts';
import { type Answering, answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';

function worldOf(answer: Answering = () => undefined, signal = NEVER) {
  const world = answeringBucket(
    (name, input, nth) => answer(name, input, nth) ?? { ETag: '"x"', UploadId: 'u', ContentLength: 1 },
  );
  const inputsOf = (wanted: string) =>
    world.asked.filter(({ name }) => name === wanted).map(({ input }) => input);
  return { ...world, own: new OwnObjects(world.bucket, signal), inputsOf };
}

/** Refuses the first requests of this name. */
const failing =
  (wanted: string, status: number, code: string, count = Number.POSITIVE_INFINITY): Answering =>
  (name, _, nth) => {
    if (name === wanted && nth <= count) throw refusal(status, code);
    return undefined;
  };

test('an object put whole or in parts is removed, each version once', async () => {
  const { own, inputsOf } = worldOf((name, _, nth) =>
    name === 'PutObject' ? { ETag: '"x"', VersionId: `v${Math.min(nth, 2)}` } : undefined,
  );
  for (let nth = 0; nth < 3; nth += 1) await own.put('whole', false);
  await own.putInParts('parts', false);
  assert.deepEqual(await own.cleanUp(), { objects: 0, areVersions: true, fault: undefined });
  assert.deepEqual(
    inputsOf('DeleteObject').map(({ Key, VersionId }) => [Key, VersionId]),
    [
      ['whole', 'v1'],
      ['whole', 'v2'],
      ['parts', undefined],
    ],
  );
  await own.cleanUp();
  assert.equal(inputsOf('DeleteObject').length, 3, 'a second time there is nothing to remove');
});

for (const name of ['UploadPart', 'CompleteMultipartUpload']) {
  test(`an upload of our own that fails at ${name} is aborted`, async () => {
    const { own, inputsOf } = worldOf(failing(name, 403, 'AccessDenied'));
    await assert.rejects(own.putInParts('k', false), { code: 'AccessDenied' });
    assert.deepEqual(inputsOf('AbortMultipartUpload'), [{ Bucket: 'b', Key: 'k', UploadId: 'u' }]);
    await own.cleanUp();
    assert.deepEqual(inputsOf('DeleteObject'), []);
  });
}

test('a removal is tried a second time after a bad moment of the store, and not after a denial', async () => {
  const moment = worldOf(failing('DeleteObject', 500, 'InternalError', 1));
  await moment.own.put('k', false);
  assert.equal((await moment.own.cleanUp()).objects, 0);
  const denied = worldOf(failing('DeleteObject', 403, 'AccessDenied', 1));
  await denied.own.put('k', false);
  assert.deepEqual((await denied.own.cleanUp()).fault?.code, 'AccessDenied');
  assert.equal(denied.inputsOf('DeleteObject').length, 1);
});

test('what cannot be removed is counted, with the first reason, and the others are removed', async () => {
  const { own, inputsOf } = worldOf((name, input, nth) => {
    if (name === 'DeleteObject' && input.Key !== 'c')
      throw refusal(403, nth === 1 ? 'AccessDenied' : 'AllAccessDisabled');
    return undefined;
  });
  for (const key of ['a', 'b', 'c']) await own.put(key, false);
  const { objects, fault } = await own.cleanUp();
  assert.deepEqual([objects, fault?.code], [2, 'AccessDenied']);
  assert.equal(inputsOf('DeleteObject').length, 3);
});

test('after a failure an object that is there all the same is removed', async () => {
  const { own, inputsOf } = worldOf();
  await own.lookFor('k');
  await own.cleanUp();
  assert.equal(inputsOf('DeleteObject').length, 1);
  const none = worldOf(failing('HeadObject', 404, 'NotFound'));
  await none.own.lookFor('k');
  await none.own.cleanUp();
  assert.deepEqual(none.names(), ['HeadObject']);
});

test('while stopping nothing is looked for, and that is no failure', async () => {
  const { own, asked } = worldOf(undefined, AbortSignal.abort());
  await own.lookFor('k');
  assert.deepEqual(asked, []);
});

test('a store that refuses the condition is not said to ignore it', async () => {
  const { own, bucket } = worldOf((_, input) => {
    if (input.IfNoneMatch !== undefined) throw refusal(501, 'NotImplemented');
    return undefined;
  });
  assert.equal(await own.learnConditions('put object', 'k'), 'refused');
  assert.equal(bucket.dialect.conditions('put object'), 'refused');
});

test('whether the store would overwrite is found out once, however many ask, and leaves nothing', async () => {
  const { bucket, names } = worldOf();
  const trial = new ConditionTrial(bucket);
  const asking = [1, 2, 3].map(() => trial.findOut('put object', NEVER));
  await Promise.all(asking);
  assert.equal(bucket.dialect.conditions('put object'), 'ignored');
  assert.deepEqual(names(), ['PutObject', 'PutObject', 'DeleteObject']);
});

test('a trial that fails is repeated by the next to ask, and what it leaves is told', async () => {
  const { bucket, notices, names } = worldOf((name, _, nth) => {
    if (name === 'PutObject' && nth === 2) throw refusal(503, 'SlowDown');
    if (name === 'DeleteObject') throw refusal(403, 'AccessDenied');
    return undefined;
  });
  const trial = new ConditionTrial(bucket);
  await assert.rejects(trial.findOut('put object', NEVER), { code: 'SlowDown' });
  assert.match(notices.join(), /could not be deleted/);
  await trial.findOut('put object', NEVER);
  assert.equal(names().filter((name) => name === 'PutObject').length, 4);
});
