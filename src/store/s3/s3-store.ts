// The S3 adapter of the object-store port.

import type { S3Client } from '@aws-sdk/client-s3';
import { Fault, type FaultClass } from '../../system/fault.ts';
import { type DigestOf, digestOf } from '../digest.ts';
import { digestSource } from '../digest-source.ts';
import { digestIn, evidenceOf, NOT_PROVEN } from '../evidence.ts';
import type {
  Digest,
  JournaledUpload,
  LocalContent,
  ObjectStore,
  Receipt,
  Upload,
  UploadRequest,
} from '../object-store.ts';
import type { PartPlan, PartPlanner } from '../part-plan.ts';
import { abandon } from './abandon.ts';
import type { PresentObject } from './answers.ts';
import { isDenied, type ObjectSettings, S3Bucket } from './bucket.ts';
import { Diagnosis, type DiagnosisOptions } from './diagnosis.ts';
import { putOwnObject } from './folder-trial.ts';
import { ConditionsLesson } from './learn-conditions.ts';
import { PartwiseUpload } from './multipart.ts';
import { ConditionTrial, type Leftovers } from './own-objects.ts';
import { RangedObject } from './ranged-object.ts';
import { digestsOfObject } from './read-back.ts';
import { type ConflictPolicy, resolveConflict } from './resolve-conflict.ts';
import { probeBucket, type RoundTrip, roundTrip } from './round-trip.ts';
import { createS3Client, type S3ClientOptions } from './s3-client.ts';
import { twoPartTrip } from './two-part-trip.ts';

export interface S3StoreOptions extends S3ClientOptions, ObjectSettings, DiagnosisOptions {
  readonly bucket: string;
  /**
   * The prefix below which `probe` and `roundTrip` put and look. Uploads come with complete keys.
   */
  readonly prefix: string;
  readonly conflict: ConflictPolicy;
  /** How files are cut into parts. */
  readonly parts: PartPlanner;
  /** Digests what is sent [in this thread]. */
  readonly digestOf?: DigestOf;
  /** The client that sends the requests [a new one, made from these options]. */
  readonly client?: S3Client;
}

/**
 * Sends small files whole and large files in parts, and resolves conflicts before bytes are sent if
 * possible. It reports what the store answered, and proves nothing itself. See ObjectStore for the
 * contract of each method.
 */
export class S3Store implements ObjectStore {
  readonly #options: S3StoreOptions;
  readonly #digestOf: DigestOf;
  readonly #bucket: S3Bucket;
  readonly #lesson: ConditionsLesson;
  readonly #trial: ConditionTrial;

