import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GetObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { digestOf } from '../../src/store/digest.ts';
import type { LocalContent } from '../../src/store/object-store.ts';
import type { PresentObject } from '../../src/store/s3/answers.ts';
import { S3Bucket } from '../../src/store/s3/bucket.ts';
import { heldIfSame } from '../../src/store/s3/compare.ts';
import { digestsOfObject } from '../../src/store/s3/read-back.ts';
import { SimClock } from '../support/sim-clock.ts';

const ours = await digestOf(Buffer.from('ours'));
const theirs = await digestOf(Buffer.from('them'));
const whole: LocalContent = { sizeBytes: 4, parts: [ours], multipart: false };
const sha256 = Buffer.from(ours.sha256Hex, 'hex').toString('base64');

const NO_SETTINGS = {
  storageClass: undefined,
  serverSideEncryption: undefined,
  kmsKeyId: undefined,
  metadata: {},
  tags: {},
};
const NEVER = new AbortController().signal;

/** A bucket whose answers to GET are those of `answer`; `asked` is what it was asked for. */
function bucketOf(answer: (range: string | undefined) => Iterable<string>) {
  const asked: (readonly [range: string | undefined, ifMatch: string | undefined])[] = [];
  const send = async ({ input }: { readonly input: GetObjectCommandInput }) => {
    asked.push([input.Range, input.IfMatch]);
    const chunks = answer(input.Range);
    return {
      $metadata: { httpStatusCode: input.Range === undefined ? 200 : 206 },
      Body: (async function* () {
        for (const chunk of chunks) yield Buffer.from(chunk);
      })(),
    };
  };
  const config = { credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }) };
  const client = { send, config } as unknown as S3Client;
  return {
    asked,
    bucket: new S3Bucket({ name: 'b', endpoint: 'e', prefix: '' }, client, NO_SETTINGS, new SimClock()),
  };
}

function opaque(sizeBytes: number): PresentObject {
  return { key: 'k', sizeBytes, etag: 'opaque' };
}

test('what the answers cannot tell is read back, however it is cut on its way', async () => {
  const { asked, bucket } = bucketOf(() => ['o', 'ur', 's']);
  assert.deepEqual(await heldIfSame(bucket, whole, opaque(4), NEVER), { ...opaque(4), readBack: [ours] });
  assert.deepEqual(asked, [[undefined, '"opaque"']]);
});

test('what the answers tell is not read back', async () => {
  const { asked, bucket } = bucketOf(() => ['ours']);
  const same = { ...opaque(4), checksumSha256: sha256 };
  assert.equal(await heldIfSame(bucket, whole, same, NEVER), same);
  assert.equal(await heldIfSame(bucket, whole, opaque(5), NEVER), undefined);
  bucket.dialect.etagIsMd5 = true;
  assert.equal(await heldIfSame(bucket, whole, { ...opaque(4), etag: theirs.md5Hex }, NEVER), undefined);
  assert.deepEqual(asked, []);
});

test('is read back part by part, and is ours only when every part is', async () => {
  const last = await digestOf(Buffer.from('end'));
  const local: LocalContent = {
    sizeBytes: 11,
    parts: [ours, theirs, last],
    multipart: true,
    partSizeBytes: 4,
  };
  const held: Record<string, string> = { 'bytes=0-3': 'ours', 'bytes=4-7': 'them', 'bytes=8-10': 'end' };
  const same = bucketOf((range) => [held[range ?? ''] ?? '']);
  assert.deepEqual((await heldIfSame(same.bucket, local, opaque(11), NEVER))?.readBack, local.parts);
  assert.deepEqual(
    same.asked.map(([range]) => range),
    Object.keys(held),
  );
  const other = bucketOf((range) => [range === 'bytes=4-7' ? 'ours' : (held[range ?? ''] ?? '')]);
  assert.equal(await heldIfSame(other.bucket, local, opaque(11), NEVER), undefined);
});

test('a single part is read back whole', async () => {
  const local: LocalContent = { sizeBytes: 4, parts: [ours], multipart: true, partSizeBytes: 4 };
  const { asked, bucket } = bucketOf(() => ['ours']);
  assert.deepEqual(await digestsOfObject(bucket, local, opaque(4), NEVER), [ours]);
  assert.deepEqual(asked, [[undefined, '"opaque"']]);
});

test('an empty object is read back, too', async () => {
  const { bucket } = bucketOf(() => []);
  const empty: LocalContent = { sizeBytes: 0, parts: [await digestOf(Buffer.alloc(0))], multipart: false };
  assert.deepEqual((await heldIfSame(bucket, empty, opaque(0), NEVER))?.readBack, empty.parts);
});

const TORN = { faultClass: 'unknown', operation: 'read object back', subject: 'k', code: 'ReadBackSize' };

for (const [name, chunks] of [
  ['less', ['our']],
  ['more', ['ours', '!']],
  ['nothing', []],
] as const) {
  test(`an answer with ${name} of what the store said proves nothing and is tried again`, async () => {
    const { bucket } = bucketOf(() => chunks);
    await assert.rejects(heldIfSame(bucket, whole, opaque(4), NEVER), {
      ...TORN,
      message: 'the object read back is not as long as the store said',
    });
  });
}

test('an answer that does not end is not read to its end', async () => {
  let sent = 0;
  function* endless() {
    for (; sent < 1_000; sent += 1) yield '12';
  }
  await assert.rejects(digestsOfObject(bucketOf(endless).bucket, whole, opaque(4), NEVER), TORN);
  assert.ok(sent < 5, `${sent} chunks were read`);
});
