// What the store answered, in our own terms and nothing assumed: receipts from the SDK's answers
// and from headers that the SDK leaves out.
import type { S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../system/fault.ts';
import type { Receipt } from '../object-store.ts';

type Headers = Readonly<Record<string, string | undefined>>;

const headersOfAnswers = new WeakMap<object, Headers>();

/** Has `client` remember the headers of its answers for as long as the answers are there. */
export function keepHeaders(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = (result.response ?? {}) as { headers?: Headers };
      if (headers !== undefined && result.output !== undefined) headersOfAnswers.set(result.output, headers);
      return result;
    },
    // Around the SDK's own, which makes the output.
    { step: 'deserialize', priority: 'high', name: 'keepHeaders' },
  );
}

/** The headers of an answer, of a client that keeps them; names are in lower case. */
export function headersOf(answer: object): Headers {
  return headersOfAnswers.get(answer) ?? {};
}

interface Answer {
  readonly ETag?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
  readonly ChecksumType?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}

export function receiptOf(key: string, answer: Answer): Receipt {
  const { ETag: etag, ChecksumSHA256: checksumSha256, VersionId: versionId } = answer;
  const md5 = md5In(headersOf(answer));
  return {
    key,
    // Ceph completes a multipart upload with an empty one.
    ...(etag === undefined || /^"*$/.test(etag) ? {} : { etag }),
    ...(isOpaqueWith(answer) ? { etagIsOpaque: true } : {}),
    ...(checksumSha256 === undefined ? {} : { checksumSha256 }),
    ...(answer.ChecksumType === 'COMPOSITE' ? { checksumIsComposite: true } : {}),
    ...(md5 === undefined ? {} : { md5 }),
    // Some stores answer `null` for a bucket without versions.
    ...(versionId === undefined || versionId === 'null' ? {} : { versionId }),
  };
}

/**
 * With SSE-S3 or without encryption an ETag may be an MD5; SSE-KMS and SSE-C make it something
 * else.
 */
function isOpaqueWith({
  ServerSideEncryption: encryption = 'AES256',
  SSECustomerAlgorithm,
}: Answer): boolean {
  return encryption !== 'AES256' || SSECustomerAlgorithm !== undefined;
}

/** Alibaba and others answer `Content-MD5`, Google `x-goog-hash: crc32c=…,md5=…`. */
function md5In(headers: Headers): string | undefined {
  const [, ofGoogle] = /(?:^|[,\s])md5=([^,\s]+)/.exec(headers['x-goog-hash'] ?? '') ?? [];
  return ofGoogle ?? headers['content-md5'];
}

/** What the bucket holds under a key. */
export type HeldObject = Receipt;

interface Head extends Answer {
  readonly ContentLength?: number | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly ContentRange?: string | undefined;
  readonly LastModified?: Date | undefined;
}

/**
 * From the answer to a HEAD, or to a GET of a range. Throws a Fault of class `transient` for an
 * answer that is not a store's: whatever stands in its place has not looked for an object, and an
 * empty file would find itself there.
 */
export function heldObject(key: string, answer: Head, subject: string): HeldObject {
  const receipt = receiptOf(key, answer);
  const sizeBytes = sizeOf(answer);
  const isDescribed = sizeBytes !== undefined && answer.LastModified !== undefined;
  const isStores = Object.keys(headersOf(answer)).some((name) => name.startsWith('x-amz-'));
  if (receipt.etag === undefined && !isDescribed && !isStores) throw notTheStore(subject);
  return { ...receipt, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

/**
 * Undefined where the length is that of something else: of a range, or of what a proxy has
 * compressed.
 */
function sizeOf({ ContentLength, ContentEncoding, ContentRange }: Head): number | undefined {
  const [, total] = /\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  if (total !== undefined) return Number(total);
  return ContentRange === undefined && ContentEncoding === undefined ? ContentLength : undefined;
}

function notTheStore(subject: string): Fault {
  return new Fault('transient', 'look up object was answered without an ETag or a length', {
    operation: 'look up object',
    subject,
    hint: 'Something between here and the store answers in its place: check s3.endpoint and any proxy.',
    code: 'NoObjectHeaders',
  });
}
