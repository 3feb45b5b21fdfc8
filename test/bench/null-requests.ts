// What the null S3 servers answer once a request's body has been received.
import type { IncomingMessage } from 'node:http';
import { S3Answer, xml } from './null-answers.ts';
import type { NullBuckets, StoredObject } from './null-buckets.ts';

export interface ReceivedBody {
  readonly stored: StoredObject;
  /** Of a POST; empty for others. */
  readonly text: string;
}

const PATH = /^\/([^/]*)\/?(.*)$/s;

export function keyOf(url: URL): string {
  return PATH.exec(decodeURIComponent(url.pathname))?.[2] ?? '';
}

export function answerTo(
  buckets: NullBuckets,
  request: IncomingMessage,
  url: URL,
  body: ReceivedBody,
): S3Answer {
  const [, bucket = '', key = ''] = PATH.exec(decodeURIComponent(url.pathname)) ?? [];
  const query = url.searchParams;
  if (bucket === '') return S3Answer.ok(xml('ListAllMyBucketsResult', { Buckets: '' }));
  if (key === '') return onBucket(buckets, request.method ?? '', bucket, query);
  if (query.has('uploads') || query.has('uploadId'))
    return onUpload(buckets, request, bucket, key, query, body);
  return onObject(buckets, request, bucket, key, body);
}

function onBucket(buckets: NullBuckets, method: string, bucket: string, query: URLSearchParams): S3Answer {
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

function onObject(
  buckets: NullBuckets,
  request: IncomingMessage,
  bucket: string,
  key: string,
  body: ReceivedBody,
): S3Answer {
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
  buckets: NullBuckets,
  request: IncomingMessage,
  bucket: string,
  key: string,
  query: URLSearchParams,
  body: ReceivedBody,
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
