// Digests of the very bytes that are sent, and what S3 makes of them for whole and for multipart
// objects. Computed once here; the request, the signature, the comparison and the log all use the
// same ones.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { Digest } from './object-store.ts';

const othersTurn = promisify(setImmediate);

/**
 * Hashed in one go: half a millisecond, so that the sending thread gets the next pieces of other
 * uploads in time.
 */
export const HASHED_AT_ONCE_BYTES = 128 * 1024;

/**
 * What has been hashed since others had their turn: of all contents together, for many may be
 * digested at once.
 */
let hashedBytes = 0;
let turn: Promise<void> | undefined;

/** Lets others have their turn in between: a part of 8 MiB takes some 20 ms. */
export async function digestOf(bytes: Uint8Array): Promise<Digest> {
  const md5 = createHash('md5');
  const sha256 = createHash('sha256');
  for (let offset = 0; offset < bytes.byteLength; offset += HASHED_AT_ONCE_BYTES) {
    const chunk = bytes.subarray(offset, offset + HASHED_AT_ONCE_BYTES);
    await myTurn(chunk.byteLength);
    for (const hash of [md5, sha256]) hash.update(chunk);
  }
  return { md5Hex: md5.digest('hex'), sha256Hex: sha256.digest('hex') };
}

async function myTurn(bytes: number): Promise<void> {
  while (hashedBytes >= HASHED_AT_ONCE_BYTES) await turn;
  hashedBytes += bytes;
  turn ??= othersTurn().then(() => {
    hashedBytes = 0;
    turn = undefined;
  });
}

export function md5Base64(digest: Digest): string {
  return Buffer.from(digest.md5Hex, 'hex').toString('base64');
}

export function sha256Base64(digest: Digest): string {
  return Buffer.from(digest.sha256Hex, 'hex').toString('base64');
}

/**
 * MD5 of the parts' MD5s, in hex: what most stores answer, with `-N` behind it, for an object put
 * in parts.
 */
export function compositeMd5(parts: readonly Digest[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part.md5Hex, 'hex');
  return hash.digest('hex');
}

/** As compositeMd5, of SHA-256s. */
export function compositeSha256(parts: readonly Digest[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part.sha256Hex, 'hex');
  return hash.digest('hex');
}
