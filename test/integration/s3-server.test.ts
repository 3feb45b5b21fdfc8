// The embedded S3 server against the real SDK: other tests believe its answers, so they are proven here.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type S3Server, startS3Server } from '../support/s3-server.ts';

const Bucket = 'demo';
const KEYS = { accessKeyId: 'HALFPIPE', secretAccessKey: 'a secret of no importance' };
const md5 = (data: Buffer) => createHash('md5').update(data).digest();

describe('the embedded S3 server', () => {
  let directory = '';
  let server: S3Server;
  let s3: S3Client;
  let cutting = false;
  const client = (options: S3ClientConfig = {}) =>
    new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: KEYS,
      maxAttempts: 1,
      ...options,
    });
  const put = (Key: string, Body: Buffer, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const read = async (Key: string, more: object = {}) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'halfpipe-s3-'));
    const intercept = (request: IncomingMessage) => {
      if (cutting) setImmediate(() => request.socket.destroy());
      return false;
    };
    const options = { ...KEYS, directory: join(directory, 's3'), port: 0, buckets: [Bucket] };
    server = await startS3Server({ ...options, intercept });
    s3 = client();
  });

  after(async () => {
    s3.destroy();
    await server.close();
    await rm(directory, { recursive: true });
  });

  it('gives back the bytes, digest, type and metadata it was given', async () => {
    const body = Buffer.from('exactly these bytes');
    const sha256 = createHash('sha256').update(body).digest('base64');
    const answer = await put('plain', body, {
      ContentType: 'image/jpeg',
      Metadata: { origin: 'camera 1' },
      ContentMD5: md5(body).toString('base64'),
      ChecksumSHA256: sha256,
    });
    assert.equal(answer.ETag, `"${md5(body).toString('hex')}"`);
    assert.equal(answer.ChecksumSHA256, sha256);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'plain', ChecksumMode: 'ENABLED' }));
    assert.equal(head.ContentLength, body.length);
    assert.equal(head.ContentType, 'image/jpeg');
    assert.deepEqual(head.Metadata, { origin: 'camera 1' });
    assert.equal(head.ChecksumSHA256, sha256);
    assert.deepEqual(await read('plain'), body);
    assert.equal((await read('plain', { Range: 'bytes=8-12' })).toString(), 'these');
  });

  it('keeps an empty object', async () => {
    await put('empty', Buffer.alloc(0));
    assert.equal((await read('empty')).length, 0);
  });

  it('refuses a body that differs from its digest, and stores nothing of it', async () => {
    const wrong = md5(Buffer.from('other')).toString('base64');
    await assert.rejects(put('bad', Buffer.from('body'), { ContentMD5: wrong }), { name: 'BadDigest' });
    const wrongSha = createHash('sha256').update('other').digest('base64');
    await assert.rejects(put('bad', Buffer.from('body'), { ChecksumSHA256: wrongSha }), {
      name: 'BadDigest',
    });
    await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'bad' })), { name: 'NotFound' });
  });

  it('never overwrites under If-None-Match', async () => {
    await put('once', Buffer.from('first'), { IfNoneMatch: '*' });
    await assert.rejects(put('once', Buffer.from('second'), { IfNoneMatch: '*' }), (error: Error) => {
      assert.equal(error.name, 'PreconditionFailed');
      return true;
    });
    assert.equal((await read('once')).toString(), 'first');
  });

  it('lets exactly one of two racing conditional puts win', async () => {
    const bodies = ['one', 'two'].map((text) => Buffer.from(text.repeat(100_000)));
    const ends = await Promise.allSettled(bodies.map((body) => put('race', body, { IfNoneMatch: '*' })));
    assert.deepEqual(ends.map((end) => end.status).sort(), ['fulfilled', 'rejected']);
  });

  it('shows nothing of a body that broke off', async () => {
    cutting = true;
    await assert.rejects(put('torn', Buffer.alloc(20 * 1024 * 1024)));
    cutting = false;
    await assert.rejects(read('torn'), { name: 'NoSuchKey' });
    assert.deepEqual(await readdir(join(directory, 's3', Bucket, '.incoming')), []);
  });

  const strange = [
    'with space',
    'per%cent',
    'per%41',
    'pl+us',
    'em😀ji',
    'new\nline',
    '../../escape',
    'a/../b',
    'a/b',
    'a',
    '.hidden',
    'folder/',
    'query?x=1#y&z',
    "it's(1)!*",
    'n'.repeat(255),
    'ü'.repeat(512),
  ];
  for (const key of strange) {
    it(`keeps an object named ${JSON.stringify(key.slice(0, 30))} apart from all others`, async () => {
      await put(key, Buffer.from(`content of ${key}`));
      assert.equal((await read(key)).toString(), `content of ${key}`);
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: key }));
      assert.ok(Contents.some((object) => object.Key === key));
      assert.deepEqual(await readdir(directory), ['s3']);
    });
  }

  it('refuses a key of more than 1,024 bytes', async () => {
    await assert.rejects(put('k'.repeat(1025), Buffer.from('x')), { name: 'KeyTooLongError' });
  });

  it('lists thousands of keys page by page, each once and in order', async () => {
    const keys = Array.from({ length: 2100 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
    const left = [...keys];
    const worker = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) await put(key, Buffer.from(key));
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    const listed: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/', ContinuationToken }));
      listed.push(...(page.Contents ?? []).map((object) => object.Key ?? ''));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    assert.deepEqual(listed, keys);
  });

  it('forgets a deleted object, and forgives deleting it again', async () => {
    await put('gone', Buffer.from('x'));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    await assert.rejects(read('gone'), { name: 'NoSuchKey' });
  });

  it('answers wrong credentials, a wrong bucket and unsigned requests as S3 does', async () => {
    const probe = (config: S3ClientConfig, bucket = Bucket) =>
      client(config).send(new ListObjectsV2Command({ Bucket: bucket }));
    await assert.rejects(probe({ credentials: { ...KEYS, accessKeyId: 'WRONG' } }), {
      name: 'InvalidAccessKeyId',
    });
    await assert.rejects(probe({ credentials: { ...KEYS, secretAccessKey: 'wrong' } }), {
      name: 'SignatureDoesNotMatch',
    });
    await assert.rejects(probe({}, 'no-such-bucket'), { name: 'NoSuchBucket' });
    assert.equal((await fetch(`${server.endpoint}/${Bucket}/plain`)).status, 403);
    await s3.send(new HeadBucketCommand({ Bucket }));
  });

  describe('multipart', () => {
    const first = Buffer.alloc(5 * 1024 * 1024, 'a');
    const second = Buffer.from('the rest');
    const start = async (Key: string) => {
      const { UploadId } = await s3.send(
        new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'SHA256' }),
      );
      return { Bucket, Key, UploadId };
    };
    const part = (upload: object, PartNumber: number, Body: Buffer) =>
      s3.send(
        new UploadPartCommand({
          ...(upload as { Bucket: string; Key: string; UploadId: string }),
          PartNumber,
          Body,
          ChecksumAlgorithm: 'SHA256',
        }),
      );

    it('puts parts together under the ETag and checksum S3 would give', async () => {
      const upload = await start('parts');
      const answers = [await part(upload, 1, first), await part(upload, 2, second)];
      const listed = await s3.send(new ListPartsCommand(upload));
      assert.deepEqual(
        listed.Parts?.map((each) => [each.PartNumber, each.Size, each.ETag]),
        [
          [1, first.length, answers[0]?.ETag],
          [2, second.length, answers[1]?.ETag],
        ],
      );
      const Parts = answers.map(({ ETag, ChecksumSHA256 }, index) => ({
        ETag,
        ChecksumSHA256,
        PartNumber: index + 1,
      }));
      const done = await s3.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
      );
      const etag = md5(Buffer.concat([md5(first), md5(second)])).toString('hex');
      assert.equal(done.ETag, `"${etag}-2"`);
      const sha = (data: Buffer) => createHash('sha256').update(data).digest();
      assert.equal(
        done.ChecksumSHA256,
        `${sha(Buffer.concat([sha(first), sha(second)])).toString('base64')}-2`,
      );
      assert.deepEqual(await read('parts'), Buffer.concat([first, second]));
      await assert.rejects(s3.send(new ListPartsCommand(upload)), { name: 'NoSuchUpload' });
    });

    it('refuses a wrong ETag, a wrong order and a small part in the middle', async () => {
      const upload = await start('refused');
      const [small, last] = [await part(upload, 1, second), await part(upload, 2, second)];
      const complete = (...Parts: { PartNumber: number; ETag: string | undefined }[]) =>
        s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
      const one = { PartNumber: 1, ETag: small.ETag };
      const two = { PartNumber: 2, ETag: last.ETag };
      await assert.rejects(complete({ PartNumber: 1, ETag: '"0123"' }), { name: 'InvalidPart' });
      await assert.rejects(complete(two, one), { name: 'InvalidPartOrder' });
      await assert.rejects(complete(one, two), { name: 'EntityTooSmall' });
      await assert.rejects(read('refused'), { name: 'NoSuchKey' });
    });

    it('lists what is pending, and forgets it when aborted', async () => {
      const upload = await start('pending/one');
      await part(upload, 1, second);
      const pending = async () =>
        (await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'pending/' }))).Uploads ?? [];
      assert.deepEqual(
        (await pending()).map((each) => each.UploadId),
        [upload.UploadId],
      );
      await s3.send(new AbortMultipartUploadCommand(upload));
      assert.deepEqual(await pending(), []);
      await assert.rejects(part(upload, 2, second), { name: 'NoSuchUpload' });
    });
  });

  it('finds everything again after a restart', async () => {
    await put('lasting', Buffer.from('still here'));
    const options = { ...KEYS, directory: join(directory, 's3'), port: 0, buckets: [Bucket] };
    await server.close();
    server = await startS3Server(options);
    s3 = client();
    assert.equal((await read('lasting')).toString(), 'still here');
    await assert.rejects(read('gone'), { name: 'NoSuchKey' });
  });

  it('says so when its port is taken', async () => {
    const port = Number(new URL(server.endpoint).port);
    const second = startS3Server({ ...KEYS, directory: join(directory, 's3'), port, buckets: [] });
    await assert.rejects(second, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken`));
  });
});
