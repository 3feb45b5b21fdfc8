// What is on record of a file's multipart upload, before and after each request that matters.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { JournaledUpload } from '../../src/store/object-store.ts';
import { UploadRecord } from '../../src/store/s3/upload-record.ts';
import { type Answering, answeringBucket, NEVER, refusal } from '../support/answering-bucket.ts';
import { MemoryJournal } from '../support/store-fixture.ts';

const HOUR = 3_600_000;
const FILE = { key: 'film.mp4', sizeBytes: 100, partSizeBytes: 10, signal: NEVER };
const HERE = { endpoint: 'e', bucket: 'b', key: 'film.mp4', partSizeBytes: 10 };
const BEGUN: JournaledUpload = { ...HERE, uploadId: 'begun' };
/** The request to begin an upload was not answered. */
const LOST: JournaledUpload = { ...HERE, unnamedBeside: ['theirs'] };
const PART = { Parts: [{ PartNumber: 1, ETag: '"x"', Size: 10 }] };

/** A store with these open uploads of the key; `answer` comes first. */
function worldOf(upload?: JournaledUpload, open: string[] = [], answer?: Answering) {
  const journal = new MemoryJournal();
  journal.upload = upload;
  const uploads = () => open.map((UploadId) => ({ Key: FILE.key, UploadId }));
  const answered: Answering = (name, input, nth) =>
    answer?.(name, input, nth) ??
    (name === 'ListMultipartUploads'
      ? { Bucket: 'b', Uploads: uploads() }
      : name === 'ListParts'
        ? PART
        : {});
  const world = answeringBucket(answered);
  const record = new UploadRecord(world.bucket, { ...FILE, journal });
  const aborted = () =>
    world.asked.filter(({ name }) => name === 'AbortMultipartUpload').map(({ input }) => input.UploadId);
  return { ...world, journal, record, open, aborted };
}

const gone: Answering = (name) => {
  if (name === 'ListParts') throw refusal(404, 'NoSuchUpload');
  return undefined;
};

test('an upload that is resumed stays on record with all that is known of it, until it has ended', async () => {
  const { record, journal } = worldOf({ ...BEGUN, keptMs: [HOUR] });
  assert.equal((await record.takeUp())?.uploadId, 'begun');
  assert.equal(record.isKept, true);
  await record.thrownAway(0);
  assert.deepEqual(journal.upload?.keptMs, [HOUR]);
});

for (const [what, change] of [
  ['cut another way', { partSizeBytes: 11 }],
  ['of another key', { key: 'film.0123abcd.mp4' }],
] as const) {
  test(`an upload ${what} is aborted, not resumed`, async () => {
    const { record, aborted, journal } = worldOf({ ...BEGUN, ...change });
    assert.equal(await record.takeUp(), undefined);
    assert.deepEqual(aborted(), ['begun']);
    assert.equal(journal.upload, undefined);
  });
}

test('an upload at another endpoint is not resumed, not aborted here, and stays on record', async () => {
  const { record, aborted, journal } = worldOf({ ...BEGUN, endpoint: 'former' });
  assert.equal(await record.takeUp(), undefined);
  assert.deepEqual(aborted(), []);
  assert.deepEqual(journal.upload?.left?.[0]?.endpoint, 'former');
});

test('an upload of an earlier content is aborted, and how long the store kept it says nothing of this one', async () => {
  const { record, aborted, journal } = worldOf();
  journal.stale = { ...BEGUN, keptMs: [HOUR], begunMs: 0 };
  assert.equal(await record.takeUp(), undefined);
  assert.deepEqual(aborted(), ['begun']);
  assert.equal(journal.upload?.keptMs, undefined);
});

test('only an upload that the store threw away tells how long it keeps one', async () => {
  const lost = worldOf({ ...BEGUN, begunMs: Date.UTC(2026, 0, 1) - HOUR }, [], gone);
  await lost.record.takeUp();
  assert.deepEqual(lost.journal.upload?.keptMs, [HOUR]);
  const cut = worldOf({ ...BEGUN, partSizeBytes: 11, begunMs: Date.UTC(2026, 0, 1) - HOUR, keptMs: [2] });
  await cut.record.takeUp();
  assert.deepEqual(cut.journal.upload?.keptMs, [2]);
});

