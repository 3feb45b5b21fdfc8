// A put that is made from a template is what the SDK would have sent, to the last byte; and what it is answered means
// what it would have meant to the SDK.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { Readable } from 'node:stream';
import test from 'node:test';
import { digestOf } from '../../src/store/digest.ts';
import { type Guard, type ObjectSettings, S3Bucket } from '../../src/store/s3/bucket.ts';
import { createS3Client, type S3ClientOptions } from '../../src/store/s3/s3-client.ts';
import type { TracedRequest } from '../../src/store/s3/store-event.ts';
import { Fault } from '../../src/system/fault.ts';
import type {
  HttpRequest,
  RequestHandler,
  RequestHead,
  SmallAnswer,
} from '../../src/transport/http-request.ts';
import { SimClock } from '../support/sim-clock.ts';

type Options = Partial<S3ClientOptions & ObjectSettings>;
type Sent = RequestHead & { readonly body: string };
/** Answers the nth request, or throws. */
type Answering = (head: RequestHead, nth: number) => Answered | Promise<Answered>;
type Answered = Partial<Omit<SmallAnswer, 'body'>> & { body?: string };

const NEVER = new AbortController().signal;
const ETAG = { etag: '"x"' };

// Each request has an id of its own, which is signed.
crypto.randomUUID = () => '11111111-2222-3333-4444-555555555555';
syncBuiltinESMExports();
globalThis.crypto.randomUUID = crypto.randomUUID;

const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: 'AKIATEST',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
};
for (const [name, value] of Object.entries(ENVIRONMENT)) process.env[name] = value;

/** As files are read: into memory that both threads see. */
function shared(text: string): Buffer {
  const bytes = Buffer.from(new SharedArrayBuffer(Buffer.byteLength(text)));
  bytes.write(text);
  return bytes;
}

/** A bucket whose handler records what it is given. It sends through exchange() if it `isLean`. */
function bucketWith(isLean: boolean, options: Options = {}, answering: Answering = () => ({})) {
  const sent: Sent[] = [];
  const ways: ('sdk' | 'lean')[] = [];
  const events: TracedRequest[] = [];
  const answer = async (way: 'sdk' | 'lean', head: RequestHead, body: Uint8Array): Promise<SmallAnswer> => {
    const { method, protocol, hostname, port, path, query, headers } = structuredClone({
      ...head,
      body: undefined,
    });
    sent.push({
      method,
      protocol,
      hostname,
      port,
      path,
      query,
      headers,
      body: Buffer.from(body).toString(),
    } as Sent);
    ways.push(way);
    const {
      statusCode = 200,
      headers: answered = ETAG,
      body: text = '',
    } = await answering(head, sent.length);
    return { statusCode, headers: { ...answered }, body: Buffer.from(text) };
  };
  const requestHandler = {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request: HttpRequest) => {
      const response = await answer('sdk', request, request.body as Uint8Array);
      const body = new Readable({ read: () => undefined });
      if (response.body.byteLength > 0) body.push(response.body);
      body.push(null);
      return { response: { ...response, body } };
    },
    ...(isLean && { exchange: async (head: RequestHead, body: Uint8Array) => answer('lean', head, body) }),
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  } as unknown as RequestHandler;
  const clock = new SimClock();
  const onEvent: S3ClientOptions['onEvent'] = (event) => {
    if (event.kind === 'request') events.push(event.request);
  };
  const bucket = 'bucket';
  const all = {
    bucket,
    region: 'us-east-1',
    endpoint: undefined,
    forcePathStyle: false,
    metadata: {},
    tags: {},
    ...options,
  };
  const none = { storageClass: undefined, serverSideEncryption: undefined, kmsKeyId: undefined };
  const client = createS3Client({ ...all, requestHandler, clock, onEvent });
  const place = { name: all.bucket, endpoint: 'e', prefix: '', onEvent };
  const made = new S3Bucket(place, client, { ...none, ...all }, clock);
  const put = async (key: string, text: string, guard: Guard = 'firm', signal = NEVER) => {
    const body = shared(text);
    return made.put(key, body, await digestOf(body), guard, signal);
  };
  return { bucket: made, put, sent, ways, events, clock };
}

/** What both ways send and answer, after the SDK has made a first request of each shape. */
async function bothWays(options: Options, key: string, text: string, answering?: Answering) {
  const [sdk, lean] = [false, true].map((isLean) => bucketWith(isLean, options, answering));
  assert.ok(sdk && lean);
  const receipts = [];
  for (const { put } of [sdk, lean])
    for (const guard of ['none', 'firm'] as const) {
      await put('first.bin', 'other content', guard);
      receipts.push(await put(key, text, guard));
    }
  return { sdk, lean, receipts };
}

