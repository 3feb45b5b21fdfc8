// One file in parts: what is on record before each request, what a failure leaves open, and what a part's answer proves.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { Upload as PartUploader } from '@aws-sdk/lib-storage';
import { digestOf } from '../../src/store/digest.ts';
import type { UploadSource } from '../../src/store/object-store.ts';
import { PartwiseUpload } from '../../src/store/s3/multipart.ts';
import { type Answering, answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';
import { MemoryJournal, sourceOf } from '../support/store-fixture.ts';

// lib-storage holds its callers to S3's 5 MiB.
Reflect.set(PartUploader, 'MIN_PART_SIZE', 1);

const HOUR = 3_600_000;
const CONTENT = Buffer.from('oursthemend');
const PLAN = { isWhole: false, partSizeBytes: 4, partCount: 3, memoryBytes: 8 };
const md5Of = (part: unknown) => createHash('md5').update(String(part)).digest('hex');

interface Options {
  readonly journal?: MemoryJournal | undefined;
  readonly signal?: AbortSignal;
  readonly source?: UploadSource;
  readonly onlyIfAbsent?: boolean;
  readonly partsAtOnce?: number;
}

/** A store on which no object is there; `answer` comes first. */
function worldOf(answer: Answering = () => undefined, options: Options = {}) {
  const world = answeringBucket((name, input, nth, signal) => {
    const answered = answer(name, input, nth, signal);
    if (answered !== undefined) return answered;
    if (name === 'HeadObject') throw refusal(404, 'NotFound');
    if (name === 'UploadPart') return { ETag: `"${md5Of(input.Body)}"` };
    return { UploadId: 'begun', ETag: '"whole"', Bucket: 'b' };
  });
  const { signal = NEVER, source = sourceOf(CONTENT), onlyIfAbsent = true, partsAtOnce = 1 } = options;
  const journal = 'journal' in options ? options.journal : new MemoryJournal();
  let accepted = 0;
  const onAccepted = () => {
    accepted += 1;
  };
  const upload = new PartwiseUpload({
    ...{ key: 'k', bucket: world.bucket, plan: { ...PLAN, partsAtOnce } },
    ...{ onlyIfAbsent, source, journal, digestOf, signal, onAccepted },
  });
  const inputsOf = (wanted: string) =>
    world.asked.filter(({ name }) => name === wanted).map(({ input }) => input);
  return { ...world, journal, upload, inputsOf, accepted: () => accepted };
}

/** Refuses the `nth` request of this name. */
const failing =
  (wanted: string, status: number, code: string, at = 1): Answering =>
  (name, _, nth) => {
    if (name === wanted && nth >= at) throw refusal(status, code);
    return undefined;
  };

/** A journal that is slow to save, and notes what was asked by then. */
class SlowJournal extends MemoryJournal {
  readonly events: string[] = [];
  override async save(upload: Parameters<MemoryJournal['save']>[0]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.events.push(upload.uploadId === undefined ? 'intended' : 'named');
    await super.save(upload);
  }
}

test('an upload is on record before it is begun, and by its name before a part is sent', async () => {
  const journal = new SlowJournal();
  const { upload } = worldOf(
    (name) => {
      journal.events.push(name);
      return undefined;
    },
    { journal },
  );
  await upload.write();
  assert.deepEqual(journal.events.slice(0, 5), [
    ...['ListMultipartUploads', 'intended', 'CreateMultipartUpload', 'named', 'UploadPart'],
  ]);
  assert.equal(journal.upload, undefined, 'and no more once it is complete');
});

test('nothing is asked for a file once the signal has aborted', async () => {
  const reason = new Error('stopping');
  const { upload, names } = worldOf(undefined, { journal: undefined, signal: AbortSignal.abort(reason) });
  await assert.rejects(upload.write(), reason);
  assert.deepEqual(names(), []);
});

test('no listener stays on the signal, however the upload ends', async () => {
  const { signal } = new AbortController();
  await worldOf(undefined, { signal }).upload.write();
  await assert.rejects(worldOf(failing('UploadPart', 500, 'InternalError'), { signal }).upload.write());
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});

test('an upload that fails has ended reading the file, which may be closed then', async () => {
  let reading = 0;
  const source = {
    sizeBytes: CONTENT.length,
    read: async (offset: number, length: number) => {
      reading += 1;
      await new Promise((resolve) => setTimeout(resolve, offset === 0 ? 0 : 20));
      reading -= 1;
      return CONTENT.subarray(offset, offset + length);
    },
  };
  const { upload } = worldOf(failing('UploadPart', 403, 'AccessDenied'), { source });
  await assert.rejects(upload.write(), { code: 'AccessDenied' });
  assert.equal(reading, 0);
});

/** A journal with an upload of which the store has the first part. */
function resumable(part = CONTENT.subarray(0, 4)) {
  const journal = new MemoryJournal();
  journal.upload = {
    ...{ endpoint: 'e', bucket: 'b', key: 'k', uploadId: 'begun', partSizeBytes: 4 },
    ...{ begunMs: Date.UTC(2026, 0, 1), keptMs: [HOUR] },
  };
  const listing = (name: string) =>
    name === 'ListParts' ? { Parts: [{ PartNumber: 1, ETag: `"${md5Of(part)}"`, Size: 4 }] } : undefined;
  return { journal, listing };
}

test('a part that stands is not sent, and its digest is known all the same', async () => {
  const { journal, listing } = resumable();
  const { upload, inputsOf, accepted } = worldOf(listing, { journal });
  await upload.write();
  assert.deepEqual(
    inputsOf('UploadPart').map(({ PartNumber }) => PartNumber),
    [2, 3],
  );
  assert.equal(accepted(), 2, 'parts that the store accepted now');
  assert.deepEqual(
    upload.local.parts.map(({ md5Hex }) => md5Hex),
    ['ours', 'them', 'end'].map(md5Of),
  );
});

test('how long a file needs is told by all that the store has of it, whenever it was sent', async () => {
  const { journal, listing } = resumable();
  const world = worldOf(
    (name, input, nth) => {
      if (name === 'UploadPart' && nth === 2) {
        world.clock.stepWall(8 * HOUR);
        throw refusal(404, 'NoSuchUpload');
      }
      return listing(name) ?? failing('nothing', 0, '')(name, input, nth);
    },
    { journal },
  );
  // 8 of 11 bytes in 8 hours.
  await assert.rejects(world.upload.write(), { code: 'UploadExpires', message: /needs about 11 h/ });
});

test('a part that is answered without an ETag is named by its MD5', async () => {
  const { upload, inputsOf } = worldOf((name) =>
    name === 'UploadPart' ? { ChecksumCRC32: 'x' } : undefined,
  );
  await upload.write();
  const [{ MultipartUpload } = {}] = inputsOf('CompleteMultipartUpload');
  assert.deepEqual(
    (MultipartUpload as { Parts: { ETag: string }[] }).Parts.map(({ ETag }) => ETag),
    ['ours', 'them', 'end'].map((part) => `"${md5Of(part)}"`),
  );
});

test('an ETag that is no MD5 the first time is asked for once more, and then never again', async () => {
  const { bucket, upload, inputsOf } = worldOf((name) =>
    name === 'UploadPart' ? { ETag: `"${md5Of('theirs')}"` } : undefined,
  );
  await upload.write();
  assert.equal(inputsOf('UploadPart').length, 4);
  assert.equal(bucket.dialect.partEtagIsMd5, false);
});

test('an ETag that tells nothing the second time leaves open what ETags are', async () => {
  const { bucket, upload } = worldOf((name, _, nth) =>
    name === 'UploadPart' ? { ETag: nth === 1 ? `"${md5Of('theirs')}"` : '"opaque"' } : undefined,
  );
  await upload.write();
  assert.equal(bucket.dialect.partEtagIsMd5, undefined);
});

test('the other parts are stopped when one fails', async () => {
  const { upload } = worldOf(
    (name, { PartNumber }, _, signal) => {
      if (name !== 'UploadPart') return undefined;
      if (PartNumber === 1) throw refusal(403, 'AccessDenied');
      // Answered no more, unless it is stopped.
      return new Promise((_resolve, reject) => {
        if (signal?.aborted) reject(signal.reason);
        else signal?.addEventListener('abort', () => reject(signal.reason));
      });
    },
    { partsAtOnce: 2 },
  );
  await assert.rejects(upload.write(), { code: 'AccessDenied' });
});

test('bytes that were damaged once are sent once more, and ETags are MD5s from then on', async () => {
  const damagedAt =
    (...times: number[]): Answering =>
    (name, _, nth) =>
      name === 'UploadPart' && times.includes(nth) ? { ETag: `"${md5Of('damaged')}"` } : undefined;
  const once = worldOf(damagedAt(1));
  await once.upload.write();
  assert.equal(once.inputsOf('UploadPart').length, 4);
  assert.equal(once.bucket.dialect.partEtagIsMd5, true);
  const known = worldOf(damagedAt(2));
  await assert.rejects(known.upload.write(), { faultClass: 'transient', code: 'PartDiffers' });
});

test('the key is looked at once more before the end, unless the store is known to refuse to overwrite', async () => {
  const unknown = worldOf();
  await unknown.upload.write();
  assert.deepEqual(
    unknown.names().filter((name) => /Head|Complete/.test(name)),
    ['HeadObject', 'CompleteMultipartUpload'],
  );
  const known = worldOf();
  known.bucket.dialect.learnConditions('complete upload', 'supported');
  await known.upload.write();
  assert.equal(known.inputsOf('HeadObject').length, 0);
  const over = worldOf(undefined, { onlyIfAbsent: false });
  await over.upload.write();
  assert.equal(over.inputsOf('HeadObject').length, 0);
});

test('an object that took the key meanwhile is not replaced, and the upload is aborted', async () => {
  const { upload, inputsOf, journal } = worldOf((name) =>
    name === 'HeadObject' ? { ETag: '"theirs"' } : undefined,
  );
  await assert.rejects(upload.write(), { faultClass: 'transient', code: 'PreconditionFailed' });
  assert.equal(inputsOf('CompleteMultipartUpload').length, 0);
  assert.equal(inputsOf('AbortMultipartUpload').length, 1);
  assert.equal(journal?.upload, undefined);
});

test('an upload that is gone at its end is complete only if the object has our bytes', async () => {
  const digests = ['ours', 'them', 'end'].map((part) => createHash('md5').update(part).digest());
  const ours = `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-3"`;
  for (const [etag, isOurs] of [
    [ours, true],
    ['"theirs"', false],
  ] as const) {
    const { upload, bucket } = worldOf((name) => {
      if (name === 'CompleteMultipartUpload') throw refusal(404, 'NoSuchUpload');
      return name === 'HeadObject' ? { ETag: etag, ContentLength: 11 } : undefined;
    });
    bucket.dialect.learnConditions('complete upload', 'supported');
    if (isOurs) assert.equal((await upload.write()).etag, ours);
    else await assert.rejects(upload.write(), { code: 'NoSuchUpload' });
  }
});

test('an upload that the store has thrown away is not on record any more', async () => {
  const { upload, journal } = worldOf(failing('UploadPart', 404, 'NoSuchUpload'));
  await assert.rejects(upload.write(), { code: 'NoSuchUpload' });
  assert.equal(journal?.upload?.uploadId, undefined);
});

for (const [code, status] of [
  ['PreconditionFailed', 412],
  ['Http412', 412],
  ['InvalidPart', 400],
  ['ConditionalRequestConflict', 409],
] as const) {
  test(`an upload whose end is refused with ${status} ${code} is aborted and forgotten`, async () => {
    const { upload, inputsOf, journal } = worldOf(failing('CompleteMultipartUpload', status, code));
    await assert.rejects(upload.write());
    assert.equal(inputsOf('AbortMultipartUpload').length, 1);
    assert.equal(journal?.upload, undefined);
  });
}

test('what fails otherwise stays open for the next attempt where it is on record, and is aborted where not', async () => {
  const kept = worldOf(failing('UploadPart', 500, 'InternalError'));
  await assert.rejects(kept.upload.write(), { faultClass: 'transient' });
  assert.equal(kept.inputsOf('AbortMultipartUpload').length, 0);
  assert.equal(kept.journal?.upload?.uploadId, 'begun');
  const lost = worldOf(failing('UploadPart', 500, 'InternalError'), { journal: undefined });
  await assert.rejects(lost.upload.write(), { faultClass: 'transient' });
  assert.equal(lost.inputsOf('AbortMultipartUpload').length, 1);
});

test('an upload that cannot be resumed is aborted even while stopping', async () => {
  const reason = new Error('stopping');
  const stop = new AbortController();
  const { upload, inputsOf } = worldOf(
    (name) => {
      if (name !== 'UploadPart') return undefined;
      stop.abort(reason);
      throw refusal(500, 'InternalError');
    },
    { journal: undefined, signal: stop.signal },
  );
  await assert.rejects(upload.write(), reason);
  assert.equal(inputsOf('AbortMultipartUpload').length, 1);
});

test('an upload that never began is not aborted', async () => {
  const { upload, inputsOf } = worldOf(failing('CreateMultipartUpload', 403, 'AccessDenied'), {
    journal: undefined,
  });
  await assert.rejects(upload.write(), { code: 'AccessDenied' });
  assert.equal(inputsOf('AbortMultipartUpload').length, 0);
});

test('what keeps an upload from being aborted is not what the file fails with, and the record stays', async () => {
  const { upload, journal } = worldOf((name, input, nth) => {
    failing('AbortMultipartUpload', 500, 'InternalError')(name, input, nth);
    return failing('CompleteMultipartUpload', 400, 'InvalidPart')(name, input, nth);
  });
  await assert.rejects(upload.write(), { code: 'InvalidPart' });
  assert.equal(journal?.upload?.uploadId, 'begun');
});
