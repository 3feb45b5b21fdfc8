import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { isProof, verify } from '../../src/drain/verify.ts';
import type { UploadJournal } from '../../src/store/object-store.ts';
import type { S3Store } from '../../src/store/s3/s3-store.ts';
import { Fault } from '../../src/system/fault.ts';
import { test } from '../support/nothing-left.ts';
import { ScriptedS3, type ScriptedS3Options, type SeenRequest } from '../support/scripted-s3.ts';
import {
  bytesOf,
  MemoryJournal,
  PART_BYTES,
  type StoreOverrides,
  sourceOf,
  storeAt,
} from '../support/store-fixture.ts';
import type { WireFault } from '../support/wire-fault.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const never = new AbortController().signal;
/** Five parts, the last a short one. */
const film = bytesOf(4 * PART_BYTES + 1_234);
const other = bytesOf(film.length, 2);

/** As deepEqual, which would take minutes to show how megabytes differ. */
function assertHolds(body: Buffer | undefined, expected: Buffer): void {
  assert.ok(body?.equals(expected), 'the object has other bytes');
}

async function world(server: ScriptedS3Options = {}, options: StoreOverrides = {}) {
  const s3 = new ScriptedS3(server);
  await s3.start();
  cleanups.push(() => s3.stop());
  const store = storeAt(s3, options);
  cleanups.push(() => store.close());
  return { s3, store };
}

function upload(store: S3Store, content: Buffer, journal?: UploadJournal, signal = never) {
  return store.upload({
    key: 'film.mp4',
    source: sourceOf(content),
    signal,
    ...(journal ? { journal } : {}),
  });
}

/** The first requests of the operation stall or fail from the `nth` on; the others pass. */
function from(operation: string, nth: number, spoil: WireFault) {
  return (request: SeenRequest, count: number) =>
    request.operation === operation && count >= nth ? spoil : undefined;
}

for (const server of [{}, { checksums: true }, { opaque: true }] as const) {
  test(`uploads a large file in parts, proven, on a store with ${JSON.stringify(server)}`, async () => {
    const { s3, store } = await world(server);
    const journal = new MemoryJournal();
    const { local, receipt, outcome } = await upload(store, film, journal);
    assert.equal(outcome, 'stored');
    assertHolds(s3.objects.get('film.mp4')?.body, film);
    assert.deepEqual([local.multipart, local.parts.length, local.sizeBytes], [true, 5, film.length]);
    assert.equal(s3.uploads.size, 0);
    assert.equal(journal.upload, undefined);
    const proven =
      isProof(verify(local, receipt)) ||
      isProof(verify(local, await store.confirm('film.mp4', local, never)));
    assert.ok(proven);
    const part = s3.requests.find(({ operation }) => operation === 'PUT ?uploadId');
    assert.ok(part?.headers['content-md5'] && part.headers['x-amz-checksum-sha256']);
    assert.equal(s3.objects.get('film.mp4')?.headers['content-type'], 'video/mp4');
  });
}

for (const server of [{}, { checksums: true }] as const) {
  test(`resumes after an abort and sends no part twice, on a store with ${JSON.stringify(server)}`, async () => {
    const { s3, store } = await world(server);
    const journal = new MemoryJournal();
    const stop = new AbortController();
    s3.script = (request, nth) => {
      if (request.operation === 'PUT ?uploadId' && nth === 4) stop.abort(new Error('stopping'));
      return request.operation === 'PUT ?uploadId' && nth >= 4 ? { kind: 'stall' } : undefined;
    };
    await assert.rejects(upload(store, film, journal, stop.signal), { message: 'stopping' });
    assert.equal(s3.uploads.size, 1);
    const standing = [...s3.uploads.values()][0]?.parts.size ?? 0;
    assert.ok(standing >= 2, `${standing} parts arrived`);
    s3.script = () => undefined;
    s3.requests.length = 0;
    const resumed = await upload(storeAt(s3), film, journal);
    // one more may have arrived after the abort
    assert.ok(s3.count('PUT ?uploadId') <= 5 - standing);
    assert.equal(s3.count('POST ?uploads'), 0);
    assertHolds(s3.objects.get('film.mp4')?.body, film);
    assert.ok(isProof(verify(resumed.local, resumed.receipt)));
    assert.equal(journal.upload, undefined);
  });
}

