// The S3 adapter of the object-store port: small files whole, large ones in parts, conflicts settled before bytes
// are sent where that can be known. It reports what the store answered and proves nothing.

import type { S3Client } from '@aws-sdk/client-s3';
import { Fault } from '../system/fault.ts';
import { Bucket, type ObjectSettings } from './bucket.ts';
import { digestsOfObject, likeness } from './compare.ts';
import { digestOf } from './digest.ts';
import { type DigestedSource, digestSource } from './digest-source.ts';
import { learnConditions } from './learn-conditions.ts';
import { PartwiseUpload } from './multipart.ts';
import type {
  JournaledUpload,
  LocalContent,
  ObjectStore,
  Receipt,
  Upload,
  UploadRequest,
} from './object-store.ts';
import { type PartPlan, planParts } from './part-plan.ts';
import { type ConflictPolicy, place } from './place.ts';
import { probeBucket, type RoundTrip, roundTrip } from './round-trip.ts';
import { createS3Client, type S3ClientOptions } from './s3-client.ts';

export interface S3StoreOptions extends S3ClientOptions, ObjectSettings {
  readonly bucket: string;
  /** Where `probe` and `roundTrip` may put and look; uploads come with whole keys. */
  readonly prefix: string;
  readonly conflict: ConflictPolicy;
  /** Files up to this size are sent whole. */
  readonly partSizeBytes: number;
  /** Parts of one file in flight together; default 4. */
  readonly partsAtOnce?: number;
  /** The store's least size of a part that is not the last; default S3's 5 MiB. */
  readonly leastPartBytes?: number;
  /** What sends the requests; default: a client of its own, made of these options. */
  readonly client?: S3Client;
}

export const DEFAULT_PARTS_AT_ONCE = 4;

export class S3Store implements ObjectStore {
  readonly #options: S3StoreOptions;
  readonly #bucket: Bucket;

  /** Sends nothing yet; credentials are looked for at the first request. */
  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.#bucket = new Bucket(
      options.bucket,
      options.client ?? createS3Client(options),
      options,
      options.clock,
    );
  }

  /** The operator may have changed the credentials: they are read anew before the next request. */
  refreshCredentials(): void {
    this.#bucket.refreshCredentials();
  }

  async upload(request: UploadRequest): Promise<Upload> {
    const { partSizeBytes, partsAtOnce = DEFAULT_PARTS_AT_ONCE, leastPartBytes } = this.#options;
    const { sizeBytes } = request.source;
    if (sizeBytes <= partSizeBytes) return this.#uploadWhole(request);
    return this.#uploadParts(request, planParts(sizeBytes, partSizeBytes, partsAtOnce, leastPartBytes));
  }

  async confirm(key: string, local: LocalContent, signal: AbortSignal): Promise<Receipt> {
    const held = await this.#bucket.head(key, signal);
    if (held === undefined) {
      throw new Fault('transient', 'the object is not in the bucket', {
        operation: 'look up object',
        subject: `${this.#bucket.name}/${key}`,
        code: 'NotFound',
      });
    }
    const { etagMayBeMd5: _, ...receipt } = held;
    if (likeness(local, held, this.#bucket.etagIsMd5) !== 'unknown') return receipt;
    return { ...receipt, readBack: await digestsOfObject(this.#bucket, local, held, signal) };
  }

  /**
   * Asks for an object that is not there: unlike a HEAD, the answer says what is wrong. A credential that may only put
   * objects passes; whether it may do that, the first upload tells.
   */
  async probe(signal: AbortSignal): Promise<void> {
    await probeBucket(this.#bucket, this.#options.prefix, signal);
  }

  /** Puts a tiny object of its own below the prefix, reads it back, compares and deletes it. */
  async roundTrip(signal: AbortSignal): Promise<RoundTrip> {
    return roundTrip(this.#bucket, this.#options.prefix, signal);
  }

  /**
   * Aborts one multipart upload of ours whose file is gone or has changed; one that is unknown already is fine. No other
   * upload is ever listed or touched.
   */
  async abandon(upload: JournaledUpload, signal: AbortSignal): Promise<void> {
    await this.#bucket.abandon(upload, signal);
  }

  /** Uploads in flight go on to their end and close their connections behind them. */
  close(): void {
    this.#bucket.client.destroy();
  }

  async #uploadWhole({ key, source, signal, journal }: UploadRequest): Promise<Upload> {
    const bucket = this.#bucket;
    const body = await source.read(0, source.sizeBytes);
    const digest = await digestOf(body);
    await this.#dropJournaled(journal, signal);
    const upload = await place({
      bucket,
      policy: this.#options.conflict,
      key,
      signal,
      lookFirst: false,
      local: async () => ({ sizeBytes: body.byteLength, parts: [digest], multipart: false }),
      sha256Hex: async () => digest.sha256Hex,
      write: async (target, onlyIfAbsent) => {
        const receipt = await bucket.put(target, body, digest, onlyIfAbsent, signal);
        // Just written and damaged on the way: ours to mend, where the next attempt would take it for another's.
        return bucket.isDamaged(receipt, digest) ? bucket.put(target, body, digest, false, signal) : receipt;
      },
    });
    if (this.#options.conflict === 'overwrite') return upload;
    return { ...upload, receipt: await learnConditions(bucket, upload, body, digest, signal) };
  }

  async #uploadParts(request: UploadRequest, plan: PartPlan): Promise<Upload> {
    const { key, source, signal, journal, onAccepted } = request;
    const bucket = this.#bucket;
    let written: LocalContent | undefined;
    let digested: Promise<DigestedSource> | undefined;
    const digests = () => {
      digested ??= digestSource(source, plan.partSizeBytes, signal);
      return digested;
    };
    const upload = await place({
      bucket,
      policy: this.#options.conflict,
      key,
      signal,
      lookFirst: true,
      local: async () => written ?? (await digests()).local,
      sha256Hex: async () => (await digests()).sha256Hex,
      write: async (target, onlyIfAbsent) => {
        const multipart = new PartwiseUpload({
          bucket,
          key: target,
          onlyIfAbsent,
          source,
          plan,
          journal,
          signal,
          onAccepted,
        });
        const receipt = await multipart.write();
        written = multipart.local;
        return receipt;
      },
    });
    // What an earlier run left open is of no use once the object is there.
    if (upload.outcome === 'already-there') await this.#dropJournaled(journal, signal);
    return upload;
  }

  /** Whatever this file, or an earlier one of its name, left open: completed late, it would overwrite this one. */
  async #dropJournaled(journal: UploadRequest['journal'], signal: AbortSignal): Promise<void> {
    const journaled = (await journal?.load()) ?? (await journal?.loadStale?.());
    if (journaled === undefined) return;
    await this.#bucket.abandon(journaled, signal);
    await journal?.clear();
  }
}
