// What `check` asks of a store that misbehaves: a trip in one part, a trip in two, and what is left behind.
import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from '../support/nothing-left.ts';
import { ScriptedS3 } from '../support/scripted-s3.ts';
import { storeAt } from '../support/store-fixture.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const never = new AbortController().signal;

async function world() {
  const s3 = new ScriptedS3();
  await s3.start();
  cleanups.push(() => s3.stop());
  const store = storeAt(s3);
  cleanups.push(() => store.close());
  return { s3, store };
}

test('a round trip at a store without uploads in parts says so, and tries the rest', async () => {
  for (const status of [405, 501]) {
    const { s3, store } = await world();
    s3.script = ({ operation }) =>
      operation === 'POST ?uploads' ? { kind: 'answer', status, code: 'NotImplemented' } : undefined;
    const { partsRefused, conditions, leftovers } = await store.roundTrip(never);
    assert.deepEqual([partsRefused?.code, conditions, leftovers.objects], ['NotImplemented', 'supported', 0]);
    assert.equal(s3.objects.size, 0);
  }
});

test('a trip in two parts sends 5 MiB and a little by the code for files, and leaves nothing', async () => {
  const { s3, store } = await world();
  assert.equal((await store.twoPartTrip(never, never)).objects, 0);
  const sizes = s3.requests.flatMap(({ rawPath, headers }) =>
    rawPath.includes('partNumber=') ? [Number(headers['content-length'])] : [],
  );
  assert.deepEqual(
    sizes.sort((a, b) => b - a),
    [5_242_880, 1_024],
  );
  assert.deepEqual([s3.objects.size, s3.uploads.size], [0, 0]);
});

test('a trip in two parts that is refused or takes too long aborts the upload', async () => {
  const { s3, store } = await world();
  s3.script = ({ rawPath }) =>
    rawPath.includes('partNumber=2') ? { kind: 'answer', status: 413, code: 'EntityTooLarge' } : undefined;
  await assert.rejects(store.twoPartTrip(never, never), { code: 'EntityTooLarge' });
  assert.equal(s3.uploads.size, 0);
  s3.script = ({ rawPath }) => (rawPath.includes('partNumber=1') ? { kind: 'stall' } : undefined);
  const during = new AbortController();
  const trip = store.twoPartTrip(during.signal, never);
  while (!s3.requests.slice(-3).some(({ rawPath }) => rawPath.includes('partNumber=1'))) await delay(5);
  during.abort(new Error('too long'));
  await assert.rejects(trip, { message: 'too long' });
  assert.deepEqual([s3.objects.size, s3.uploads.size], [0, 0]);
});

test('a trip in two parts whose last answer is lost removes the object all the same', async () => {
  const { s3, store } = await world();
  s3.script = ({ operation }) => (operation === 'POST ?uploadId' ? { kind: 'drop-answer' } : undefined);
  await assert.rejects(store.twoPartTrip(never, never));
  assert.deepEqual([s3.objects.size, s3.uploads.size], [0, 0]);
});