test('sends a part again whose bytes at the store are not the local ones', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  s3.script = from('POST ?uploadId', 1, { kind: 'answer', status: 500, code: 'InternalError' });
  await assert.rejects(upload(store, other, journal), { faultClass: 'transient' });
  s3.script = () => undefined;
  // Another content under the same journal: as after a journal that was kept by mistake.
  await upload(store, film, journal);
  assertHolds(s3.objects.get('film.mp4')?.body, film);
  assert.equal(s3.uploads.size, 0);
});

test('begins anew when the journaled upload is gone', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  journal.upload = { bucket: 'bucket', key: 'film.mp4', uploadId: 'long-gone', partSizeBytes: PART_BYTES };
  await upload(store, film, journal);
  assertHolds(s3.objects.get('film.mp4')?.body, film);
  assert.equal(s3.count('POST ?uploads'), 1);
});

test('aborts a journaled upload cut another way and begins anew', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  s3.script = from('POST ?uploadId', 1, { kind: 'answer', status: 500, code: 'InternalError' });
  await assert.rejects(upload(store, film, journal));
  s3.script = () => undefined;
  await upload(storeAt(s3, { partSizeBytes: 2 * PART_BYTES }), film, journal);
  assertHolds(s3.objects.get('film.mp4')?.body, film);
  assert.equal(s3.uploads.size, 0);
});

test('a complete whose answer was lost is found done', async () => {
  for (const server of [{}, { checksums: true }] as const) {
    const { s3, store } = await world(server);
    // The connection is reset: the SDK's second attempt finds no such upload.
    s3.script = (request, nth) =>
      request.operation === 'POST ?uploadId' && nth === 1 ? { kind: 'drop-answer' } : undefined;
    const { local, receipt } = await upload(store, film, new MemoryJournal());
    assert.ok(isProof(verify(local, receipt)));
    assert.equal(s3.objects.size, 1);
    assert.equal(s3.uploads.size, 0);
  }
});

test('a complete whose answer was lost in a crash is recognised as the same bytes', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  await upload(store, film);
  journal.upload = { bucket: 'bucket', key: 'film.mp4', uploadId: 'upload-1', partSizeBytes: PART_BYTES };
  const again = await upload(store, film, journal);
  assert.equal(again.outcome, 'already-there');
  assert.equal(s3.count('POST ?uploads'), 1);
  assert.equal(journal.upload, undefined);
  assert.ok(isProof(verify(again.local, again.receipt)));
});

for (const code of ['InternalError', undefined]) {
  test(`a complete answered 200 with ${code ?? 'nothing'} is transient and completes next time`, async () => {
    const { s3, store } = await world();
    const journal = new MemoryJournal();
    s3.script = (request, nth) =>
      request.operation === 'POST ?uploadId' && nth === 1
        ? { kind: 'answer', status: 200, ...(code === undefined ? {} : { code }) }
        : undefined;
    await assert.rejects(upload(store, film, journal), { faultClass: 'transient' });
    const { local, receipt } = await upload(store, film, journal);
    assert.ok(isProof(verify(local, receipt)));
    assert.equal(s3.count('PUT ?uploadId'), 5);
  });
}

// Regression: the upload that could not be completed was resumed, and could not be completed, for ever.
for (const [status, code] of [
  [400, 'InvalidPart'],
  [400, 'InvalidPartOrder'],
  [400, 'EntityTooSmall'],
  [409, 'ConditionalRequestConflict'],
] as const) {
  test(`an upload whose completion is answered ${code} begins anew`, async () => {
    const { s3, store } = await world();
    const journal = new MemoryJournal();
    s3.script = ({ operation, rawPath }) =>
      operation === 'POST ?uploadId' && rawPath.includes('upload-1')
        ? { kind: 'answer', status, code }
        : undefined;
    await assert.rejects(upload(store, film, journal), { code });
    assert.equal(journal.upload, undefined);
    assert.equal(s3.uploads.size, 0);
    await upload(store, film, journal);
    assertHolds(s3.objects.get('film.mp4')?.body, film);
  });
}

