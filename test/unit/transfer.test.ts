// What is read of a file, when, and what is told of its upload.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Upload, UploadSource } from '../../src/store/object-store.ts';
import type { Fault } from '../../src/system/fault.ts';
import { DrainBench, faultOf, localContent, Slow, stores } from '../support/drain-bench.ts';

/** The size from which a file is sent in parts. */
const RESUMABLE_FROM = new DrainBench().options.resumableFromBytes;
const PIECE_BYTES = 400;

/** All of it, as a store asks for it. */
async function inPieces({ sizeBytes, read }: UploadSource): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES)
    pieces.push(await read(at, Math.min(PIECE_BYTES, sizeBytes - at)));
  return Buffer.concat(pieces);
}

function content(bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, at) => at % 251));
}

function firstFault({ faults: [fault] }: DrainBench): Fault {
  assert.ok(fault);
  return fault;
}

for (const { what, bytes, before, after } of [
  {
    what: 'a file that is sent whole is read once, before its turn',
    bytes: RESUMABLE_FROM - 1,
    before: 1,
    after: 1,
  },
  {
    what: 'a file that is sent in parts is read as the store asks for it',
    bytes: RESUMABLE_FROM,
    before: 0,
    after: 3,
  },
]) {
  test(`${what}, and the store gets its bytes`, async () => {
    const bench = new DrainBench();
    const reads: number[] = [];
    bench.store.answers.set('a', async (request, whole) => {
      reads.push(bench.reads);
      assert.deepEqual(await inPieces(request.source), whole);
      reads.push(bench.reads);
      return stores(request, whole);
    });
    bench.put('a', content(bytes));
    await bench.startClosed();
    assert.deepEqual(reads, [before, after]);
    assert.deepEqual(bench.removed, ['a']);
  });
}

test('a store is not given the end of a file that changed while it was read in parts', async () => {
  const bench = new DrainBench();
  const given: number[] = [];
  bench.store.answers.set('a', async (request, whole) => {
    bench.identitiesAfter.set('a', { mtimeNs: 2n });
    for (const at of [0, 500]) given.push((await request.source.read(at, 500)).length);
    return stores(request, whole);
  });
  bench.put('a', content(1_000));
  await bench.startClosed();
  assert.deepEqual(given, [500]);
  assert.deepEqual(bench.events, ['deferred a changed 500']);
});

test('a fault of the content names the file and what was done', async () => {
  const bench = new DrainBench();
  bench.identitiesAfter.set('read a', { mtimeNs: 2n });
  bench.put('a');
  await bench.startClosed();
  const { operation, subject } = firstFault(bench);
  assert.deepEqual({ operation, subject }, { operation: 'compare the file', subject: 'a' });
});

test('a fault of the proof names the object, and says what becomes of the file', async () => {
  const bench = new DrainBench({ prefix: 'p/' });
  bench.store.answers.set('p/a', ({ key }, whole) => ({
    local: localContent(whole),
    receipt: { key, etag: 'opaque' },
    outcome: 'stored',
  }));
  bench.put('a');
  await bench.startClosed();
  const { operation, subject, code, hint = '' } = firstFault(bench);
  assert.deepEqual([operation, subject, code], ['verify the upload', 'p/a', 'NotProven']);
  assert.match(hint, /stays in the spool/);
});

for (const { what, multipart, digest } of [
  { what: 'the digest of a file that was sent whole', multipart: false, digest: true },
  { what: 'no digest of a file that was sent in parts', multipart: true, digest: false },
]) {
  test(`an upload is told with ${what}`, async () => {
    const bench = new DrainBench();
    const local = localContent(Buffer.from('the bytes'));
    bench.store.answers.set('a', ({ key }) => ({
      local: { ...local, multipart },
      receipt: { key, readBack: local.parts },
      outcome: 'stored',
    }));
    bench.put('a', 'the bytes');
    await bench.startClosed();
    const sha256Hex = digest ? local.parts[0]?.sha256Hex : undefined;
    const { proof: _, ...told } = bench.transferred[0] ?? {};
    assert.deepEqual(told, { outcome: 'stored', multipart, sha256Hex, tookMs: 0 });
  });
}

test('an upload is told with how long the file took', async () => {
  const bench = new DrainBench();
  await bench.startClosed();
  await bench.clock.advance(60_000);
  const slow = new Slow();
  bench.store.answers.set('a', slow.answer);
  bench.put('a');
  bench.drain.pump();
  await bench.clock.advance(2_500);
  slow.finish();
  await bench.settle();
  assert.equal(bench.transferred[0]?.tookMs, 2_500);
});