test('of the lives of uploads the last three are remembered', async () => {
  const begunMs = Date.UTC(2026, 0, 1) - HOUR;
  const { record, journal } = worldOf({ ...BEGUN, begunMs, keptMs: [1, 2, 3] }, [], gone);
  await record.takeUp();
  assert.deepEqual(journal.upload?.keptMs, [2, 3, HOUR]);
});

test('that an upload will be begun is durable before it may be begun', async () => {
  const { record, journal } = worldOf(undefined, ['theirs']);
  let isDurable = false;
  journal.save = async (upload) => {
    await new Promise((resolve) => setImmediate(resolve));
    journal.upload = upload;
    isDurable = true;
  };
  await record.intend();
  assert.equal(isDurable, true);
  assert.deepEqual(journal.upload?.unnamedBeside, ['theirs']);
});

test('what was open before the first request to begin stays the measure, however often it is asked anew', async () => {
  const { record, journal, open } = worldOf(LOST, ['theirs']);
  assert.equal(await record.takeUp(), undefined);
  // The lost request arrives now.
  open.push('late');
  await record.intend();
  assert.deepEqual(journal.upload?.unnamedBeside, ['theirs']);
});

test('a lost request that is carried out after the next upload was begun is aborted in the end', async () => {
  const { record, journal, open, aborted } = worldOf(LOST, ['theirs']);
  await record.takeUp();
  await record.intend();
  open.push('late', 'second');
  await record.begun({ uploadId: 'second', isDoubtful: false });
  open.splice(open.indexOf('second'), 1);
  await record.ended();
  assert.deepEqual(aborted(), ['late']);
  assert.equal(journal.upload, undefined);
});

test('what was open at another endpoint is no measure for this one', async () => {
  const { record, journal } = worldOf({ ...LOST, endpoint: 'former', unnamedBeside: ['x'] }, ['theirs']);
  await record.takeUp();
  assert.equal(journal.upload?.unnamedBeside, undefined);
  assert.deepEqual(journal.upload?.left?.[0]?.unnamedBeside, ['x']);
});

test('a complete upload is on record no more before those without a name are looked for', async () => {
  const { record, journal } = worldOf(undefined, [], (name) => {
    if (name === 'ListMultipartUploads' && journal.upload?.unnamedBeside !== undefined)
      assert.equal(journal.upload.uploadId, undefined);
    return undefined;
  });
  await record.intend();
  await record.begun({ uploadId: 'mine', isDoubtful: true });
  assert.deepEqual([journal.upload?.uploadId, journal.upload?.endpoint], ['mine', 'e']);
  await record.ended();
  assert.equal(journal.upload, undefined);
});

test('a store that does not list in the end holds up no complete upload, and the record stays for the sweep', async () => {
  const { record, journal } = worldOf(undefined, [], (name, _, nth) => {
    if (name === 'ListMultipartUploads' && nth > 1) throw refusal(500, 'InternalError');
    return undefined;
  });
  await record.intend();
  await record.begun({ uploadId: 'mine', isDoubtful: true });
  await record.ended();
  assert.deepEqual(journal.upload?.unnamedBeside, []);
  assert.equal(journal.upload?.uploadId, undefined);
});

test('what is left open elsewhere stays on record when the upload has ended', async () => {
  const left = [{ endpoint: 'former', bucket: 'b', key: FILE.key, uploadId: 'far' }];
  const { record, journal } = worldOf({ ...BEGUN, left });
  await record.takeUp();
  await record.ended();
  assert.deepEqual(journal.upload?.left, left);
  assert.equal(journal.upload?.uploadId, undefined);
});

/** An upload of which the store had so much when it threw it away; `keptMs` are the lives of earlier ones. */
async function thrownAway(sentBytes: number, keptMs: readonly number[], hours = 1) {
  const { record, clock } = worldOf({ ...BEGUN, keptMs, begunMs: Date.UTC(2026, 0, 1) });
  await record.takeUp();
  clock.stepWall(hours * HOUR);
  return record.thrownAway(sentBytes);
}

test('a file is told to need longer than the store keeps uploads from the second loss on, and only if it does', async () => {
  assert.equal(await thrownAway(50, []), undefined, 'a first loss may be chance');
  assert.equal((await thrownAway(50, [HOUR]))?.code, 'UploadExpires');
  assert.equal(await thrownAway(0, [HOUR]), undefined, 'nothing was sent: nothing is known of the speed');
  assert.equal(await thrownAway(100, [HOUR]), undefined, 'all was sent');
  assert.equal(await thrownAway(50, [3 * HOUR]), undefined, 'the store has kept one for long enough');
});