/** With the order of the headers. */
const bytesOf = (sent: readonly Sent[]) => sent.map((one) => JSON.stringify(one, null, 1));

const S3 = { endpoint: 'http://127.0.0.1:9000', forcePathStyle: true };
const OPTIONS: Readonly<Record<string, Options>> = {
  'a port, path style': S3,
  'a path in the endpoint': { endpoint: 'https://gateway.example:8443/s3/v1', forcePathStyle: true },
  'the bucket in the host': { endpoint: 'https://store.example' },
  'an IPv6 address': { endpoint: 'http://[::1]:9000', forcePathStyle: true },
  AWS: {},
  'another region': { region: 'eu-central-1' },
  'a region of another partition': { region: 'cn-north-1' },
  'AWS, path style': { forcePathStyle: true },
  'a bucket with dots': { bucket: 'my.bucket.name' },
  'an access point': { bucket: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/mine' },
  'an access point on an outpost': {
    bucket: 'arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/mine',
  },
  'a payer and an owner': { ...S3, requestPayer: true, expectedBucketOwner: '123456789012' },
  'a storage class': { ...S3, storageClass: 'STANDARD_IA' },
  'SSE-S3': { ...S3, serverSideEncryption: 'AES256' },
  'SSE-KMS': {
    ...{ ...S3, serverSideEncryption: 'aws:kms' },
    kmsKeyId: 'arn:aws:kms:us-east-1:123456789012:key/1234abcd',
  },
  'an ACL': { ...S3, acl: 'bucket-owner-full-control' },
  metadata: { ...S3, metadata: { site: 'north  gate', 'two-words': ' a\tb ', z: '1', Capital: 'Ä' } },
  tags: { ...S3, tags: { 'a b': 'c&d', é: '+=/' } },
};
const KEYS = [
  'a.jpg',
  'folder/one two.txt',
  'ünï/日本語 😀.png',
  '100%/a%20b+c~d',
  '(it\'s) *!@$&=;:,?#[]|\\^`{}<>"',
  'a/../b/./c//d/',
  '/leading',
  `${'long/'.repeat(203)}end`,
  'tab\tand\u0001control',
  '.hidden',
  'a.b.c.tar.gz',
];

for (const [name, options] of Object.entries(OPTIONS))
  test(`a put is sent as the SDK sends it: ${name}`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: new SimClock().wallMs() });
    const { sdk, lean, receipts } = await bothWays(options, 'folder/file.txt', 'content');
    assert.deepEqual(lean.ways, ['sdk', 'lean', 'sdk', 'lean']);
    assert.deepEqual(bytesOf(lean.sent), bytesOf(sdk.sent));
    assert.deepEqual(receipts.slice(2), receipts.slice(0, 2));
    assert.deepEqual(lean.events, sdk.events);
  });

for (const key of KEYS)
  for (const text of ['', 'content'])
    test(`a put is sent as the SDK sends it: ${JSON.stringify(key.slice(0, 40))}, ${text.length} bytes`, async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: new SimClock().wallMs() });
      const { sdk, lean } = await bothWays(S3, key, text);
      assert.deepEqual(lean.ways, ['sdk', 'lean', 'sdk', 'lean']);
      assert.deepEqual(bytesOf(lean.sent), bytesOf(sdk.sent));
    });

for (const [name, value] of [
  ['AWS_SESSION_TOKEN', 'token/+='],
  ['AWS_USE_DUALSTACK_ENDPOINT', 'true'],
  ['AWS_USE_FIPS_ENDPOINT', 'true'],
  ['AWS_ENDPOINT_URL_S3', 'https://of-environment.example/base'],
  ['AWS_SDK_UA_APP_ID', 'site 7'],
] as const)
  test(`a put is sent as the SDK sends it: ${name}`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: new SimClock().wallMs() });
    process.env[name] = value;
    t.after(() => delete process.env[name]);
    const { sdk, lean } = await bothWays({}, 'k', 'content');
    assert.deepEqual(lean.ways, ['sdk', 'lean', 'sdk', 'lean']);
    assert.deepEqual(bytesOf(lean.sent), bytesOf(sdk.sent));
  });

