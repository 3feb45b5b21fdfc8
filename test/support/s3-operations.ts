// The S3 operations the embedded server knows, each from a checked request to an answer. Throws S3Error for the others.
// Invariant: a condition is judged in the same turn in which the object appears.
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { S3Bucket, StoredObject } from './s3-bucket.ts';
import { BodyHasher, type Checksum } from './s3-checksum.ts';
import { S3Error } from './s3-error.ts';
import { listObjects, listParts, listUploads } from './s3-listing.ts';
import type { S3MultipartUploads } from './s3-multipart.ts';
import { completedParts, xmlDocument } from './s3-xml.ts';

/** A bucket and what is on its way into it. */
export interface Place {
  readonly bucket: S3Bucket;
  readonly uploads: S3MultipartUploads;
}

/** One request whose signature stands. `key` is empty for a request to the bucket itself. */
export interface Call extends Place {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly key: string;
  readonly query: URLSearchParams;
  /** What the store means by an ETag that it showed. */
  readonly readEtag?: ((shown: string) => string) | undefined;
}

const KEPT_HEADERS =
  /^(content-type|content-encoding|cache-control|x-amz-(meta-.+|storage-class|server-side-encryption.*))$/;

/** Answers the request, or throws what `refuse` in s3-server turns into an error document. */
export async function perform(call: Call): Promise<void> {
  await (call.key === '' ? onBucket(call) : onObject(call));
}

function onBucket({ request, response, query, bucket, uploads }: Call): void {
  if (request.method === 'HEAD') send(response, 200);
  else if (request.method !== 'GET') throw new S3Error(405, 'MethodNotAllowed', 'Not on a bucket.');
  else if (query.has('uploads')) send(response, 200, listUploads(uploads, query));
  else if (query.get('list-type') === '2') send(response, 200, listObjects(bucket, query));
  else throw new S3Error(501, 'NotImplemented', 'Not implemented here.');
}

async function onObject(call: Call): Promise<void> {
  const { request, response, query, bucket, uploads, key } = call;
  const uploadId = query.get('uploadId');
  const upload = uploadId === null ? undefined : uploads.get(uploadId, key);
  switch (request.method) {
    case 'PUT':
      return upload === undefined
        ? await putObject(call)
        : sendDigest(
            response,
            await uploads.putPart(upload, Number(query.get('partNumber')), request, hasherFor(request)),
          );
    case 'POST':
      return upload === undefined ? createUpload(call) : await completeUpload(call, upload.uploadId);
    case 'DELETE':
      if (upload === undefined) bucket.delete(key);
      else uploads.abort(upload);
      return send(response, 204);
    case 'GET':
      return upload === undefined ? await getObject(call) : send(response, 200, listParts(upload, query));
    case 'HEAD':
      response.writeHead(200, objectHeaders(existing(bucket, key), request));
      response.end();
      return;
    default:
      throw new S3Error(405, 'MethodNotAllowed', 'Not on an object.');
  }
}

async function putObject({ request, response, bucket, key }: Call): Promise<void> {
  const { file, digest } = await bucket.receive(request, hasherFor(request));
  const { md5Hex: etag, ...rest } = digest;
  const object = {
    key,
    etag,
    ...rest,
    modifiedMs: Date.now(),
    headers: keptHeaders(request),
  };
  bucket.commit(file, object, () => checkCondition(request, bucket, key));
  sendDigest(response, digest);
}

function createUpload({ request, response, query, bucket, uploads, key }: Call): void {
  if (!query.has('uploads')) throw new S3Error(501, 'NotImplemented', 'Not implemented here.');
  const upload = uploads.create(key, keptHeaders(request));
  const content = { Bucket: bucket.name, Key: key, UploadId: upload.uploadId };
  send(response, 200, xmlDocument('InitiateMultipartUploadResult', content));
}

