// One file in parts, through lib-storage. Its Upload gets a facade of the client that adds what it lacks: an abort
// that stops the bytes, resuming from the journal, and a check of every part's answer against the local digests.
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload as PartUploader } from '@aws-sdk/lib-storage';
import { Fault } from '../system/fault.ts';
import { type Bucket, receiptOf } from './bucket.ts';
import { compositeEtag, md5Base64, sha256Base64 } from './digest.ts';
import type { Digest, LocalContent, Receipt, UploadJournal, UploadSource } from './object-store.ts';
import { isOtherPart, isPart, type StoredPart, takeUp } from './open-parts.ts';
import type { PartPlan } from './part-plan.ts';
import { FileRange, PartReader } from './part-reader.ts';
import { withSignal } from './request-signal.ts';

/**
 * Nothing comes of such an upload any more: the key was taken, or it cannot be completed with the parts it has (after a
 * conflict S3 wants it begun anew).
 */
const USELESS = new Set([
  ...['PreconditionFailed', 'ConditionalRequestConflict'],
  ...['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'],
]);
/** An upload that cannot be resumed is aborted even while stopping, but not for longer than this. */
const ABANDON_MS = 5_000;

/** One attempt to write one file under one key. */
export interface MultipartRequest {
  readonly key: string;
  /** Have the store refuse to complete the upload over another object, where it supports that. */
  readonly onlyIfAbsent: boolean;
  readonly bucket: Bucket;
  readonly source: UploadSource;
  readonly plan: PartPlan;
  readonly journal: UploadJournal | undefined;
  readonly signal: AbortSignal;
  readonly onAccepted: (() => void) | undefined;
}

/** Not named after a field of the SDK: TypeScript 7.0.2 rewrites a property named like the class around it. */
export class PartwiseUpload {
  readonly #request: MultipartRequest;
  readonly #digests: Digest[] = [];
  /** Aborts with the caller's signal, and when a part fails: the others need not go on. */
  readonly #stop = new AbortController();
  readonly #parts: PartReader;
  #uploadId: string | undefined;
  /** A later attempt, or the sweep, will know of the upload. */
  #isJournaled = false;
  #standing: ReadonlyMap<number, StoredPart> = new Map();
  #receipt: Receipt | undefined;

  constructor(request: MultipartRequest) {
    this.#request = request;
    this.#parts = new PartReader(request.source, request.plan.partSizeBytes, this.#stop.signal);
  }

  /** The digests of the parts as they were read; whole after `write` has resolved. */
  get local(): LocalContent {
    const { source, plan } = this.#request;
    const { sizeBytes } = source;
    return { sizeBytes, parts: this.#digests, multipart: true, partSizeBytes: plan.partSizeBytes };
  }

  /**
   * Sends what the store does not yet have. On failure the parts stay for the next attempt if there is a journal,
   * unless nothing can come of them: then the upload is aborted.
   */
  async write(): Promise<Receipt> {
    const { bucket, key, source, plan, journal, signal } = this.#request;
    const onAbort = () => this.#stop.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      const open = await takeUp(bucket, { key, plan, journal, signal });
      this.#uploadId = open?.uploadId;
      this.#isJournaled = open !== undefined;
      this.#standing = open?.parts ?? this.#standing;
      const uploader = new PartUploader({
        client: this.#facade(),
        params: {
          ...bucket.creationInput(key),
          Body: new FileRange(source.sizeBytes),
          ContentLength: source.sizeBytes,
        },
        partSize: plan.partSizeBytes,
        queueSize: plan.partsAtOnce,
        leavePartsOnError: true,
      });
      await uploader.done();
    } catch (error) {
      await this.#settle(error);
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#parts.end();
    }
    await journal?.clear();
    if (this.#receipt === undefined) throw new TypeError('a multipart upload was finished without an answer');
    return this.#receipt;
  }

  /** The client as lib-storage sees it: the same configuration, another `send`. */
  #facade(): S3Client {
    const send = async (command: unknown) => {
      try {
        if (command instanceof CreateMultipartUploadCommand) return await this.#create();
        if (command instanceof UploadPartCommand) return await this.#sendPart(command);
        if (command instanceof CompleteMultipartUploadCommand) return await this.#complete(command);
        throw new TypeError('lib-storage sent a command that is not part of an upload');
      } catch (error) {
        this.#stop.abort(error);
        throw error;
      }
    };
    return Object.assign(Object.create(this.#request.bucket.client), { send });
  }

  async #create(): Promise<{ UploadId: string }> {
    if (this.#uploadId === undefined) {
      const { bucket, key, journal, plan } = this.#request;
      const command = new CreateMultipartUploadCommand({
        ...bucket.creationInput(key),
        ChecksumAlgorithm: 'SHA256',
      });
      const answer = await this.#call('begin multipart upload', (client, stop) =>
        client.send(withSignal(command, stop)),
      );
      if (answer.UploadId === undefined) throw this.#fault('begin multipart upload', 'NoUploadId');
      this.#uploadId = answer.UploadId;
      const { partSizeBytes } = plan;
      await journal?.save({ bucket: bucket.name, key, uploadId: answer.UploadId, partSizeBytes });
      this.#isJournaled = journal !== undefined;
    }
    return { UploadId: this.#uploadId };
  }

  async #sendPart(command: UploadPartCommand) {
    const { Body: range, PartNumber: partNumber = 0 } = command.input;
    const { bytes: body, digest } = await this.#parts.read(partNumber);
    if (!(range instanceof FileRange) || range.byteLength !== body.byteLength)
      throw new TypeError(`lib-storage cut part ${partNumber} otherwise than planned`);
    this.#digests[partNumber - 1] = digest;
    const standing = this.#standing.get(partNumber);
    if (standing !== undefined && standing.sizeBytes === body.byteLength && isPart(standing, digest)) {
      return {
        ETag: standing.etag,
        ...(standing.checksumSha256 ? { ChecksumSHA256: standing.checksumSha256 } : {}),
      };
    }
    const part = new UploadPartCommand({
      Bucket: this.#request.bucket.name,
      Key: this.#request.key,
      UploadId: this.#uploadId,
      PartNumber: partNumber,
      Body: body,
      ContentLength: body.byteLength,
      ContentMD5: md5Base64(digest),
      ChecksumSHA256: sha256Base64(digest),
    });
    const answer = await this.#call('upload part', (client, stop) => client.send(withSignal(part, stop)));
    const sent = { etag: answer.ETag, checksumSha256: answer.ChecksumSHA256 };
    if (isOtherPart(sent, digest, answer.ServerSideEncryption))
      throw this.#fault('upload part', 'PartDiffers');
    this.#request.onAccepted?.();
    return answer;
  }