for (const [operation, faultClass] of [
  ['PUT ?uploadId', 'breaker'],
  ['POST ?uploadId', 'file'],
] as const) {
  test(`EntityTooLarge, answered to ${operation}, is ${faultClass}`, async () => {
    // Regression: an nginx that takes no part of s3.partSize, or a full Swift account, had all large files quarantined.
    const { s3, store } = await world();
    s3.script = from(operation, 1, { kind: 'answer', status: 413, code: 'EntityTooLarge' });
    await assert.rejects(upload(store, film), { faultClass, code: 'EntityTooLarge' });
  });
}

test('refuses a part that the store answers with another digest, and sends it again next time', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  s3.script = (request, nth) =>
    request.operation === 'PUT ?uploadId' && nth === 2 ? { kind: 'damage', how: 'flip-byte' } : undefined;
  await assert.rejects(upload(store, film, journal), { faultClass: 'transient', code: 'PartDiffers' });
  await upload(store, film, journal);
  assertHolds(s3.objects.get('film.mp4')?.body, film);
});

test('stops the other parts when one fails', async () => {
  const { s3, store } = await world({}, { partsAtOnce: 4, idleTimeoutMs: 60_000, deadlineMs: 60_000 });
  s3.script = (request, nth) => {
    if (request.operation !== 'PUT ?uploadId') return undefined;
    return nth === 4 ? { kind: 'answer', status: 403, code: 'AccessDenied' } : { kind: 'stall' };
  };
  await assert.rejects(upload(store, film, new MemoryJournal()), {
    faultClass: 'unknown',
    code: 'AccessDenied',
  });
});

/** Found to have changed once its end is read, be it by a chmod alone. */
function changingSource() {
  const { read, sizeBytes } = sourceOf(film);
  return {
    sizeBytes,
    read: async (offset: number, length: number) => {
      if (offset + length < sizeBytes) return read(offset, length);
      throw new Fault('changed', 'the file changed', { operation: 'read', subject: 'film.mp4' });
    },
  };
}

const changing = (store: S3Store, journal?: UploadJournal) =>
  store.upload({
    key: 'film.mp4',
    source: changingSource(),
    signal: never,
    ...(journal ? { journal } : {}),
  });

// Regression: a backup that touched the ctime of a file cost all the parts that had been sent.
test('keeps the parts of a file that changed, for it may have the same bytes', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  await assert.rejects(changing(store, journal), { faultClass: 'changed' });
  const standing = [...s3.uploads.values()][0]?.parts.size ?? 0;
  assert.ok(standing >= 2, `${standing} parts arrived`);
  s3.requests.length = 0;
  await upload(store, film, journal);
  assert.ok(s3.count('PUT ?uploadId') <= 5 - standing);
  assert.equal(s3.count('POST ?uploads'), 0);
  assertHolds(s3.objects.get('film.mp4')?.body, film);
});

test('gives the parts of a file up that has other bytes by now', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  await assert.rejects(changing(store, journal), { faultClass: 'changed' });
  const rewritten = new MemoryJournal();
  rewritten.stale = journal.upload;
  await upload(store, other, rewritten);
  assertHolds(s3.objects.get('film.mp4')?.body, other);
  assert.equal(s3.uploads.size, 0);
});

test('without a journal nothing is left open after a failure', async () => {
  const { s3, store } = await world();
  await assert.rejects(changing(store), { faultClass: 'changed' });
  assert.equal(s3.uploads.size, 0);
  s3.script = from('PUT ?uploadId', 2, { kind: 'answer', status: 500, code: 'InternalError' });
  await assert.rejects(upload(store, film), { faultClass: 'transient' });
  assert.equal(s3.uploads.size, 0);
});

for (const conditions of ['honour', 'ignore', 'refuse'] as const) {
  test(`keeps both of two large contents on a store that would ${conditions} the condition`, async () => {
    const { s3, store } = await world({ conditions });
    await upload(store, other);
    s3.requests.length = 0;
    const { receipt } = await upload(store, film);
    assert.match(receipt.key, /^film\.[0-9a-f]{8}\.mp4$/);
    assertHolds(s3.objects.get('film.mp4')?.body, other);
    assertHolds(s3.objects.get(receipt.key)?.body, film);
    assert.equal(s3.uploads.size, 0);
    assert.equal((await upload(store, film)).outcome, 'already-there');
  });
}

