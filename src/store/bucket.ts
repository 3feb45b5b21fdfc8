// The requests halfpipe makes of one bucket, each answering with a receipt or failing with a classified Fault,
// never with the SDK's own errors. What has been learnt about the store behind it is kept here, too.
import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { classify, statusOf } from './classify.ts';
import { contentTypeOf } from './content-type.ts';
import { Credentials } from './credentials.ts';
import { md5Base64, sha256Base64 } from './digest.ts';
import type { Digest, JournaledUpload, Receipt } from './object-store.ts';
import { withSignal } from './request-signal.ts';

/** What every object is given. */
export interface ObjectSettings {
  readonly storageClass: string | undefined;
  readonly serverSideEncryption: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Whether `If-None-Match: *` keeps an object from being overwritten: `ignored` stores overwrite all the same,
 * `refused` ones answer with an error.
 */
export type ConditionSupport = 'unknown' | 'supported' | 'ignored' | 'refused';

export type HeldObject = Receipt & {
  /** False where encryption makes the ETag something else. */
  readonly etagMayBeMd5: boolean;
};

export class Bucket {
  readonly name: string;
  readonly client: S3Client;
  conditions: ConditionSupport = 'unknown';
  /** Seen in an answer of its own: the store's ETag of an object put whole is its MD5. */
  etagIsMd5 = false;
  readonly #settings: ObjectSettings;
  readonly #clock: Clock;
  readonly #credentials: Credentials;

  constructor(name: string, client: S3Client, settings: ObjectSettings, clock: Clock) {
    this.name = name;
    this.client = client;
    this.#settings = settings;
    this.#clock = clock;
    this.#credentials = new Credentials(client, clock);
  }

  /** Credentials are fetched anew before the next request. */
  refreshCredentials(): void {
    this.#credentials.expire();
  }