  /** Sends nothing. Credentials are looked for at the first request. */
  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.#digestOf = options.digestOf ?? digestOf;
    const { bucket: name, prefix, onEvent } = options;
    const place = { name, endpoint: options.endpoint ?? 'AWS', prefix, onEvent };
    const client = options.client ?? createS3Client(options);
    this.#bucket = new S3Bucket(place, client, options, options.clock, new Diagnosis(options));
    this.#lesson = new ConditionsLesson(this.#bucket);
    this.#trial = new ConditionTrial(this.#bucket);
  }

  /** The operator may have changed the credentials. They are read again before the next request. */
  refreshCredentials(): void {
    this.#bucket.refreshCredentials();
  }

  async upload(request: UploadRequest): Promise<Upload> {
    const plan = this.#options.parts.plan(request.source.sizeBytes, request.wholeBytes);
    return plan.isWhole ? this.#uploadWhole(request) : this.#uploadParts(request, plan);
  }

  async confirm(key: string, local: LocalContent, signal: AbortSignal): Promise<Receipt> {
    const held = await this.#presentAt(key, signal);
    if (evidenceOf(local, held, { md5Etags: this.#bucket.dialect.etagIsMd5 }).verdict !== 'unknown')
      return held;
    try {
      const readBack = await digestsOfObject(this.#bucket, local, held, signal);
      return { ...held, sizeBytes: local.sizeBytes, readBack };
    } catch (error) {
      if (!isDenied(error)) throw error;
      const hint =
        'Allow s3:GetObject below the prefix: the answers of this store prove nothing unless the object is read back.';
      throw this.#fault(
        'unknown',
        'the answer proves nothing, and the credentials do not allow a read of the object',
        NOT_PROVEN,
        hint,
      );
    }
  }

  /** Resolves with what the store says about an object; undefined if there is none. */
  look(key: string, signal: AbortSignal): Promise<Receipt | undefined> {
    return this.#bucket.head(key, signal);
  }

  /** Reads the object that look() found in full. Resolves with its digests, cut like `local`. */
  readBack(
    held: Receipt,
    local: Pick<LocalContent, 'sizeBytes' | 'partSizeBytes'>,
    signal: AbortSignal,
  ): Promise<readonly Digest[]> {
    return digestsOfObject(this.#bucket, local, held, signal);
  }

  /** See RangedObject.open(). */
  openRanges(key: string, tailBytes: number, signal: AbortSignal): Promise<RangedObject> {
    return RangedObject.open(this.#bucket, key, tailBytes, signal);
  }

  /** If the credentials do not allow a HEAD, they may still allow a read. */
  async #presentAt(key: string, signal: AbortSignal): Promise<PresentObject> {
    try {
      const held = await this.#bucket.head(key, signal);
      if (held !== undefined) return held;
    } catch (error) {
      if (!isDenied(error)) throw error;
      return { key };
    }
    throw this.#fault('transient', 'the object is not in the bucket', 'NotFound');
  }

  /**
   * Asks for an object that does not exist, because the answer to a GET says what is wrong and the
   * answer to a HEAD does not. Credentials that may only put objects pass; the first upload shows
   * whether they may really put.
   */
  async probe(signal: AbortSignal): Promise<void> {
    await probeBucket(this.#bucket, signal);
  }

  async trial(folder: Buffer, signal: AbortSignal): Promise<void> {
    await putOwnObject(this.#bucket, folder, signal);
  }

  /**
   * Puts tiny objects of our own below the prefix, whole and in parts, reads them back, compares
   * and deletes them.
   */
  async roundTrip(signal: AbortSignal): Promise<RoundTrip> {
    return roundTrip(this.#bucket, signal);
  }

  /** Puts an object of two parts, compares it and deletes it; see twoPartTrip(). */
  async twoPartTrip(during: AbortSignal, signal: AbortSignal): Promise<Leftovers> {
    const { leastPartBytes: partSizeBytes } = this.#options.parts;
    const confirm = (key: string, local: LocalContent) => this.confirm(key, local, signal);
    return twoPartTrip({ bucket: this.#bucket, partSizeBytes, confirm, during, signal });
  }

  /**
   * Aborts our multipart upload of a file that is gone or has changed. An unknown upload counts as
   * aborted. An upload that was open before ours is never touched.
   */
  async abandon(upload: JournaledUpload, signal: AbortSignal): Promise<JournaledUpload | undefined> {
    return abandon(this.#bucket, upload, signal);
  }

  /** Uploads in flight continue to their end and then close their connections. */
  close(): void {
    this.#bucket.client.destroy();
  }

  async #uploadWhole({ key, source, signal, journal, mayBeThere = false }: UploadRequest): Promise<Upload> {
    const bucket = this.#bucket;
    const body = await source.read(0, source.sizeBytes);
    const digest = await this.#digestOf(body);
    if (journal?.isEmpty !== true) await this.#dropJournaled(journal, signal);
    const local = { sizeBytes: body.byteLength, parts: [digest], multipart: false };
    const upload = await resolveConflict({
      ...{
        bucket,
        key,
        signal,
        policy: this.#options.conflict,
        writes: 'put object',
        lookFirst: false,
        mayBeThere,
      },
      findOut: (writes, during) => this.#trial.findOut(writes, during),
      local: async () => local,
      sha256Hex: async () => digest.sha256Hex,
      write: async (target, onlyIfAbsent) => {
        const receipt = await bucket.put(target, body, digest, onlyIfAbsent ? 'firm' : 'none', signal);
        const { verdict } = evidenceOf(local, receipt, { md5Etags: bucket.dialect.etagIsMd5 });
        // We have just written this object, and it was damaged on the way. Mend it now: the next
        // attempt would take it for another object.
        return verdict === 'different' ? bucket.put(target, body, digest, 'none', signal) : receipt;
      },
    });
    if (this.#options.conflict === 'overwrite') return upload;
    return { ...upload, receipt: await this.#lesson.after(upload, body, digest, signal) };
  }

  async #uploadParts(request: UploadRequest, plan: PartPlan): Promise<Upload> {
    const { key, source, signal, journal, mayBeThere = false, onAccepted } = request;
    const bucket = this.#bucket;
    let written: LocalContent | undefined;
    let digested: Promise<LocalContent & { readonly whole: Digest }> | undefined;
    const digests = () => {
      digested ??= digestSource(source, plan.partSizeBytes, signal);
      return digested;
    };
    const upload = await resolveConflict({
      ...{
        bucket,
        key,
        signal,
        policy: this.#options.conflict,
        writes: 'complete upload',
        lookFirst: true,
        mayBeThere,
      },
      findOut: (writes, during) => this.#trial.findOut(writes, during),
      local: async () => written ?? (await digests()),
      sha256Hex: async () => (await digests()).whole.sha256Hex,
      write: async (target, onlyIfAbsent) => {
        const multipart = new PartwiseUpload({
          ...{ bucket, onlyIfAbsent, source, plan, journal, signal, onAccepted },
          key: target,
          digestOf: this.#digestOf,
        });
        const receipt = await multipart.write();
        written = multipart.local;
        return receipt;
      },
    });
    // An upload that an earlier run left open is useless once the object is there.
    if (upload.outcome === 'already-there') await this.#dropJournaled(journal, signal);
    return this.#compareWhole(upload, digests, signal);
  }

  /**
   * Some stores answer with a digest of the whole object, which the upload in parts does not
   * compute. Reading the file once more costs less than reading the object back.
   */
  async #compareWhole(
    upload: Upload,
    digests: () => Promise<LocalContent & { readonly whole: Digest }>,
    signal: AbortSignal,
  ): Promise<Upload> {
    const { local } = upload;
    let { receipt } = upload;
    if (evidenceOf(local, receipt).verdict !== 'unknown') return upload;
    if (!speaksOfWhole(receipt)) receipt = await this.#presentAt(receipt.key, signal);
    if (evidenceOf(local, receipt).verdict !== 'unknown' || !speaksOfWhole(receipt))
      return { ...upload, receipt };
    const { whole } = await digests();
    return { ...upload, receipt, local: { ...local, whole } };
  }

  /**
   * Aborts what this file, or an earlier file of its name, left open. Completed late, it would
   * overwrite this one.
   */
  async #dropJournaled(journal: UploadRequest['journal'], signal: AbortSignal): Promise<void> {
    const journaled = (await journal?.load()) ?? (await journal?.loadStale?.());
    if (journaled === undefined) return;
    const left = await abandon(this.#bucket, journaled, signal);
    await (left === undefined ? journal?.clear() : journal?.save(left));
  }

  #fault(faultClass: FaultClass, message: string, code: string, hint?: string): Fault {
    const subject = this.#bucket.name;
    return new Fault(faultClass, message, {
      operation: 'look up object',
      subject,
      code,
      ...(hint && { hint }),
    });
  }
}

function speaksOfWhole({ checksumSha256 = '', md5 = '', etag = '' }: Receipt): boolean {
  const found = [digestIn(checksumSha256, 32), digestIn(md5, 16), digestIn(etag, 32), digestIn(etag, 16)];
  return found.some((digest) => digest !== undefined && digest.parts === undefined);
}
