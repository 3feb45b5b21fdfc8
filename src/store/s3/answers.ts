// Turns the SDK's answers, and headers that the SDK leaves out, into receipts. It assumes nothing
// that was not answered.
import type { S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../../system/fault.ts';
import type { Receipt } from '../object-store.ts';

type Headers = Readonly<Record<string, string | undefined>>;

const headersOfAnswers = new WeakMap<object, Headers>();

/** Makes `client` remember the headers of each answer for as long as the answer exists. */
export function keepHeaders(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = (result.response ?? {}) as { headers?: Headers };
      if (headers !== undefined && result.output !== undefined) noteHeaders(result.output, headers);
      return result;
    },
    // Around the SDK's own deserializer, which makes the output.
    { step: 'deserialize', priority: 'high', name: 'keepHeaders' },
  );
}

/** Remembers the headers of an answer for as long as the answer exists. */
export function noteHeaders(answer: object, headers: Headers): void {
  headersOfAnswers.set(answer, headers);
}

/**
 * The headers of an answer, in lower case. Empty unless they were noted.
 */
export function headersOf(answer: object): Headers {
  return headersOfAnswers.get(answer) ?? {};
}

/** What the store said about an object. */
export interface Answer {
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
    // Ceph completes a multipart upload with an empty ETag.
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
 * Without encryption or with SSE-S3, an ETag may be an MD5. SSE-KMS and SSE-C make it something
 * else.
 */
function isOpaqueWith({
  ServerSideEncryption: encryption = 'AES256',
  SSECustomerAlgorithm,
}: Answer): boolean {
  return encryption !== 'AES256' || SSECustomerAlgorithm !== undefined;
}

/** Alibaba and others answer `Content-MD5`, Google answers `x-goog-hash: crc32c=…,md5=…`. */
function md5In(headers: Headers): string | undefined {
  const [, ofGoogle] = /(?:^|[,\s])md5=([^,\s]+)/.exec(headers['x-goog-hash'] ?? '') ?? [];
  return ofGoogle ?? headers['content-md5'];
}

/** What the bucket holds under a key. */
export type PresentObject = Receipt;

interface Head extends Answer {
  readonly ContentLength?: number | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly ContentRange?: string | undefined;
  readonly LastModified?: Date | undefined;
}

/**
 * Reads the answer to a HEAD, or to a GET of a range. Throws Fault `transient` for an answer that
 * does not come from a store: it says nothing about the object, and would make an empty file look
 * already stored.
 */
export function presentObject(key: string, answer: Head, subject: string): PresentObject {
  const receipt = receiptOf(key, answer);
  const sizeBytes = sizeOf(answer);
  const isDescribed = sizeBytes !== undefined && answer.LastModified !== undefined;
  const isStores = Object.keys(headersOf(answer)).some((name) => name.startsWith('x-amz-'));
  if (receipt.etag === undefined && !isDescribed && !isStores) throw notTheStoreFault(subject);
  return { ...receipt, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

/**
 * Undefined if the length belongs to something else: to a range, or to content that a proxy has
 * compressed.
 */
function sizeOf({ ContentLength, ContentEncoding, ContentRange }: Head): number | undefined {
  const [, total] = /\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  if (total !== undefined) return Number(total);
  return ContentRange === undefined && ContentEncoding === undefined ? ContentLength : undefined;
}

function notTheStoreFault(subject: string): Fault {
  return new Fault('transient', 'look up object was answered without an ETag or a length', {
    operation: 'look up object',
    subject,
    hint: 'Something between this machine and the store answers in its place: check s3.endpoint and any proxy.',
    code: 'NoObjectHeaders',
  });
}