  async #complete(command: CompleteMultipartUploadCommand) {
    const complete = new CompleteMultipartUploadCommand({
      Bucket: this.#request.bucket.name,
      Key: this.#request.key,
      UploadId: this.#uploadId,
      MultipartUpload: command.input.MultipartUpload,
      ...(this.#request.onlyIfAbsent ? { IfNoneMatch: '*' } : {}),
    });
    try {
      const answer = await this.#call('complete multipart upload', (client, stop) =>
        client.send(withSignal(complete, stop)),
      );
      this.#receipt = receiptOf(this.#request.key, answer);
      return answer;
    } catch (error) {
      // The answer to an earlier attempt may have been lost, the object be there: its composed digest tells.
      const held = await this.#heldIfOurs(error);
      if (held === undefined) throw error;
      this.#receipt = held;
      return { ETag: held.etag };
    }
  }

  async #heldIfOurs(error: unknown): Promise<Receipt | undefined> {
    if (!(error instanceof Fault) || error.code !== 'NoSuchUpload') return undefined;
    const held = await this.#request.bucket.head(this.#request.key, this.#stop.signal);
    if (held === undefined || held.etag !== compositeEtag(this.#digests)) return undefined;
    const { etagMayBeMd5: _, ...receipt } = held;
    return receipt;
  }

  /** Decides what becomes of the parts after a failure. */
  async #settle(error: unknown): Promise<void> {
    const { bucket, key, journal, plan, signal } = this.#request;
    const uploadId = this.#uploadId;
    if (uploadId === undefined) return;
    const code = (error instanceof Fault && error.code) || '';
    const gone = code === 'NoSuchUpload';
    // A file that changed may have no other bytes (chmod): the next attempt, or the sweep, knows.
    if (!gone && !USELESS.has(code) && this.#isJournaled) return;
    if (!gone) {
      const upload = { bucket: bucket.name, key, uploadId, partSizeBytes: plan.partSizeBytes };
      const limit = AbortSignal.timeout(ABANDON_MS);
      try {
        await bucket.abandon(upload, signal.aborted ? limit : AbortSignal.any([limit, signal]));
      } catch {
        // The first error is the one to report. The journal still names the upload: it is swept later.
        return;
      }
    }
    await journal?.clear();
  }

  #call<T>(operation: string, run: (client: S3Client, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { bucket } = this.#request;
    const { signal } = this.#stop;
    return bucket.call(operation, this.#request.key, signal, () => run(bucket.client, signal));
  }

  #fault(operation: string, code: string): Fault {
    const subject = `${this.#request.bucket.name}/${this.#request.key}`;
    const hint = 'The bytes were damaged on the way, or the store answered nonsense; they are sent again.';
    return new Fault('transient', `${operation} was answered with something else`, {
      operation,
      subject,
      hint,
      code,
    });
  }
}