test('a put without headers that the store refuses is sent as the SDK sends it', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: new SimClock().wallMs() });
  const { sdk, lean } = await bothWays(S3, 'k', 'content', ({ headers }) =>
    headers['x-amz-checksum-sha256'] === undefined
      ? {}
      : { statusCode: 501, body: errorOf('NotImplemented') },
  );
  assert.equal(lean.ways.at(-1), 'lean');
  assert.equal(lean.sent.at(-1)?.headers['x-amz-checksum-sha256'], undefined);
  assert.deepEqual(bytesOf(lean.sent), bytesOf(sdk.sent));
});

test('a put on another day, or with a corrected clock, is signed for its time', async (t) => {
  const two = [false, true].map((isLean) => bucketWith(isLean, S3));
  const [sdk, lean] = two;
  assert.ok(sdk && lean);
  for (const { put, clock, bucket } of two) {
    t.mock.timers.enable({ apis: ['Date'], now: clock.wallMs() });
    for (const offsetMs of [0, 3_600_000, 86_400_000]) {
      Object.defineProperty(bucket.client.config, 'systemClockOffset', {
        value: offsetMs,
        configurable: true,
      });
      await put('k', 'content');
    }
    t.mock.timers.reset();
  }
  assert.deepEqual(lean.ways, ['sdk', 'lean', 'lean']);
  assert.deepEqual(bytesOf(lean.sent), bytesOf(sdk.sent));
  assert.match(lean.sent[2]?.headers.authorization ?? '', /\/20260102\//);
});

test('after other credentials have come, the SDK makes the first request with them', async (t) => {
  t.after(() => {
    process.env.AWS_ACCESS_KEY_ID = ENVIRONMENT.AWS_ACCESS_KEY_ID;
  });
  const { bucket, put, ways, sent } = bucketWith(true, S3);
  await put('k', 'content');
  await put('k', 'content');
  process.env.AWS_ACCESS_KEY_ID = 'AKIAOTHER';
  bucket.refreshCredentials();
  await put('k', 'content');
  await put('k', 'content');
  assert.deepEqual(ways, ['sdk', 'lean', 'sdk', 'lean']);
  const keys = sent.map(({ headers }) => /Credential=(\w+)/.exec(headers.authorization ?? '')?.[1]);
  assert.deepEqual(keys, ['AKIATEST', 'AKIATEST', 'AKIAOTHER', 'AKIAOTHER']);
});

test('where the SDK signs in another way, it makes every request', async () => {
  const { bucket, put, ways, sent } = bucketWith(true, S3);
  const sign = async (request: HttpRequest) => {
    request.headers.authorization = `Other ${request.path}`;
    return request;
  };
  bucket.client.config.signer = async () => ({ sign }) as never;
  for (const key of ['a', 'b', 'c']) await put(key, 'content');
  assert.deepEqual(ways, ['sdk', 'sdk', 'sdk']);
  assert.equal(sent.at(-1)?.headers.authorization, 'Other /bucket/c');
});

test('a handler without exchange() is sent what the SDK makes', async () => {
  const { put, ways } = bucketWith(false, S3);
  for (const key of ['a', 'b']) await put(key, 'content');
  assert.deepEqual(ways, ['sdk', 'sdk']);
});

function errorOf(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message></Error>`;
}

const REFUSALS: Readonly<Record<string, Answered>> = {
  'a key that is taken': { statusCode: 412, body: errorOf('PreconditionFailed') },
  'an error without a body': { statusCode: 503, headers: { 'retry-after': '7' } },
  SlowDown: { statusCode: 503, body: errorOf('SlowDown') },
  'an error with status 200': { statusCode: 200, body: errorOf('InternalError') },
  'another region': {
    statusCode: 301,
    headers: { 'x-amz-bucket-region': 'eu-west-1', location: 'https://b.s3.eu-west-1.amazonaws.com/' },
    body: errorOf('PermanentRedirect'),
  },
  'a wrong clock': { statusCode: 403, body: errorOf('RequestTimeTooSkewed') },
  'a wrong key': { statusCode: 403, body: errorOf('SignatureDoesNotMatch') },
  'a page of a proxy': {
    statusCode: 502,
    headers: { 'content-type': 'text/html' },
    body: '<html>Bad gateway</html>',
  },
  'no XML': { statusCode: 400, body: '<Error><Code>Cut' },
};

/** The outcome of a put after those that teach, which are answered well. */
async function outcomeOf(isLean: boolean, answer: () => Answered) {
  const world = bucketWith(isLean, S3, (_, nth) => (nth === 2 ? answer() : {}));
  await world.put('first', 'other content');
  const ended = await world.put('k', 'content').catch((error: unknown) => error);
  assert.equal(world.ways[1], isLean ? 'lean' : 'sdk');
  return { ...world, ended };
}

function factsOf(ended: unknown) {
  if (!(ended instanceof Fault)) return ended;
  const { faultClass, message, hint, code, retryAfterMs, operation, subject, asksForFewer } = ended;
  return { faultClass, message, hint, code, retryAfterMs, operation, subject, asksForFewer };
}

for (const [name, answer] of Object.entries(REFUSALS))
  test(`an answer means what it means to the SDK, and nothing is sent twice: ${name}`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: new SimClock().wallMs() });
    const sdk = await outcomeOf(false, () => answer);
    const lean = await outcomeOf(true, () => answer);
    assert.ok(sdk.ended instanceof Fault);
    assert.deepEqual(factsOf(lean.ended), factsOf(sdk.ended));
    assert.deepEqual(lean.events, sdk.events);
    assert.equal(lean.sent.length, sdk.sent.length);
    assert.deepEqual(
      lean.sent.map(({ path }) => path),
      sdk.sent.map(({ path }) => path),
    );
  });

const ANSWERS: Readonly<Record<string, Answered>> = {
  'as AWS answers': {
    headers: {
      ...{
        etag: '"9a0364b9e99bb480dd25e1f0284c8555"',
        'x-amz-version-id': 'v1',
        'x-amz-checksum-type': 'FULL_OBJECT',
      },
      ...{ 'x-amz-checksum-sha256': '7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=' },
      'x-amz-server-side-encryption': 'aws:kms',
    },
  },
  'with a digest of another store': {
    headers: { etag: '"x"', 'x-goog-hash': 'crc32c=AA==,md5=mgNkuembtIDdJeHwKEyFVQ==' },
  },
  'with a key of the writer': {
    headers: { etag: '"x"', 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
  },
  'without an ETag': { headers: { 'x-amz-request-id': '1' } },
  'with an empty ETag': { headers: { etag: '""', 'x-amz-version-id': 'null' } },
  'with a body': { body: '<ok/>' },
};

for (const [name, answer] of Object.entries(ANSWERS))
  test(`a receipt is what the SDK's answer gives: ${name}`, async () => {
    const [sdk, lean] = [await outcomeOf(false, () => answer), await outcomeOf(true, () => answer)];
    assert.deepEqual(lean.ended, sdk.ended);
    assert.equal(lean.bucket.dialect.etagIsMd5, sdk.bucket.dialect.etagIsMd5);
    assert.equal(lean.sent.length, 2);
  });

