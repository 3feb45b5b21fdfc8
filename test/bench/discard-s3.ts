// The far side of npm run bench:drain: an S3 server that costs as little as Node's HTTP server allows, so that the tool and
// not the server is what is measured. It takes a body's Content-MD5 for true and discards the body; it hashes a body
// without one, because its client compares the ETag. Runs as a process of its own:
//   discard-s3.ts [KEY CERTIFICATE]     over TLS if both files are named
// Prints its port, tells its parent of its first request and of the first upload, answers each message with what it has seen.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { S3Answer } from './null-answers.ts';
import { NullBuckets } from './null-buckets.ts';
import { answerTo } from './null-requests.ts';
import { monotonicMs } from './recorder.ts';

/** What a parent is told. */
export interface Discarded {
  readonly firstRequestMs: number | undefined;
  /** Of a PUT or of a POST, which begins a multipart upload. */
  readonly firstUploadMs: number | undefined;
  /** PUTs of objects and completed multipart uploads. */
  readonly objects: number;
  readonly requests: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
}

const buckets = new NullBuckets();
const seen = { objects: 0, requests: 0, bytes: 0 };
let firstRequestMs: number | undefined;
let firstUploadMs: number | undefined;

function tell(): void {
  const { user, system } = process.cpuUsage();
  process.send?.({
    ...seen,
    firstRequestMs,
    firstUploadMs,
    cpuSeconds: (user + system) / 1e6,
  } satisfies Discarded);
}

function note(isUpload: boolean): void {
  const nowMs = monotonicMs();
  const isFirst = firstRequestMs === undefined;
  firstRequestMs ??= nowMs;
  if (isUpload) firstUploadMs = nowMs;
  if (isFirst || isUpload) tell();
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  seen.requests += 1;
  const isPut = request.method === 'PUT';
  if (firstUploadMs === undefined) note(isPut || request.method === 'POST');
  const claimed = request.headers['content-md5'];
  const md5 = typeof claimed === 'string' || !isPut ? undefined : createHash('md5');
  let [sizeBytes, text] = [0, ''];
  request.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    md5?.update(chunk);
    if (request.method === 'POST') text += chunk.toString();
  });
  request.on('end', () => {
    seen.bytes += sizeBytes;
    const etag = typeof claimed === 'string' ? Buffer.from(claimed, 'base64') : md5?.digest();
    answer(request, etag?.toString('hex') ?? '', sizeBytes, text).send(response, request.method === 'HEAD');
  });
}

function answer(request: IncomingMessage, etag: string, sizeBytes: number, text: string): S3Answer {
  if (`${request.headers['content-encoding']}`.includes('aws-chunked'))
    return S3Answer.error(501, 'NotImplemented', 'aws-chunked bodies are not decoded here');
  const mtime = request.headers['x-amz-meta-mtime'];
  const headers: Record<string, string> = typeof mtime === 'string' ? { 'x-amz-meta-mtime': mtime } : {};
  const stored = { etag, sizeBytes, modified: new Date(), headers };
  const url = new URL(request.url ?? '/', 'http://null');
  const isWhole = !url.searchParams.has('partNumber') && !url.searchParams.has('uploads');
  if (isWhole && (request.method === 'PUT' || request.method === 'POST')) seen.objects += 1;
  return answerTo(buckets, request, url, { stored, text });
}

const [key, cert] = process.argv.slice(2, 4).map((path) => readFileSync(path));
const server =
  key === undefined || cert === undefined ? createServer(receive) : createTlsServer({ key, cert }, receive);
server.requestTimeout = 0;
server.keepAliveTimeout = 60_000;
process.on('message', tell);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : address);
});
