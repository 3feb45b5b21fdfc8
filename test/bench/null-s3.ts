// The far side of the bench: an S3 server that hashes what it receives and keeps little but names, sizes and
// digests, so that the link and not a disk is what is measured. Runs as a process of its own:
//   null-s3.ts [PORT [HEADERS_MS [REFUSALS]]]     hangs up on a connection whose headers do not come for so long, refuses
// what it is told to; answers any message of its parent with what it has seen so far
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { S3Answer } from './null-answers.ts';
import { NullBuckets } from './null-buckets.ts';
import { answerTo, keyOf, type ReceivedBody } from './null-requests.ts';

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
  const refusal = request.method === 'PUT' && refusals.find((one) => new RegExp(one.key).test(keyOf(url)));
  if (refusal) return S3Answer.error(refusal.status, refusal.code, 'refused as the bench wants it');
  return answerTo(buckets, request, url, body);
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

/** Hashes the body; keeps the bytes of small objects, and of a request's own XML. */
async function receive(request: IncomingMessage): Promise<ReceivedBody | S3Answer> {
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
