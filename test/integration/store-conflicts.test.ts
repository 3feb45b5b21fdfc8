// Whose object is it, and whose upload? What others have put is never overwritten, and what is ours never stays open
// unknown, whatever the store denies, ignores or loses.
import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { isProof, verify } from '../../src/drain/verify.ts';
import type { UploadJournal } from '../../src/store/object-store.ts';
import type { S3Store } from '../../src/store/s3/s3-store.ts';
import type { StoreEvent } from '../../src/store/s3/store-event.ts';
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
const film = bytesOf(PART_BYTES + 1_000);
const theirs = Buffer.from('a report of others');
const held = { body: theirs, etag: 'x', sha256: undefined, headers: {} };

async function world(server: ScriptedS3Options = {}, options: StoreOverrides = {}) {
  const s3 = new ScriptedS3(server);
  await s3.start();
  cleanups.push(() => s3.stop());
  const notices: string[] = [];
  const onEvent = (event: StoreEvent) => {
    if (event.kind === 'notice') notices.push(event.notice);
  };
  const newStore = (more: StoreOverrides = {}) => {
    const store = storeAt(s3, { onEvent, ...options, ...more });
    cleanups.push(() => store.close());
    return store;
  };
  return { s3, newStore, notices, store: newStore() };
}

function upload(store: S3Store, content: Buffer, key: string, journal?: UploadJournal) {
  return store.upload({ key, source: sourceOf(content), signal: never, ...(journal ? { journal } : {}) });
}

const denied: WireFault = { kind: 'answer', status: 403, code: 'AccessDenied' };
const denies = (pattern: RegExp) => (request: SeenRequest) =>
  pattern.test(request.operation) ? denied : undefined;

// Two contents of 128 bytes with the same MD5 (X. Wang and H. Yu, "How to Break MD5 and Other Hash Functions", 2005).
const COLLIDING = [
  ['87', '71', 'f2', 'b4', 'a8', '2b'],
  ['07', 'f1', '72', '34', '28', 'ab'],
].map(([a, b, c, d, e, f]) =>
  Buffer.from(
    `d131dd02c5e6eec4693d9a0698aff95c2fcab5${a}12467eab4004583eb8fb7f8955ad340609f4b30283e4888325${b}415a` +
      `085125e8f7cdc99fd91dbd${c}80373c5bd8823e3156348f5bae6dacd436c919c6dd53e2${d}87da03fd02396306d248cda0` +
      `e99f33420f577ee8ce54b67080${e}0d1ec69821bcb6a8839396f965${f}6ff72a70`,
    'hex',
  ),
);

for (const server of [{}, { checksums: true }] as const) {
  test(`keeps both of two contents with the same MD5 on a store with ${JSON.stringify(server)}`, async () => {
    const { s3, newStore } = await world(server);
    const [first = theirs, second = theirs] = COLLIDING;
    await upload(newStore(), first, 'x.bin');
    const { receipt, local } = await upload(newStore(), second, 'x.bin');
    assert.notEqual(receipt.key, 'x.bin');
    assert.ok(isProof(verify(local, receipt)));
    assert.deepEqual(s3.objects.get('x.bin')?.body, first);
    assert.deepEqual(s3.objects.get(receipt.key)?.body, second);
  });
}

for (const conditions of ['ignore', 'refuse'] as const) {
  for (const content of [film, Buffer.from('mine')]) {
    test(`overwrites nothing where it may not look and the store would ${conditions} the condition: ${content.length} bytes`, async () => {
      const { s3, store } = await world({ conditions });
      s3.objects.set('report.csv', held);
      s3.script = denies(/^HEAD/);
      await assert.rejects(upload(store, content, 'report.csv', new MemoryJournal()), {
        faultClass: 'breaker',
        code: 'CannotLook',
      });
      assert.deepEqual([...s3.objects], [['report.csv', held]]);
      assert.equal(s3.uploads.size, 0);
    });
  }
}

for (const content of [film, Buffer.from('mine')]) {
  test(`finds out on a key of its own that the store refuses to overwrite, where it may not look: ${content.length} bytes`, async () => {
    const { s3, store } = await world();
    s3.objects.set('report.csv', held);
    s3.script = denies(/^(HEAD|GET)$/);
    const { receipt } = await upload(store, content, 'report.csv', new MemoryJournal());
    assert.match(receipt.key, /^report\.[0-9a-f]{8}\.csv$/);
    assert.deepEqual([...s3.objects.keys()].sort(), [receipt.key, 'report.csv']);
    assert.deepEqual(s3.objects.get('report.csv'), held);
  });
}