test('keeps both when the key is taken while the parts are on their way', async () => {
  const { s3, store } = await world();
  s3.script = (request) => {
    if (request.operation === 'POST ?uploadId' && !s3.objects.has('film.mp4'))
      s3.objects.set('film.mp4', { body: other, etag: 'x', sha256: undefined, headers: {} });
    return undefined;
  };
  const { receipt } = await upload(store, film, new MemoryJournal());
  assert.match(receipt.key, /^film\.[0-9a-f]{8}\.mp4$/);
  assertHolds(s3.objects.get('film.mp4')?.body, other);
  assertHolds(s3.objects.get(receipt.key)?.body, film);
  assert.equal(s3.uploads.size, 0);
});

test('a completion carried out late finds nothing once the file has shrunk to a small one', async () => {
  // Regression, found with simulated seed 553: a file smaller than a part did not end the upload of its earlier content,
  // and the store, which ignores conditions, completed it over the newer bytes.
  const { s3, store } = await world({ conditions: 'ignore' });
  const journal = new MemoryJournal();
  const complete = 'POST ?uploadId';
  s3.script = ({ operation }, nth) => {
    if (operation !== complete) return undefined;
    return nth === 1 ? { kind: 'late', byMs: 200 } : { kind: 'answer', status: 500, code: 'InternalError' };
  };
  await assert.rejects(upload(store, film, journal), { faultClass: 'transient' });
  const shrunk = new MemoryJournal();
  shrunk.stale = journal.upload;
  assert.ok(shrunk.stale);
  const small = film.subarray(0, 1_000);
  const { outcome } = await upload(store, small, shrunk);
  assert.equal(outcome, 'stored');
  assert.equal(shrunk.stale, undefined);
  await s3.settled();
  assertHolds(s3.objects.get('film.mp4')?.body, small);
  assert.equal(s3.uploads.size, 0);
});

test('abandons an upload of ours, also one that is gone, and no other', async () => {
  const { s3, store } = await world();
  const journal = new MemoryJournal();
  s3.uploads.set('foreign', { key: 'film.mp4', headers: {}, parts: new Map() });
  s3.script = from('POST ?uploadId', 1, { kind: 'answer', status: 500, code: 'InternalError' });
  await assert.rejects(upload(store, film, journal));
  const { upload: ours } = journal;
  assert.ok(ours);
  await store.abandon(ours, never);
  await store.abandon(ours, never);
  assert.deepEqual([...s3.uploads.keys()], ['foreign']);
});

// The abort was asked of the new store, which does not know the bucket or denies it: a breaker that nothing could close.
for (const [status, code] of [
  [404, 'NoSuchBucket'],
  [403, 'AccessDenied'],
  [500, 'InternalError'],
] as const) {
  for (const [record, name] of [
    ['upload', 'record'],
    ['stale', 'stale record'],
  ] as const) {
    for (const content of [film, film.subarray(0, 1_000)]) {
      test(`the ${name} of a bucket that answers ${code} now holds up no file of ${content.length} bytes`, async () => {
        const { s3, store } = await world();
        s3.script = ({ rawPath }) =>
          rawPath.startsWith('/former/') ? { kind: 'answer', status, code } : undefined;
        const journal = new MemoryJournal();
        journal[record] = { bucket: 'former', key: 'film.mp4', uploadId: 'begun', partSizeBytes: PART_BYTES };
        await upload(store, content, journal);
        assertHolds(s3.objects.get('film.mp4')?.body, content);
        assert.equal(journal.stale, undefined);
        assert.notEqual(journal.upload?.bucket, 'former');
      });
    }
  }
}

test('an upload of its own bucket that cannot be aborted is kept for later', async () => {
  const { s3, store } = await world();
  s3.script = from('DELETE ?uploadId', 1, { kind: 'answer', status: 500, code: 'InternalError' });
  const journal = new MemoryJournal();
  const begun = { bucket: 'bucket', key: 'film.mp4', uploadId: 'begun', partSizeBytes: PART_BYTES };
  journal.stale = begun;
  await assert.rejects(upload(store, film, journal), { faultClass: 'transient' });
  assert.equal(journal.stale, begun);
});