async function completeUpload(
  { request, response, bucket, uploads, key, readEtag = (etag) => etag }: Call,
  uploadId: string,
): Promise<void> {
  const document = await text(request);
  const permit = () => checkCondition(request, bucket, key);
  const parts = completedParts(document).map(({ number, etag }) => ({ number, etag: readEtag(etag) }));
  const object = await uploads.complete(uploads.get(uploadId, key), parts, permit);
  const { algorithm, value } = object.checksum ?? {};
  const content = {
    Bucket: bucket.name,
    Key: key,
    ETag: `"${object.etag}"`,
    ...(algorithm === undefined
      ? {}
      : {
          [`Checksum${algorithm.toUpperCase()}`]: value,
          ChecksumType: 'COMPOSITE',
        }),
  };
  send(response, 200, xmlDocument('CompleteMultipartUploadResult', content));
}

async function getObject({ request, response, bucket, key }: Call): Promise<void> {
  const object = existing(bucket, key);
  const [, last] = /^bytes=-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const fromLast = last === undefined ? undefined : `${Math.max(0, object.sizeBytes - Number(last))}`;
  const [, from = fromLast, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(from ?? 0);
  const end = Math.min(to ? Number(to) : object.sizeBytes - 1, object.sizeBytes - 1);
  if (from !== undefined && start > end)
    throw new S3Error(416, 'InvalidRange', 'The range is not satisfiable.');
  const headers = objectHeaders(object, request);
  response.writeHead(from === undefined ? 200 : 206, {
    ...headers,
    'content-length': end - start + 1,
    ...(from === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${object.sizeBytes}` }),
  });
  if (object.sizeBytes === 0) response.end();
  else await pipeline(createReadStream(bucket.fileOf(key), { start, end }), response);
}

function existing(bucket: S3Bucket, key: string): StoredObject {
  const object = bucket.get(key);
  if (object === undefined) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  return object;
}

function checkCondition(request: IncomingMessage, bucket: S3Bucket, key: string): void {
  if (request.headers['if-none-match'] === undefined) return;
  if (bucket.get(key) !== undefined) throw new S3Error(412, 'PreconditionFailed', 'The key exists already.');
}

/** Streams (aws-chunked with trailers) are refused on purpose, as Ceph and others do: halfpipe sends Buffers. */
function hasherFor(request: IncomingMessage): BodyHasher {
  const { 'content-length': length, 'x-amz-content-sha256': payload } = request.headers;
  if (String(payload).startsWith('STREAMING-'))
    throw new S3Error(501, 'NotImplemented', 'aws-chunked is refused.');
  if (length === undefined) throw new S3Error(411, 'MissingContentLength', 'Content-Length is required.');
  return new BodyHasher(request.headers);
}

function keptHeaders(request: IncomingMessage): Record<string, string> {
  const kept = Object.entries(request.headers).filter(([name]) => KEPT_HEADERS.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

function objectHeaders(object: StoredObject, request: IncomingMessage): Record<string, string | number> {
  // A range is answered without the checksum: it is of the whole object.
  const wholeWithChecksum = request.headers['x-amz-checksum-mode'] !== undefined && !request.headers.range;
  return {
    ...object.headers,
    etag: `"${object.etag}"`,
    'content-length': object.sizeBytes,
    'accept-ranges': 'bytes',
    'last-modified': new Date(object.modifiedMs).toUTCString(),
    ...(wholeWithChecksum ? checksumHeaders(object.checksum) : {}),
  };
}

function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return {
    [`x-amz-checksum-${checksum.algorithm}`]: checksum.value,
    'x-amz-checksum-type': checksum.value.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT',
  };
}

function sendDigest(
  response: ServerResponse,
  digest: { readonly md5Hex: string; readonly checksum?: Checksum },
): void {
  response.writeHead(200, {
    etag: `"${digest.md5Hex}"`,
    'content-length': 0,
    ...checksumHeaders(digest.checksum),
  });
  response.end();
}

/** Answers with a status and, where given, an XML document. */
export function send(response: ServerResponse, status: number, document = ''): void {
  const type = document === '' ? {} : { 'content-type': 'application/xml' };
  response.writeHead(status, {
    ...type,
    'content-length': Buffer.byteLength(document),
  });
  response.end(document);
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