for (const code of ['ECONNRESET', 'EPIPE', 'ERR_SIGNATURE_AGED', 'ENOTFOUND', 'ERR_CONNECT_TIMEOUT'])
  test(`a connection that fails is judged as the SDK judges it: ${code}`, async () => {
    const failing = () => {
      throw Object.assign(new Error('failed'), { code });
    };
    const [sdk, lean] = [await outcomeOf(false, failing), await outcomeOf(true, failing)];
    assert.deepEqual(factsOf(lean.ended), factsOf(sdk.ended));
    assert.deepEqual(lean.events, sdk.events);
    const attempts = sdk.sent.map(({ headers }) => headers['amz-sdk-request']);
    assert.deepEqual(
      lean.sent.map(({ headers }) => headers['amz-sdk-request']),
      attempts,
    );
    assert.equal(sdk.sent.length, code.startsWith('EN') || code.startsWith('ERR_C') ? 2 : 3);
  });

test('a put whose signal aborts is not tried again, and fails with its reason', async () => {
  const stop = new AbortController();
  const reason = new Error('stopping');
  const { put, ways } = bucketWith(true, S3, (_, nth) => {
    if (nth < 2) return {};
    stop.abort(reason);
    throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
  });
  await put('first', 'other content');
  await assert.rejects(put('k', 'content', 'firm', stop.signal), reason);
  assert.deepEqual(ways, ['sdk', 'lean']);
});

test('the time that a refused put took is that of its request', async () => {
  const world = bucketWith(true, S3, async (_, nth) => {
    if (nth < 2) return {};
    await world.clock.advance(250);
    return { statusCode: 403, body: errorOf('AccessDenied') };
  });
  await world.put('first', 'other content');
  await assert.rejects(world.put('k', 'content'), { code: 'AccessDenied' });
  assert.equal(world.events.at(-1)?.durationMs, 250);
});
