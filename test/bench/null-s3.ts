// The far side of the bench: an S3 server that hashes what it receives and keeps little but names, sizes and
// digests, so that the link and not a disk is what is measured. Runs as a process of its own:
//   null-s3.ts [PORT [HEADERS_MS [REFUSALS]]]     hangs up on a connection whose headers do not come for so long, refuses
// what it is told to; answers any message of its parent with what it has seen so far
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { S3Answer, xml } from './null-answers.ts';
import { NullBuckets, type StoredObject } from './null-buckets.ts';

/** What the server has seen since it started. */
export interface ServerStats {
  readonly objects: number;
  readonly bytes: number;
  readonly requests: number;
  /** Requests whose body broke off: time-outs, resets and senders that were stopped. */
  readonly brokenOff: number;
  readonly badDigests: number;
  /** Longest silence in the middle of a request's body, so far. */
  readonly longestPauseMs: number;
  /** Of bodies, whether they were stored or not. */
  readonly receivedBytes: number;
  /** Of these, in bodies that are under way. */
  readonly underWayBytes: number;
  readonly connections: number;
  readonly mostConnections: number;
  /** Connections that were hung up on, because no headers came. */
  readonly timedOut: number;
}

/** What is answered to a PUT whose key matches, once its body has been received. */
export interface Refusal {
  /** A regular expression. */
  readonly key: string;
  readonly status: number;
  readonly code: string;
}

const refusals: readonly Refusal[] = JSON.parse(process.argv[4] ?? '[]');
const buckets = new NullBuckets();
const stats = {
  requests: 0,
  brokenOff: 0,
  badDigests: 0,
  longestPauseMs: 0,
  receivedBytes: 0,
  underWayBytes: 0,
  connections: 0,
  mostConnections: 0,
  timedOut: 0,
};
let connections = 0;
const headersMs = Number(process.argv[3] ?? 60_000);
/** Bodies under way, and when each was last heard of. */
const heardOfMs = new Map<IncomingMessage, number>();

const options = {
  headersTimeout: headersMs,
  // a paced sender is slow on purpose, and an idle one keeps its connections
  requestTimeout: 0,
  keepAliveTimeout: headersMs,
  connectionsCheckingInterval: 1_000,
};
const server = createServer(options, (request, response) => {
  stats.requests += 1;
  answer(request).then(
    (reply) => reply.send(response, request.method === 'HEAD'),
    (error: Error) => {
      if (request.errored !== null || request.destroyed) stats.brokenOff += 1;
      S3Answer.error(500, 'InternalError', error.message).send(response, false);
    },
  );
});
server.on('connection', (socket) => {
  stats.connections += 1;
  connections += 1;
  stats.mostConnections = Math.max(stats.mostConnections, connections);
  socket.once('close', () => {
    connections -= 1;
  });
});
server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') stats.timedOut += 1;
  socket.destroy();
});
process.on('message', () => {
  for (const request of heardOfMs.keys()) hear(request);
  process.send?.({ ...stats, ...buckets.count() } satisfies ServerStats);
});
server.listen(Number(process.argv[2] ?? 9000), () => {
  const address = server.address();
  console.log(`listening on ${typeof address === 'object' ? address?.port : address}`);
});

async function answer(request: IncomingMessage): Promise<S3Answer> {
  const url = new URL(request.url ?? '/', 'http://null');
  if (`${request.headers['content-encoding']}`.includes('aws-chunked')) {
    return S3Answer.error(501, 'NotImplemented', 'aws-chunked bodies are not decoded here');
  }
  const body = await receive(request);
  if (body instanceof S3Answer) return body;
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(decodeURIComponent(url.pathname)) ?? [];
  const query = url.searchParams;
  if (bucket === '') return S3Answer.ok(xml('ListAllMyBucketsResult', { Buckets: '' }));
  if (key === '') return onBucket(request.method ?? '', bucket, query);
  const refusal = request.method === 'PUT' && refusals.find((one) => new RegExp(one.key).test(key));
  if (refusal) return S3Answer.error(refusal.status, refusal.code, 'refused as the bench wants it');
  if (query.has('uploads') || query.has('uploadId')) return onUpload(request, bucket, key, query, body);
  return onObject(request, bucket, key, body);
}

/** Asking counts as well: a body that is silent at the moment has been so since it was last heard of. */
function hear(request: IncomingMessage): void {
  const nowMs = performance.now();
  const pauseMs = nowMs - (heardOfMs.get(request) ?? nowMs);
  stats.longestPauseMs = Math.max(stats.longestPauseMs, pauseMs);
  heardOfMs.set(request, nowMs);
}

/** Bodies up to this size are kept, so that a client's probe object can be read back. */
const KEPT_BYTES = 4096;

interface Body {
  readonly stored: StoredObject;
  readonly text: string;
}

