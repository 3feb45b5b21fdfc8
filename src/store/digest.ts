// Digests of the bytes that are sent, and what S3 makes of them for whole and for multipart
// objects. Each is computed once; the request, the signature, the comparison and the log share it.
import { createHash, hash as hashAtOnce } from 'node:crypto';
import { promisify } from 'node:util';
import type { Digest } from './object-store.ts';

const nextLoop = promisify(setImmediate);

/**
 * The bytes hashed without a pause: half a millisecond, so that the sending thread gets the next
 * pieces of other uploads in time.
 */
export const HASHED_AT_ONCE_BYTES = 128 * 1024;

/** Bytes hashed since the event loop last ran, over all uploads. */
let hashedBytes = 0;
let yielding: Promise<void> | undefined;

export type DigestOf = (bytes: Uint8Array) => Promise<Digest>;

/** Digests `bytes`, and nothing else runs meanwhile. */
export function digestNow(bytes: Uint8Array): Digest {
  return { md5Hex: hashAtOnce('md5', bytes), sha256Hex: hashAtOnce('sha256', bytes) };
}

/** Digests `bytes`, and lets the event loop run in between: a part of 8 MiB takes about 20 ms. */
export async function digestOf(bytes: Uint8Array): Promise<Digest> {
  if (bytes.byteLength <= HASHED_AT_ONCE_BYTES) {
    await yieldToOthers(bytes.byteLength);
    return digestNow(bytes);
  }
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  for (let offset = 0; offset < bytes.byteLength; offset += HASHED_AT_ONCE_BYTES) {
    const chunk = bytes.subarray(offset, offset + HASHED_AT_ONCE_BYTES);
    await yieldToOthers(chunk.byteLength);
    for (const hash of [md5, sha256]) hash.update(chunk);
  }
  return { md5Hex: md5.digest('hex'), sha256Hex: sha256.digest('hex') };
}

async function yieldToOthers(bytes: number): Promise<void> {
  while (hashedBytes >= HASHED_AT_ONCE_BYTES) await yielding;
  hashedBytes += bytes;
  yielding ??= nextLoop().then(() => {
    hashedBytes = 0;
    yielding = undefined;
  });
}

/** The MD5 as the header Content-MD5 carries it. */
export function md5Base64(digest: Digest): string {
  return Buffer.from(digest.md5Hex, 'hex').toString('base64');
}

/** The SHA-256 as the header x-amz-checksum-sha256 carries it. */
export function sha256Base64(digest: Digest): string {
  return Buffer.from(digest.sha256Hex, 'hex').toString('base64');
}

/**
 * The MD5 of the parts' MD5s, in hex. For a multipart object, most stores answer this, followed by
 * `-N`.
 */
export function compositeMd5(parts: readonly Digest[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part.md5Hex, 'hex');
  return hash.digest('hex');
}

/** Like compositeMd5(), for SHA-256. */
export function compositeSha256(parts: readonly Digest[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part.sha256Hex, 'hex');
  return hash.digest('hex');
}
