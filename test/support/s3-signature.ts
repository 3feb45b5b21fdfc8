// Checks AWS Signature Version 4 on a request as it arrived, for the embedded S3 server of tests and demo.
// Works on the raw request line, so a key's encoding is judged exactly as the client sent it.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-error.ts';

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const SCHEME = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** Throws an S3Error (403) unless the request's header signature was made with `key`. The body's hash is the caller's to check. */
export function checkSignature(request: IncomingMessage, key: AccessKey): void {
  const [, credential = '', signedHeaders = '', signature = ''] =
    SCHEME.exec(request.headers.authorization ?? '') ?? [];
  const [accessKeyId, ...scope] = credential.split('/');
  if (accessKeyId === '') throw new S3Error(403, 'AccessDenied', 'Access Denied');
  if (accessKeyId !== key.accessKeyId) {
    throw new S3Error(403, 'InvalidAccessKeyId', 'The access key id does not exist in our records.');
  }
  const expected = signatureOf(request, key.secretAccessKey, scope, signedHeaders);
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    throw new S3Error(403, 'SignatureDoesNotMatch', 'The signature we calculated does not match yours.');
  }
}

export type SignedRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** What the request's signature has to be, by its header fields as they are. */
export function signatureOf(
  request: SignedRequest,
  secret: string,
  scope: readonly string[],
  signedHeaders: string,
): Buffer {
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s, 2);
  const canonicalRequest = [
    request.method,
    path,
    canonicalQuery(query),
    ...signedHeaders.split(';').map((name) => `${name}:${canonicalHeader(request, name)}`),
    '',
    signedHeaders,
    request.headers['x-amz-content-sha256'] ?? '',
  ].join('\n');
  const stringToSign = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'] ?? '',
    scope.join('/'),
    createHash('sha256').update(canonicalRequest).digest('hex'),
  ].join('\n');
  const signingKey = scope.reduce<string | Buffer>((part, text) => hmac(part, text), `AWS4${secret}`);
  return hmac(signingKey, stringToSign);
}

function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&');
}

function canonicalHeader(request: SignedRequest, name: string): string {
  return String(request.headers[name] ?? '')
    .trim()
    .replace(/ +/g, ' ');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