/** Hashes the body; keeps the bytes of small objects, and of a request's own XML. */
async function receive(request: IncomingMessage): Promise<Body | S3Answer> {
  const md5 = createHash('md5');
  const kept: Buffer[] = [];
  let sizeBytes = 0;
  hear(request);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hear(request);
      md5.update(chunk);
      sizeBytes += chunk.length;
      stats.receivedBytes += chunk.length;
      stats.underWayBytes += chunk.length;
      if (request.method === 'POST' || sizeBytes <= KEPT_BYTES) kept.push(chunk);
    }
  } finally {
    stats.underWayBytes -= sizeBytes;
    heardOfMs.delete(request);
  }
  const digest = md5.digest();
  const claimed = request.headers['content-md5'];
  if (typeof claimed === 'string' && claimed !== digest.toString('base64')) {
    stats.badDigests += 1;
    return S3Answer.error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const metadata = Object.entries(request.headers).filter(
    ([name]) => name.startsWith('x-amz-meta-') || name === 'content-type',
  );
  const stored = {
    etag: digest.toString('hex'),
    sizeBytes,
    modified: new Date(),
    headers: Object.fromEntries(metadata.map(([name, value]) => [name, `${value}`])),
    ...(sizeBytes <= KEPT_BYTES ? { bytes: Buffer.concat(kept) } : {}),
  };
  return { stored, text: request.method === 'POST' ? Buffer.concat(kept).toString() : '' };
}

function onBucket(method: string, bucket: string, query: URLSearchParams): S3Answer {
  if (method !== 'GET') return S3Answer.ok('');
  if (query.has('location')) return S3Answer.ok(xml('LocationConstraint', {}));
  if (query.has('uploads')) {
    const open = buckets.openUploads(bucket).map(({ id, key }) => xml('Upload', { Key: key, UploadId: id }));
    return S3Answer.ok(xml('ListMultipartUploadsResult', { Bucket: bucket, IsTruncated: 'false' }, open));
  }
  if (query.has('versioning')) return S3Answer.ok(xml('VersioningConfiguration', {}));
  const after = query.get('continuation-token') ?? query.get('marker') ?? query.get('start-after') ?? '';
  const limit = Number(query.get('max-keys') ?? 1000);
  const page = buckets.list(bucket, query.get('prefix') ?? '', query.get('delimiter') ?? '', after, limit);
  return S3Answer.listing(bucket, page, query.get('list-type') === '2');
}

function onObject(request: IncomingMessage, bucket: string, key: string, body: Body): S3Answer {
  const present = buckets.get(bucket, key);
  switch (request.method) {
    case 'PUT':
      if (request.headers['if-none-match'] === '*' && present !== undefined) {
        return S3Answer.error(412, 'PreconditionFailed', 'The key is taken.');
      }
      buckets.put(bucket, key, body.stored);
      return S3Answer.ok('', { etag: `"${body.stored.etag}"` });
    case 'HEAD':
    case 'GET':
      if (present === undefined) return S3Answer.error(404, 'NoSuchKey', 'The specified key does not exist.');
      if (request.method === 'HEAD') return S3Answer.head(present);
      if (present.bytes !== undefined) return S3Answer.object(present, present.bytes);
      return S3Answer.error(501, 'NotImplemented', 'Only small bodies are kept here.');
    case 'DELETE':
      buckets.remove(bucket, key);
      return S3Answer.empty();
    default:
      return S3Answer.error(405, 'MethodNotAllowed', 'The null server does not know this method.');
  }
}

function onUpload(
  request: IncomingMessage,
  bucket: string,
  key: string,
  query: URLSearchParams,
  body: Body,
): S3Answer {
  if (query.has('uploads')) {
    const id = buckets.openUpload(bucket, key, body.stored.headers);
    return S3Answer.ok(xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id }));
  }
  const parts = buckets.parts(query.get('uploadId') ?? '');
  if (parts === undefined) return S3Answer.error(404, 'NoSuchUpload', 'The upload does not exist.');
  switch (request.method) {
    case 'PUT':
      parts.set(Number(query.get('partNumber')), body.stored);
      return S3Answer.ok('', { etag: `"${body.stored.etag}"` });
    case 'DELETE':
      buckets.abort(query.get('uploadId') ?? '');
      return S3Answer.empty();
    case 'GET':
      return S3Answer.parts(bucket, key, parts);
    default: {
      if (request.headers['if-none-match'] === '*' && buckets.get(bucket, key) !== undefined) {
        return S3Answer.error(412, 'PreconditionFailed', 'The key is taken.');
      }
      const numbers = [...body.text.matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map((match) =>
        Number(match[1]),
      );
      const whole = buckets.complete(query.get('uploadId') ?? '', numbers);
      if (whole === undefined) return S3Answer.error(400, 'InvalidPart', 'A part was never uploaded.');
      const fields = { Bucket: bucket, Key: key, ETag: `"${whole.etag}"` };
      return S3Answer.ok(xml('CompleteMultipartUploadResult', fields));
    }
  }
}