  /** What a new object is created with, whole or in parts. */
  creationInput(key: string): Omit<PutObjectCommandInput, 'Body'> & { Bucket: string; Key: string } {
    const { storageClass, serverSideEncryption, kmsKeyId, metadata, tags } = this.#settings;
    const tagging = new URLSearchParams({ ...tags }).toString();
    return {
      Bucket: this.name,
      Key: key,
      ContentType: contentTypeOf(key),
      ...(storageClass === undefined ? {} : { StorageClass: storageClass as 'STANDARD' }),
      ...(serverSideEncryption === undefined
        ? {}
        : { ServerSideEncryption: serverSideEncryption as 'AES256' }),
      ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }),
      ...(Object.keys(metadata).length === 0 ? {} : { Metadata: { ...metadata } }),
      ...(tagging === '' ? {} : { Tagging: tagging }),
    };
  }

  /** With `onlyIfAbsent`, a store that supports it rejects with a Fault for which `isTaken` holds. */
  async put(
    key: string,
    body: Buffer,
    digest: Digest,
    onlyIfAbsent: boolean,
    signal: AbortSignal,
  ): Promise<Receipt> {
    const command = new PutObjectCommand({
      ...this.creationInput(key),
      Body: body,
      ContentLength: body.byteLength,
      ContentMD5: md5Base64(digest),
      ChecksumSHA256: sha256Base64(digest),
      ...(onlyIfAbsent ? { IfNoneMatch: '*' } : {}),
    });
    const answer = await this.call('put object', key, signal, () =>
      this.client.send(withSignal(command, signal)),
    );
    const receipt = receiptOf(key, answer);
    if (receipt.etag === digest.md5Hex) this.etagIsMd5 = true;
    // The bucket's default may change while we run: from then on another ETag is no sign of damage.
    else if (!isEtagMd5With(answer.ServerSideEncryption)) this.etagIsMd5 = false;
    return receipt;
  }

  /** The store answered a put with the digest of other bytes. Without an answer to compare: false. */
  isDamaged(receipt: Receipt, digest: Digest): boolean {
    if (receipt.checksumSha256 !== undefined) return receipt.checksumSha256 !== sha256Base64(digest);
    return this.etagIsMd5 && receipt.etag !== undefined && receipt.etag !== digest.md5Hex;
  }

  /** What the bucket holds under the key, or undefined for nothing. */
  async head(key: string, signal: AbortSignal): Promise<HeldObject | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.name, Key: key, ChecksumMode: 'ENABLED' });
    try {
      const answer = await this.call('look up object', key, signal, () =>
        this.client.send(withSignal(command, signal)),
      );
      const { ContentLength: sizeBytes, ETag: etag, ServerSideEncryption: encryption } = answer;
      // Every object has both. Who answers 200 without them, a proxy say, has not looked for one; an empty file would
      // find itself there.
      if (sizeBytes === undefined || etag === undefined) throw noHeaders(`${this.name}/${key}`);
      const etagMayBeMd5 = isEtagMd5With(encryption) && answer.SSECustomerAlgorithm === undefined;
      return { ...receiptOf(key, answer), sizeBytes, etagMayBeMd5 };
    } catch (error) {
      if (error instanceof Fault && statusOf(error.cause) === 404) return undefined;
      throw error;
    }
  }

  /** The object's bytes in order; all of them, or those of an inclusive range. */
  async *read(key: string, range: string | undefined, etag: string | undefined, signal: AbortSignal) {
    const command = new GetObjectCommand({
      Bucket: this.name,
      Key: key,
      ...(range === undefined ? {} : { Range: `bytes=${range}` }),
      ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }),
    });
    const read = <T>(run: () => Promise<T>) => this.call('read object back', key, signal, run);
    const { Body: body } = await read(() => this.client.send(withSignal(command, signal)));
    const chunks = (body as AsyncIterable<Uint8Array> | undefined)?.[Symbol.asyncIterator]();
    if (chunks === undefined) return;
    try {
      for (let next = await read(() => chunks.next()); !next.done; next = await read(() => chunks.next())) {
        yield next.value;
      }
    } finally {
      await chunks.return?.();
      // Which does nothing where none was asked for.
      (body as Partial<Readable>).destroy?.();
    }
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.name, Key: key });
    await this.call('delete object', key, signal, () => this.client.send(withSignal(command, signal)));
  }

  /**
   * Gives up a multipart upload. One that is already gone is fine, and so is any failure in another bucket: what was
   * begun before `s3.bucket` was changed may be at a store that these credentials, or this endpoint, do not reach.
   */
  async abandon(upload: JournaledUpload, signal: AbortSignal): Promise<void> {
    const { bucket, key, uploadId } = upload;
    const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
    try {
      await this.call('abort multipart upload', key, signal, () =>
        this.client.send(withSignal(command, signal)),
      );
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const gone = statusOf(error.cause) === 404 && error.code !== 'NoSuchBucket';
      if (!gone && bucket === this.name) throw error;
    }
  }

  /** Runs one request; rejects with a Fault, or with the signal's reason once it has aborted. */
  async call<T>(operation: string, key: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      await this.#credentials.ready(signal);
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      const fault = classify(error, operation, `${this.name}/${key}`, this.#clock.wallMs());
      this.#credentials.answered(fault.code);
      throw fault;
    }
  }
}

/** The store answered that the key is taken: `If-None-Match: *` did not hold. */
export function isTaken(error: unknown): boolean {
  return error instanceof Fault && statusOf(error.cause) === 412;
}

/** With SSE-S3 or none it may be; SSE-KMS makes it something else. */
function isEtagMd5With(encryption = 'AES256'): boolean {
  return encryption === 'AES256';
}

function noHeaders(subject: string): Fault {
  return new Fault('transient', 'look up object was answered without an ETag or a length', {
    operation: 'look up object',
    subject,
    hint: 'Something between here and the store answers in its place: check s3.endpoint and any proxy.',
    code: 'NoObjectHeaders',
  });
}

/** ETags come in quotes from S3 and without from some others. */
export function unquoted(etag: string | undefined): string | undefined {
  return etag?.replace(/^(W\/)?"?|"$/g, '');
}

interface Answer {
  readonly ETag?: string | undefined;
  readonly ChecksumSHA256?: string | undefined;
  readonly VersionId?: string | undefined;
}

/** Exactly what was answered, nothing assumed. */
export function receiptOf(key: string, answer: Answer): Receipt {
  const etag = unquoted(answer.ETag);
  return {
    key,
    // Ceph completes a multipart upload with an empty one.
    ...(etag === undefined || etag === '' ? {} : { etag }),
    ...(answer.ChecksumSHA256 === undefined ? {} : { checksumSha256: answer.ChecksumSHA256 }),
    ...(answer.VersionId === undefined ? {} : { versionId: answer.VersionId }),
  };
}
