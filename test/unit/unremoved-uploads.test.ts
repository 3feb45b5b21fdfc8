import assert from 'node:assert/strict';
import test from 'node:test';
import { UnremovedUploads } from '../../src/drain/unremoved-uploads.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import type { Upload } from '../../src/store/object-store.ts';
import { DrainBench, faultOf } from '../support/drain-bench.ts';

/** As many digests as are kept at most. */
const PARTS_MAX = 20_000;
const IDENTITY = { dev: 1n, ino: 1n, sizeBytes: 1, mtimeNs: 1n, ctimeNs: 1n };

function file(name: string, changed = {}) {
  return { path: SpoolPath.from(name), identity: { ...IDENTITY, ...changed } };
}

function uploadOf(parts: number): Upload {
  const digests = Array.from({ length: parts }, () => ({ md5Hex: 'm', sha256Hex: 's' }));
  return {
    local: { sizeBytes: 1, parts: digests, multipart: true },
    receipt: { key: 'key' },
    outcome: 'stored',
  };
}

function known(unremoved: UnremovedUploads, ...names: string[]): string[] {
  return names.filter((name) => unremoved.of(file(name)) !== undefined);
}

test('an upload is known for its file as it was read: another content has none, another ctime has', () => {
  const unremoved = new UnremovedUploads();
  const upload = uploadOf(1);
  unremoved.keep({ ...file('a'), upload: upload, isRecorded: false });
  assert.equal(unremoved.of(file('a', { ctimeNs: 2n }))?.upload, upload);
  assert.equal(unremoved.of(file('a', { mtimeNs: 2n })), undefined);
  assert.equal(unremoved.of(file('b')), undefined);
});

test('beyond so many digests the oldest uploads are forgotten, and no more of them than must be', () => {
  const unremoved = new UnremovedUploads();
  for (const name of ['a', 'b'])
    unremoved.keep({ ...file(name), upload: uploadOf(PARTS_MAX / 2), isRecorded: false });
  assert.deepEqual(known(unremoved, 'a', 'b'), ['a', 'b']);
  unremoved.keep({ ...file('c'), upload: uploadOf(1), isRecorded: false });
  assert.deepEqual(known(unremoved, 'a', 'b', 'c'), ['b', 'c']);
});

test('an upload that is forgotten, or kept again, leaves its room to others', () => {
  const unremoved = new UnremovedUploads();
  unremoved.keep({ ...file('old'), upload: uploadOf(1), isRecorded: false });
  for (let again = 0; again < 3; again += 1)
    unremoved.keep({ ...file('a'), upload: uploadOf(PARTS_MAX / 2), isRecorded: false });
  unremoved.keep({ ...file('b'), upload: uploadOf(PARTS_MAX / 4), isRecorded: false });
  unremoved.forget(SpoolPath.from('b'));
  unremoved.keep({ ...file('c'), upload: uploadOf(PARTS_MAX / 4), isRecorded: false });
  assert.deepEqual(known(unremoved, 'old', 'a', 'b', 'c'), ['old', 'a', 'c']);
});

test('an upload whose file could not be removed is not sent again after a chmod', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  bench.spoolFaults.clear();
  bench.identitiesAfter.set('found a', { ctimeNs: 2n });
  await bench.tryAgain('a');
  assert.deepEqual([bench.store.uploads, bench.removed], [['a'], ['a']]);
});

test('an upload whose file could not be removed is not sent again, only asked for', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.store.confirmation = { etag: bench.etagOf('a') };
  for (let again = 0; again < 3; again += 1) {
    await bench.tryAgain('a');
  }
  assert.deepEqual(bench.store.uploads, ['a']);
  assert.deepEqual(bench.events, [`deferred a blocked 600000`], 'and told of once');
  bench.spoolFaults.clear();
  await bench.tryAgain('a');
  assert.deepEqual(bench.store.uploads, ['a']);
  assert.deepEqual(bench.removed, ['a']);
  bench.checkBooks();
});

test('an upload whose file could not be removed is sent again when the store has lost it', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.spoolFaults.clear();
  for (let again = 0; again < 2; again += 1) {
    await bench.tryAgain('a');
    assert.equal(bench.removed.length, again, 'removed only after the second upload');
  }
  assert.deepEqual(bench.store.uploads, ['a', 'a']);
});

test('an upload whose file could not be removed is sent again when the file changed', async () => {
  const bench = new DrainBench();
  bench.put('a');
  bench.spoolFaults.set('setAside a', faultOf('blocked', { code: 'EACCES' }));
  await bench.startClosed();
  bench.spoolFaults.clear();
  bench.contents.set('a', Buffer.from('other content'));
  await bench.tryAgain('a');
  assert.deepEqual(bench.store.uploads, ['a', 'a']);
  assert.deepEqual(bench.removed, ['a']);
});
