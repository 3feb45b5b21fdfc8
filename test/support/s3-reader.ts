// Judges a bucket from outside, through the SDK alone and whatever server is behind it: what it holds, byte for byte as
// digests, and what was begun and never finished.
import { createHash } from 'node:crypto';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Credentials } from './built-daemon.ts';

export class S3Reader {
  readonly #client: S3Client;
  readonly #bucket: string;
  /** By key and ETag: what has not changed is read once. */
  readonly #digests = new Map<string, string>();

  constructor(endpoint: string, bucket: string, { accessKeyId, secretAccessKey }: Credentials) {
    this.#bucket = bucket;
    this.#client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
  }

  close(): void {
    this.#client.destroy();
  }

  /** Keys as they are; asked for URL-encoded, since XML cannot carry every character, from servers that know how. */
  async keys(): Promise<string[]> {
    return [...(await this.#etags()).keys()].sort();
  }

  async #etags(): Promise<Map<string, string>> {
    const etags = new Map<string, string>();
    let token: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          EncodingType: 'url',
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      );
      for (const { Key, ETag = '' } of page.Contents ?? []) {
        if (Key === undefined) continue;
        const isEncoded = page.EncodingType === 'url';
        etags.set(isEncoded ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key, ETag);
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return etags;
  }

  /** Hex SHA-256 of the object's bytes, as they are read back. */
  async sha256Of(key: string): Promise<string> {
    const { Body: body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    const hash = createHash('sha256');
    for await (const chunk of body as AsyncIterable<Uint8Array>) hash.update(chunk);
    return hash.digest('hex');
  }

  /** Key → hex SHA-256 of everything. */
  async inventory(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const [key, etag] of await this.#etags()) {
      const known = this.#digests.get(`${key} ${etag}`) ?? (await this.sha256Of(key));
      this.#digests.set(`${key} ${etag}`, known);
      found.set(key, known);
    }
    return found;
  }

  /** Of all objects together. */
  async totalBytes(): Promise<number> {
    let bytes = 0;
    for (const Key of await this.keys()) {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key }));
      bytes += head.ContentLength ?? 0;
    }
    return bytes;
  }

  /** Keys of multipart uploads that are open; a gateway may list a thousand at most. */
  async openUploads({ onlyWithParts = false } = {}): Promise<string[]> {
    const { Uploads: uploads = [] } = await this.#client.send(
      new ListMultipartUploadsCommand({ Bucket: this.#bucket }),
    );
    const keys: string[] = [];
    for (const { Key = '', UploadId } of uploads) {
      const list = new ListPartsCommand({ Bucket: this.#bucket, Key, UploadId });
      if (!onlyWithParts || ((await this.#client.send(list)).Parts ?? []).length > 0) keys.push(Key);
    }
    return keys.sort();
  }

  /** Opens a multipart upload that is nobody's business. */
  async beginUpload(key: string): Promise<void> {
    await this.#client.send(new CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: key }));
  }
}