test('a file that the store refuses is never put without the condition, so that a late copy replaces nothing', async () => {
  const { s3, store } = await world();
  const refused: WireFault = { kind: 'answer', status: 400, code: 'XOddName' };
  s3.script = ({ operation, key }) => (operation === 'PUT' && key === 'odd' ? refused : undefined);
  for (let nth = 0; nth < 5; nth += 1)
    await assert.rejects(upload(store, Buffer.from('mine'), 'odd'), { code: 'XOddName' });
  const puts = s3.requests.filter(({ operation, key }) => operation === 'PUT' && key === 'odd');
  assert.ok(puts.length > 5, 'other headers were left out');
  assert.deepEqual(
    puts.filter(({ headers }) => headers['if-none-match'] !== '*'),
    [],
  );
  assert.deepEqual([...s3.objects.keys()], []);
});

test('a name that is used again and again is looked for, not sent twice', async () => {
  const { s3, store } = await world();
  const sizes = { sent: 0, content: 0 };
  for (let nth = 0; nth < 12; nth += 1) {
    const content = bytesOf(100_000, nth + 10);
    sizes.content += content.length;
    await upload(store, content, 'latest.jpg');
  }
  for (const { operation, bodyBytes } of s3.requests) if (operation === 'PUT') sizes.sent += bodyBytes;
  assert.ok(sizes.sent <= 1.1 * sizes.content, `${sizes.sent} of ${sizes.content} bytes`);
  assert.equal(s3.objects.size, 12);
});

test('an upload whose name was lost with the answer is aborted, and those of others are not', async () => {
  const { s3, newStore } = await world();
  s3.uploads.set('earlier', { key: 'film.mp4', headers: {}, parts: new Map() });
  s3.uploads.set('other', { key: 'film.mp4.part', headers: {}, parts: new Map() });
  const journal = new MemoryJournal();
  s3.script = ({ operation }) => (operation === 'POST ?uploads' ? { kind: 'drop-answer' } : undefined);
  await assert.rejects(upload(newStore(), film, 'film.mp4', journal), { faultClass: 'transient' });
  assert.equal(s3.uploads.size, 4, 'the SDK asked twice');
  assert.deepEqual(journal.upload?.unnamedBeside, ['earlier']);
  s3.script = () => undefined;
  await upload(newStore(), film, 'film.mp4', journal);
  assert.deepEqual([...s3.uploads.keys()], ['earlier', 'other']);
  assert.equal(journal.upload, undefined);
});

test('an upload that the SDK began twice is aborted in the end', async () => {
  const { s3, store } = await world();
  s3.script = ({ operation }, nth) =>
    operation === 'POST ?uploads' && nth === 1 ? { kind: 'drop-answer' } : undefined;
  const journal = new MemoryJournal();
  await upload(store, film, 'film.mp4', journal);
  assert.deepEqual([...s3.uploads.keys()], []);
  assert.equal(journal.upload, undefined);
});

test('where open uploads may not be listed, that is said once, and files go all the same', async () => {
  const { s3, store, notices } = await world();
  s3.script = denies(/^GET \?uploads$/);
  for (const key of ['a', 'b']) await upload(store, film, key, new MemoryJournal());
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /s3:ListBucketMultipartUploads/);
  assert.equal(s3.objects.size, 2);
});

test('where parts may not be listed, a large file begins anew and leaves nothing open', async () => {
  const { s3, newStore, notices } = await world();
  const journal = new MemoryJournal();
  s3.script = ({ operation }) =>
    operation === 'POST ?uploadId' ? { kind: 'answer', status: 500, code: 'InternalError' } : undefined;
  await assert.rejects(upload(newStore(), film, 'film.mp4', journal), { faultClass: 'transient' });
  s3.script = denies(/^GET \?uploadId$/);
  await upload(newStore(), film, 'film.mp4', journal);
  assert.deepEqual(s3.objects.get('film.mp4')?.body.length, film.length);
  assert.equal(s3.uploads.size, 0);
  assert.match(notices.join(), /s3:ListMultipartUploadParts/);
});

