// What the store's adapter does around the requests: what earlier attempts left on record, what it asks when an answer
// tells too little, and how often it reads a file.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { Upload as PartUploader } from '@aws-sdk/lib-storage';
import { digestOf } from '../../src/store/digest.ts';
import type { JournaledUpload } from '../../src/store/object-store.ts';
import { type Answering, answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';
import { MemoryJournal, type StoreOverrides, sourceOf, storeAt } from '../support/store-fixture.ts';

// lib-storage holds its callers to S3's 5 MiB.
Reflect.set(PartUploader, 'MIN_PART_SIZE', 1);

const SMALL = Buffer.from('ours');
const LARGE = Buffer.from('oursthem');
const md5Of = (bytes: Buffer) => createHash('md5').update(bytes).digest();
const COMPOSED = `"${md5Of(Buffer.concat([md5Of(SMALL), md5Of(Buffer.from('them'))])).toString('hex')}-2"`;
const WHOLE = await digestOf(LARGE);
const BEGUN: JournaledUpload = { bucket: 'bucket', key: 'k', uploadId: 'earlier', partSizeBytes: 4 };
const FAR = { endpoint: 'former', bucket: 'bucket', key: 'k', uploadId: 'far' };

/** A store on which no object is there; `answer` comes first. */
function worldOf(answer: Answering = () => undefined, options: StoreOverrides = {}) {
  const world = answeringBucket((name, input, nth) => {
    const answered = answer(name, input, nth);
    if (answered !== undefined) return answered;
    if (name === 'HeadObject') throw refusal(404, 'NotFound');
    const ETag = name === 'CompleteMultipartUpload' ? COMPOSED : '"x"';
    return { UploadId: 'begun', ETag, Bucket: 'bucket' };
  });
  const { client, clock } = world;
  const fixture = { partSizeBytes: 4, leastPartBytes: 1, partsAtOnce: 1, ...options };
  const store = storeAt({ endpoint: 'http://store' }, { ...fixture, client, clock });
  const journal = new MemoryJournal();
  let readBytes = 0;
  const upload = (content: Buffer) => {
    const source = sourceOf(content);
    const read = (offset: number, length: number) => {
      readBytes += length;
      return source.read(offset, length);
    };
    return store.upload({ key: 'k', source: { ...source, read }, signal: NEVER, journal });
  };
  const aborted = () =>
    world.asked.filter(({ name }) => name === 'AbortMultipartUpload').map(({ input }) => input.UploadId);
  return { ...world, store, journal, upload, aborted, readBytes: () => readBytes };
}

for (const record of ['upload', 'stale'] as const) {
  test(`what an earlier attempt left open is aborted before a small file is put: ${record}`, async () => {
    const { upload, journal, names } = worldOf();
    journal[record] = BEGUN;
    await upload(SMALL);
    assert.deepEqual(names().slice(0, 3), ['AbortMultipartUpload', 'HeadObject', 'PutObject']);
    assert.deepEqual([journal.upload, journal.stale], [undefined, undefined]);
  });
}

test('a journal that is known to be empty is not asked', async () => {
  const { store } = worldOf();
  const unasked = () => Promise.reject(new Error('asked'));
  const journal = { isEmpty: true, load: unasked, loadStale: unasked, save: unasked, clear: unasked };
  await store.upload({ key: 'k', source: sourceOf(SMALL), signal: NEVER, journal });
});

test('what is open elsewhere stays on record when a small file is put', async () => {
  const { upload, journal, aborted } = worldOf();
  journal.upload = { ...BEGUN, left: [FAR] };
  await upload(SMALL);
  assert.deepEqual(aborted(), ['earlier']);
  assert.deepEqual(journal.upload?.left, [FAR]);
  assert.equal(journal.upload?.uploadId, undefined);
});

test('what is open is aborted when the object turns out to be there', async () => {
  const sha256 = Buffer.from(WHOLE.sha256Hex, 'hex').toString('base64');
  const { upload, journal, aborted } = worldOf((name) => {
    if (name === 'HeadObject') return { ETag: '"x"', ContentLength: 8, ChecksumSHA256: sha256 };
    if (name !== 'GetObject') return undefined;
    return {
      Body: (async function* () {
        yield LARGE;
      })(),
    };
  });
  journal.upload = BEGUN;
  assert.equal((await upload(LARGE)).outcome, 'already-there');
  assert.deepEqual(aborted(), ['earlier']);
  assert.equal(journal.upload, undefined);
});

test('a file of exactly one part is put whole', async () => {
  const { upload, names } = worldOf();
  await upload(SMALL);
  assert.equal(names().includes('CreateMultipartUpload'), false);
});

test('where overwriting is allowed nothing is put again to find out about conditions', async () => {
  const { upload, names } = worldOf(undefined, { conflict: 'overwrite' });
  await upload(SMALL);
  assert.deepEqual(names(), ['PutObject']);
});

test('a store whose answer tells nothing of a large file is asked once more, and its digest of the whole compared', async () => {
  const { upload, names, readBytes } = worldOf((name, _, nth) => {
    if (name === 'CompleteMultipartUpload') return { ETag: '"opaque"' };
    return name === 'HeadObject' && nth > 2 ? { ETag: `"${WHOLE.md5Hex}"`, ContentLength: 8 } : undefined;
  });
  const { local } = await upload(LARGE);
  assert.equal(names().at(-1), 'HeadObject');
  assert.equal(local.whole?.md5Hex, WHOLE.md5Hex);
  assert.equal(readBytes(), 16, 'once to be sent, once for the digest');
});

test('a large file whose key is taken is read once to be compared and named, and once to be sent', async () => {
  const { upload, readBytes } = worldOf((name, input) => {
    if (name === 'HeadObject' && input.Key === 'k') return { ETag: '"theirs"', ContentLength: 9 };
    return undefined;
  });
  const { receipt } = await upload(LARGE);
  assert.match(receipt.key, /^k\.[0-9a-f]{8}$/);
  assert.equal(readBytes(), 16);
});

test('the digests of a large file are those of the bytes as they were sent', async () => {
  const { upload } = worldOf();
  const { local } = await upload(LARGE);
  assert.equal(local.whole, undefined);
  assert.deepEqual(local.parts, [await digestOf(SMALL), await digestOf(Buffer.from('them'))]);
});

const LOCAL = { sizeBytes: 4, parts: [await digestOf(SMALL)], multipart: false };

test('an object that may not be looked at may still be read', async () => {
  const { store } = worldOf((name) => {
    if (name === 'HeadObject') throw refusal(403, 'AccessDenied');
    return {
      Body: (async function* () {
        yield SMALL;
      })(),
    };
  });
  assert.deepEqual((await store.confirm('k', LOCAL, NEVER)).readBack, LOCAL.parts);
});

test('an object that is not there is confirmed by nothing, and neither is one that may not be read', async () => {
  await assert.rejects(worldOf().store.confirm('k', LOCAL, NEVER), {
    faultClass: 'transient',
    code: 'NotFound',
  });
  const reading = (status: number, code: string) =>
    worldOf((name) => {
      if (name === 'GetObject') throw refusal(status, code);
      return { ETag: '"opaque"', ContentLength: 4 };
    }).store.confirm('k', LOCAL, NEVER);
  await assert.rejects(reading(403, 'AccessDenied'), { faultClass: 'unknown', code: 'NotProven' });
  await assert.rejects(reading(500, 'InternalError'), { faultClass: 'transient', code: 'InternalError' });
  const looking = worldOf((name) => {
    if (name === 'HeadObject') throw refusal(500, 'InternalError');
    return undefined;
  });
  await assert.rejects(looking.store.confirm('k', LOCAL, NEVER), { code: 'InternalError' });
  assert.equal(looking.names().includes('GetObject'), false);
});

test('what was damaged on the way is put once more over itself', async () => {
  const { upload, asked } = worldOf((name, _, nth) =>
    name === 'PutObject'
      ? { ETag: '"x"', ...(nth === 1 ? { ChecksumSHA256: Buffer.alloc(32).toString('base64') } : {}) }
      : undefined,
  );
  await upload(SMALL);
  const puts = asked.filter(({ name }) => name === 'PutObject').map(({ input }) => input.IfNoneMatch);
  assert.deepEqual(puts.slice(0, 2), ['*', undefined]);
});

test('close closes the client', () => {
  const { store, client } = worldOf();
  let isDestroyed = false;
  client.destroy = () => {
    isDestroyed = true;
  };
  store.close();
  assert.equal(isDestroyed, true);
});