test('the largest file that can be sent is sent, and one byte more is refused without an upload', async () => {
  const bench = new DrainBench({ largestBytes: 20, maxMemoryBytes: 40 });
  bench.put('largest', Buffer.alloc(20));
  bench.put('too large', Buffer.alloc(21));
  await bench.startClosed();
  assert.deepEqual([bench.store.uploads, bench.removed], [['largest'], ['largest']]);
  assert.deepEqual(
    bench.quarantined.map(({ path }) => path),
    ['too large'],
  );
});

test('what could not be removed, and was written to since with its old size and mtime, stays', async () => {
  const bench = new DrainBench();
  bench.put('a', 'sent');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  bench.spoolFaults.clear();
  bench.rewritten.set('a', Buffer.from('SENT'));
  bench.identitiesAfter.set('found a', { ctimeNs: 2n });
  await bench.tryAgain('a');
  assert.deepEqual([bench.store.uploads, bench.removed], [['a'], []]);
});

test('what could not be removed is not sent again when the store gives no answer, and is asked for later', async () => {
  const bench = new DrainBench();
  bench.put('a', 'sent');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.spoolFaults.clear();
  const answers = [Promise.reject(faultOf('transient', { code: 'ECONNRESET' }))];
  const { store } = bench;
  store.confirm = async (key) => (await answers.shift()) ?? { key, etag: bench.etagOf('a') };
  await bench.tryAgain('a');
  assert.deepEqual(bench.removed, []);
  await bench.clock.advance(600_000);
  await bench.tryAgain('a');
  assert.deepEqual([store.uploads, bench.removed], [['a'], ['a']]);
});

test('a file of which the writers cannot be told is sent', async () => {
  const bench = new DrainBench();
  bench.writers.set('a', 'unknown');
  bench.put('a');
  await bench.startClosed();
  assert.deepEqual(bench.removed, ['a']);
});

const UNPROVEN: readonly (readonly [string, (content: Buffer) => Partial<Upload['receipt']>])[] = [
  ['an opaque ETag', () => ({ etag: 'opaque' })],
  ['no digest at all', () => ({})],
  ['a wrong size', ({ length }) => ({ sizeBytes: length + 1 })],
];
for (const [what, receipt] of UNPROVEN) {
  test(`keeps the file when the store answers with ${what} and confirms nothing better`, async () => {
    const bench = new DrainBench();
    bench.put('a');
    bench.store.answers.set('a', ({ key }, content) => ({
      local: localContent(content),
      receipt: { key, ...receipt(content) },
      outcome: 'stored',
    }));
    await bench.startClosed();
    assert.deepEqual(bench.removed, []);
    assert.deepEqual(bench.events, ['deferred a unknown 500']);
    bench.checkBooks();
  });
}

test('removes the file when the answer proves nothing and a second look does', async () => {
  const bench = new DrainBench();
  bench.put('a', 'the bytes');
  bench.store.answers.set('a', ({ key }, content) => ({
    local: localContent(content),
    receipt: { key, etag: 'opaque' },
    outcome: 'stored',
  }));
  bench.store.confirmation = { readBack: localContent(Buffer.from('the bytes')).parts };
  await bench.startClosed();
  assert.deepEqual(bench.removed, ['a']);
});

for (const [when, key] of [
  ['since it was found', 'found a'],
  ['while it was uploaded', 'a'],
] as const) {
  for (const part of [{ ino: 2n }, { mtimeNs: 2n }, { sizeBytes: 99 }, { dev: 2n }]) {
    test(`keeps a file whose ${Object.keys(part)[0]} changed ${when}`, async () => {
      const bench = new DrainBench();
      bench.put('a');
      bench.identitiesAfter.set(key, part);
      await bench.startClosed();
      assert.deepEqual(bench.removed, []);
      assert.deepEqual(bench.events, ['deferred a changed 500']);
      assert.equal(bench.store.uploads.length, key === 'a' ? 1 : 0);
      assert.deepEqual(bench.closedFiles, ['a']);
      assert.equal(bench.held, 0);
    });
  }
}

for (const [when, key] of [
  ['since it was found', 'found a'],
  ['while it was uploaded', 'a'],
] as const) {
  test(`a change of ctime alone ${when} is no change of the file`, async () => {
    const bench = new DrainBench();
    bench.put('a');
    bench.identitiesAfter.set(key, { ctimeNs: 2n });
    await bench.startClosed();
    assert.deepEqual([bench.store.uploads, bench.removed], [['a'], ['a']]);
  });
}

test('keeps a file of the same size and mtime whose bytes are others than those sent', async () => {
  const bench = new DrainBench();
  bench.put('a', 'sent');
  bench.identitiesAfter.set('a', { ctimeNs: 2n });
  bench.rewritten.set('a', Buffer.from('SENT'));
  await bench.startClosed();
  assert.deepEqual([bench.store.uploads, bench.removed], [['a'], []]);
});
