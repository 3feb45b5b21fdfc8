// The digests an S3 request may carry (Content-MD5, x-amz-checksum-*, the signed payload hash), taken while the body
// passes and compared at its end. Invariant: a body that differs from any digest it came with is never stored.
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { S3Error } from './s3-error.ts';

/** The `x-amz-checksum-*` algorithms this server knows; S3 has more (CRC32C, CRC64NVME). */
export type ChecksumAlgorithm = 'sha256' | 'sha1' | 'crc32';

/** What is kept of a stored body: its MD5 and, where the client asked for one, a checksum in base64. */
export interface BodyDigest {
  readonly md5Hex: string;
  readonly sizeBytes: number;
  readonly checksum?: Checksum;
}

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

interface RunningHash {
  update(chunk: Buffer): void;
  digest(): Buffer;
}

/** Takes every digest the headers ask for in one pass over the body. */
export class BodyHasher {
  readonly #headers: IncomingHttpHeaders;
  readonly #algorithm: ChecksumAlgorithm | undefined;
  readonly #md5 = createHash('md5');
  readonly #payload: RunningHash | undefined;
  readonly #checksum: RunningHash | undefined;
  #sizeBytes = 0;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
    this.#algorithm = requestedAlgorithm(headers);
    const sha256 = startHash('sha256');
    this.#payload = isHexSha256(headers['x-amz-content-sha256']) ? sha256 : undefined;
    if (this.#algorithm !== undefined) {
      this.#checksum = this.#algorithm === 'sha256' && this.#payload ? sha256 : startHash(this.#algorithm);
    }
  }

  update(chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    this.#md5.update(chunk);
    this.#payload?.update(chunk);
    if (this.#checksum !== this.#payload) this.#checksum?.update(chunk);
  }

  /** Throws BadDigest (or XAmzContentSHA256Mismatch) when the body is not what the headers announced. */
  finish(): BodyDigest {
    const md5 = this.#md5.digest();
    const payload = this.#payload?.digest();
    if (payload !== undefined && payload.toString('hex') !== this.#headers['x-amz-content-sha256']) {
      throw new S3Error(400, 'XAmzContentSHA256Mismatch', 'The body does not match x-amz-content-sha256.');
    }
    const contentMd5 = this.#headers['content-md5'];
    if (contentMd5 !== undefined && contentMd5 !== md5.toString('base64')) {
      throw new S3Error(400, 'BadDigest', 'The body does not match Content-MD5.');
    }
    const digest = { md5Hex: md5.toString('hex'), sizeBytes: this.#sizeBytes };
    if (this.#algorithm === undefined || this.#checksum === undefined) return digest;
    const ended = this.#checksum === this.#payload ? payload : this.#checksum.digest();
    const value = (ended ?? Buffer.alloc(0)).toString('base64');
    const announced = this.#headers[`x-amz-checksum-${this.#algorithm}`];
    if (announced !== undefined && announced !== value) {
      throw new S3Error(400, 'BadDigest', `The body does not match x-amz-checksum-${this.#algorithm}.`);
    }
    return { ...digest, checksum: { algorithm: this.#algorithm, value } };
  }
}

/** MD5 of the parts' MD5s, `-`, their number: the ETag of an object put together from parts. */
export function compositeEtag(md5Hexes: readonly string[]): string {
  const all = Buffer.concat(md5Hexes.map((hex) => Buffer.from(hex, 'hex')));
  return `${createHash('md5').update(all).digest('hex')}-${md5Hexes.length}`;
}

/** As compositeEtag, over checksums of one algorithm; undefined when a part has none or the algorithms differ. */
export function compositeChecksum(parts: readonly (Checksum | undefined)[]): Checksum | undefined {
  const algorithm = parts[0]?.algorithm;
  if (algorithm === undefined || parts.some((part) => part?.algorithm !== algorithm)) return undefined;
  const hash = startHash(algorithm);
  for (const part of parts) hash.update(Buffer.from(part?.value ?? '', 'base64'));
  return {
    algorithm,
    value: `${hash.digest().toString('base64')}-${parts.length}`,
  };
}

function requestedAlgorithm(headers: IncomingHttpHeaders): ChecksumAlgorithm | undefined {
  for (const name of Object.keys(headers)) {
    const [, algorithm] = /^x-amz-checksum-(sha256|sha1|crc32|crc32c|crc64nvme)$/.exec(name) ?? [];
    if (algorithm === 'sha256' || algorithm === 'sha1' || algorithm === 'crc32') return algorithm;
    if (algorithm !== undefined) throw new S3Error(501, 'NotImplemented', `${name} is not implemented here.`);
  }
  return undefined;
}

function startHash(algorithm: ChecksumAlgorithm): RunningHash {
  if (algorithm !== 'crc32') return createHash(algorithm);
  let value = 0;
  return {
    update(chunk) {
      value = crc32(chunk, value);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}

function isHexSha256(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