test('an upload left open at a former endpoint stays on record, is told, and is aborted when that comes back', async () => {
  const former = await world();
  former.s3.script = ({ operation }) =>
    operation === 'POST ?uploadId' ? { kind: 'answer', status: 500, code: 'InternalError' } : undefined;
  const journal = new MemoryJournal();
  await assert.rejects(upload(former.store, film, 'film.mp4', journal), { faultClass: 'transient' });
  const [uploadId] = former.s3.uploads.keys();
  const present = await world();
  await upload(present.store, film, 'film.mp4', journal);
  assert.equal(present.s3.count('DELETE ?uploadId'), 0, 'the present store has no such upload');
  assert.equal(present.notices.length, 1);
  assert.match(
    present.notices[0] ?? '',
    new RegExp(`film\\.mp4 stays open in bucket bucket at ${former.s3.endpoint}`),
  );
  const [left] = journal.upload?.left ?? [];
  assert.deepEqual([left?.endpoint, left?.uploadId], [former.s3.endpoint, uploadId]);
  former.s3.script = () => undefined;
  const record = journal.upload ?? assert.fail();
  assert.deepEqual(await present.store.abandon(record, never), { ...record, partSizeBytes: PART_BYTES });
  assert.equal(await former.newStore().abandon(record, never), undefined);
  assert.equal(former.s3.uploads.size, 0);
});

test('the second time that the store throws an unfinished upload away, both times are told, and it does not begin anew for ever', async () => {
  let nowMs = 0;
  const { systemClock } = await import('../../src/system/clock.ts');
  const clock = {
    ...systemClock,
    wallMs: () => systemClock.wallMs() + nowMs,
    monotonicMs: () => systemClock.monotonicMs(),
    sleep: systemClock.sleep.bind(systemClock),
    schedule: systemClock.schedule.bind(systemClock),
  };
  const { s3, newStore } = await world({}, { clock, partsAtOnce: 1 });
  const journal = new MemoryJournal();
  s3.script = ({ operation, rawPath }) => {
    if (operation !== 'PUT ?uploadId' || !rawPath.includes('partNumber=2')) return undefined;
    nowMs += 24 * 3_600_000;
    s3.uploads.clear();
    return undefined;
  };
  await assert.rejects(upload(newStore(), film, 'film.mp4', journal), {
    faultClass: 'transient',
    code: 'NoSuchUpload',
  });
  await assert.rejects(upload(newStore(), bytesOf(film.length), 'film.mp4', journal), {
    faultClass: 'file',
    code: 'UploadExpires',
    message: /keeps an unfinished upload for about 24 h, this file needs about 24 h at this share/,
  });
});

test('credentials that expire while it looks are no object of others, and blame no file', async () => {
  // S3 answers ExpiredToken with 400, to HEAD without a name.
  const { s3, store } = await world();
  s3.script = ({ operation }) => {
    if (operation === 'HEAD') return { kind: 'answer', status: 400 };
    return operation === 'GET' ? { kind: 'answer', status: 400, code: 'ExpiredToken' } : undefined;
  };
  await assert.rejects(upload(store, theirs, 'a.jpg'), { faultClass: 'breaker', code: 'ExpiredToken' });
  assert.equal(s3.objects.size, 0);
});

test('an object encrypted with a key of its writer stays, and ours is kept beside it', async () => {
  const { s3, store } = await world();
  s3.objects.set('a.jpg', held);
  s3.script = ({ operation, key }) => {
    if (key !== 'a.jpg') return undefined;
    if (operation === 'HEAD') return { kind: 'answer', status: 400 };
    return operation === 'GET' ? { kind: 'answer', status: 400, code: 'InvalidRequest' } : undefined;
  };
  const { receipt } = await upload(store, bytesOf(500), 'a.jpg');
  assert.match(receipt.key, /^a\.[0-9a-f]{8}\.jpg$/);
  assert.deepEqual(s3.objects.get('a.jpg'), held);
});

test('write-only credentials keep both, prove by the answer, and stop nobody', async () => {
  const { s3, newStore } = await world();
  s3.script = denies(/^(HEAD|GET|DELETE|GET \?uploads|GET \?uploadId)$/);
  await upload(newStore(), theirs, 'a.jpg');
  const { receipt, local } = await upload(newStore(), bytesOf(5_000), 'a.jpg');
  assert.match(receipt.key, /^a\.[0-9a-f]{8}\.jpg$/);
  assert.ok(isProof(verify(local, receipt)));
  assert.deepEqual(s3.objects.get('a.jpg')?.body, theirs);
});
