// The multipart uploads in progress of one bucket of the embedded S3 server: parts as files, the rest in memory,
// so a restart of the server forgets them (clients then see NoSuchUpload, as after a lifecycle rule).
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Bucket, StoredObject } from './s3-bucket.ts';
import { type BodyDigest, type BodyHasher, compositeChecksum, compositeEtag } from './s3-checksum.ts';
import { S3Error } from './s3-error.ts';

export interface Part {
  readonly number: number;
  readonly file: string;
  readonly digest: BodyDigest;
  readonly modifiedMs: number;
}

export interface PendingUpload {
  readonly uploadId: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly initiatedMs: number;
  readonly parts: Map<number, Part>;
}

/** S3's least size of a part that is not the last (docs: Amazon S3 multipart upload limits). */
const LEAST_PART_BYTES = 5 * 1024 * 1024;

export class S3MultipartUploads {
  readonly #bucket: S3Bucket;
  readonly #leastPartBytes: number;
  readonly #pending = new Map<string, PendingUpload>();

  constructor(bucket: S3Bucket, leastPartBytes = LEAST_PART_BYTES) {
    this.#bucket = bucket;
    this.#leastPartBytes = leastPartBytes;
  }

  /** In the order of S3's listing: by key, then by age. */
  list(prefix: string): PendingUpload[] {
    const uploads = [...this.#pending.values()].filter((upload) => upload.key.startsWith(prefix));
    return uploads.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.initiatedMs - b.initiatedMs));
  }

  get(uploadId: string, key: string): PendingUpload {
    const upload = this.#pending.get(uploadId);
    if (upload?.key !== key)
      throw new S3Error(404, 'NoSuchUpload', 'The upload does not exist, or has ended.');
    return upload;
  }

  create(key: string, headers: Readonly<Record<string, string>>): PendingUpload {
    const upload = {
      uploadId: randomUUID(),
      key,
      headers,
      initiatedMs: Date.now(),
      parts: new Map(),
    };
    this.#pending.set(upload.uploadId, upload);
    return upload;
  }

  async putPart(
    upload: PendingUpload,
    number: number,
    body: Readable,
    hasher: BodyHasher,
  ): Promise<BodyDigest> {
    if (!(number >= 1 && number <= 10_000))
      throw new S3Error(400, 'InvalidArgument', 'Part number: 1 to 10000.');
    const { file, digest } = await this.#bucket.receive(body, hasher);
    if (!this.#pending.has(upload.uploadId)) {
      rmSync(file, { force: true });
      throw new S3Error(404, 'NoSuchUpload', 'The upload ended while the part was on its way.');
    }
    const replaced = upload.parts.get(number);
    upload.parts.set(number, { number, file, digest, modifiedMs: Date.now() });
    if (replaced !== undefined) rmSync(replaced.file, { force: true });
    return digest;
  }

  abort(upload: PendingUpload): void {
    this.#pending.delete(upload.uploadId);
    for (const part of upload.parts.values()) rmSync(part.file, { force: true });
  }

  /** Puts the named parts together. `permit` is asked in the same turn in which the object appears, and may throw. */
  async complete(
    upload: PendingUpload,
    wanted: readonly { readonly number: number; readonly etag: string }[],
    permit: () => void,
  ): Promise<StoredObject> {
    const parts = this.#choose(upload, wanted);
    const file = this.#bucket.scratchFile();
    const target = createWriteStream(file, { flags: 'wx' });
    await pipeline(concatenation(parts), target);
    const checksum = compositeChecksum(parts.map((part) => part.digest.checksum));
    const object: StoredObject = {
      key: upload.key,
      etag: compositeEtag(parts.map((part) => part.digest.md5Hex)),
      sizeBytes: parts.reduce((sum, part) => sum + part.digest.sizeBytes, 0),
      modifiedMs: Date.now(),
      headers: upload.headers,
      ...(checksum === undefined ? {} : { checksum }),
    };
    this.#bucket.commit(file, object, () => {
      this.get(upload.uploadId, upload.key);
      permit();
    });
    this.abort(upload);
    return object;
  }

  #choose(
    upload: PendingUpload,
    wanted: readonly { readonly number: number; readonly etag: string }[],
  ): Part[] {
    if (wanted.length === 0) throw new S3Error(400, 'MalformedXML', 'No parts are named.');
    const parts = wanted.map(({ number, etag }, index) => {
      const part = upload.parts.get(number);
      if (part === undefined || part.digest.md5Hex !== etag) {
        throw new S3Error(400, 'InvalidPart', `Part ${number} was not found or its ETag differs.`);
      }
      if (number <= (wanted[index - 1]?.number ?? 0)) {
        throw new S3Error(400, 'InvalidPartOrder', 'The parts are not in ascending order.');
      }
      return part;
    });
    const small = parts.slice(0, -1).find((part) => part.digest.sizeBytes < this.#leastPartBytes);
    if (small === undefined) return parts;
    throw new S3Error(400, 'EntityTooSmall', `Part ${small.number} is smaller than 5 MiB and not the last.`);
  }
}

async function* concatenation(parts: readonly Part[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield* createReadStream(part.file, { highWaterMark: 1024 * 1024 });
}
