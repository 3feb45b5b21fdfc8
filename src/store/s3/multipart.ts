// Uploads one file in parts, through lib-storage.
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload as PartUploader } from '@aws-sdk/lib-storage';
import { Fault } from '../../system/fault.ts';
import type { DigestOf } from '../digest.ts';
import { evidenceOf } from '../evidence.ts';
import type { Digest, LocalContent, Receipt, UploadJournal, UploadSource } from '../object-store.ts';
import type { PartPlan } from '../part-plan.ts';
import { receiptOf } from './answers.ts';
import { isTaken, type S3Bucket } from './bucket.ts';
import { beginUpload, completeUpload, otherAnswerFault, sendPart } from './multipart-requests.ts';
import { evidenceOfPart, isMd5, isOtherPart, type StoredPart } from './open-parts.ts';
import { FileRange, PartReader, type ReadPart } from './part-reader.ts';
import { UploadRecord } from './upload-record.ts';

/**
 * Errors after which the upload cannot succeed any more: the key was taken, or its parts cannot be
 * completed (after a conflict, S3 requires a new upload).
 */
const UNRESUMABLE_CODES = new Set([
  ...['PreconditionFailed', 'ConditionalRequestConflict'],
  ...['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'],
  ...['FilePartNotExist', 'FilePartStale', 'FilePartInterity'],
]);
/** An upload that cannot be resumed is aborted even during a stop, but not for longer than this. */
const ABANDON_MS = 5_000;

/** One attempt to write one file under one key. */
export interface MultipartRequest {
  readonly key: string;
  /** Never complete the upload over another object. */
  readonly onlyIfAbsent: boolean;
  readonly bucket: S3Bucket;
  readonly source: UploadSource;
  readonly plan: PartPlan;
  readonly digestOf: DigestOf;
  readonly journal: UploadJournal | undefined;
  readonly signal: AbortSignal;
  readonly onAccepted: (() => void) | undefined;
}

/**
 * One attempt to write one file in parts. lib-storage's Upload gets a facade of the client that
 * adds what it lacks: an abort that stops the bytes, resuming from the journal, and a comparison of
 * every part's answer with the local digests.
 * The name avoids a field of the SDK's commands: TypeScript 7.0.2 rewrites a property that has the
 * name of the class around it.
 */
export class PartwiseUpload {
  readonly #request: MultipartRequest;
  readonly #digests: Digest[] = [];
  /**
   * Aborts with the caller's signal, and when a part fails, because the other parts need not
   * continue then.
   */
  readonly #stop = new AbortController();
  readonly #parts: PartReader;
  readonly #record: UploadRecord;
  #uploadId: string | undefined;
  #standing: ReadonlyMap<number, StoredPart> = new Map();
  /** How many bytes of the file the store has. */
  #sentBytes = 0;
  #receipt: Receipt | undefined;

  constructor(request: MultipartRequest) {
    const { bucket, source, plan, digestOf } = request;
    this.#request = request;
    this.#parts = new PartReader(source, plan.partSizeBytes, digestOf, this.#stop.signal);
    this.#record = new UploadRecord(bucket, { ...request, ...plan, sizeBytes: source.sizeBytes });
  }

  /** The digests of the parts as they were read. Complete after write() has resolved. */
  get local(): LocalContent {
    const { source, plan } = this.#request;
    const { sizeBytes } = source;
    return { sizeBytes, parts: this.#digests, multipart: true, partSizeBytes: plan.partSizeBytes };
  }

  /**
   * Sends what the store does not have yet. Rejects with a Fault, or with the signal's reason.
   * After a failure, the parts stay for the next attempt if there is a journal. If they are
   * useless, the upload is aborted.
   */
  async write(): Promise<Receipt> {
    const { bucket, key, source, plan, signal } = this.#request;
    const onAbort = () => this.#stop.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      const open = await this.#record.takeUp();
      this.#uploadId = open?.uploadId;
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
      const fault = await this.#cleanUp(error);
      signal.throwIfAborted();
      throw fault;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#parts.end();
    }
    await this.#record.ended();
    if (this.#receipt === undefined) throw new TypeError('a multipart upload was finished without an answer');
    return this.#receipt;
  }

  /** The client that lib-storage sees: the same configuration, another `send`. */
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
      const { bucket, key } = this.#request;
      await this.#record.intend();
      const begun = await beginUpload(bucket, key, this.#stop.signal);
      this.#uploadId = begun.uploadId;
      await this.#record.begun(begun);
    }
    return { UploadId: this.#uploadId };
  }

  async #sendPart({ input: { Body: range, PartNumber: number = 0 } }: UploadPartCommand) {
    const { source } = this.#request;
    const part = await this.#parts.read(number);
    try {
      const answer = await this.#store(range, number, part);
      source.giveBack?.(part.bytes);
      return answer;
    } catch (error) {
      source.drop?.(part.bytes);
      throw error;
    }
  }

  async #store(range: unknown, number: number, { bytes: body, digest }: ReadPart) {
    const { onAccepted } = this.#request;
    if (!(range instanceof FileRange) || range.byteLength !== body.byteLength)
      throw new TypeError(`lib-storage cut part ${number} otherwise than planned`);
    this.#digests[number - 1] = digest;
    const standing = this.#standing.get(number);
    if (standing !== undefined && evidenceOfPart(standing, digest, body.byteLength) === 'same') {
      this.#sentBytes += body.byteLength;
      const { etag: ETag, checksumSha256 } = standing;
      return { ETag, ...(checksumSha256 ? { ChecksumSHA256: checksumSha256 } : {}) };
    }
    const answer = await this.#sendWell({ number, body, digest });
    this.#sentBytes += body.byteLength;
    onAccepted?.();
    // Without an ETag lib-storage gives up. Most stores would have answered this one.
    return { ...answer, ETag: answer.ETag ?? `"${digest.md5Hex}"` };
  }

  /**
   * Sends one part. An answer that means different bytes is an error. The first ETag that may mean
   * different bytes is checked by sending the part again.
   */
  async #sendWell(part: { readonly number: number; readonly body: Buffer; readonly digest: Digest }) {
    const { bucket, key } = this.#request;
    const { dialect } = bucket;
    const upload = { key, uploadId: this.#uploadId ?? '' };
    const send = () => sendPart(bucket, upload, part, this.#stop.signal);
    const isOther = (sent: object, md5Etags: boolean) =>
      isOtherPart(receiptOf(key, sent), part.digest, part.body.byteLength, md5Etags);
    let answer = await send();
    if (dialect.partEtagIsMd5 === undefined && !isOther(answer, false) && isOther(answer, true)) {
      answer = await send();
      // Twice another ETag: at this store it is not an MD5.
      if (isOther(answer, true)) dialect.partEtagIsMd5 = false;
    }
    if (isOther(answer, dialect.partEtagIsMd5 ?? false))
      throw otherAnswerFault(bucket, 'upload part', key, 'PartDiffers');
    if (isMd5(answer.ETag, part.digest)) dialect.partEtagIsMd5 = true;
    return answer;
  }

  async #complete(command: CompleteMultipartUploadCommand) {
    const { bucket, key, onlyIfAbsent } = this.#request;
    const upload = { key, uploadId: this.#uploadId ?? '' };
    const { signal } = this.#stop;
    try {
      if (onlyIfAbsent) await this.#refuseTaken();
      const answer = await completeUpload(
        bucket,
        upload,
        command.input.MultipartUpload,
        onlyIfAbsent,
        signal,
      );
      this.#receipt = receiptOf(key, answer);
      return answer;
    } catch (error) {
      // The answer to an earlier attempt may have been lost although the object is there. Its
      // digest shows that.
      const held = await this.#heldIfOurs(error);
      if (held === undefined) throw error;
      this.#receipt = held;
      return { ETag: held.etag };
    }
  }

  /**
   * Hours have passed since the first look, and the store may not heed the condition when an upload
   * is completed. So look again.
   */
  async #refuseTaken(): Promise<void> {
    const { bucket, key } = this.#request;
    if (bucket.dialect.conditions('complete upload') === 'supported') return;
    if ((await bucket.head(key, this.#stop.signal)) === undefined) return;
    throw new Fault('transient', 'another object took the key while the parts were sent', {
      operation: 'complete multipart upload',
      subject: `${bucket.name}/${key}`,
      hint: 'halfpipe looks at the key again.',
      code: 'PreconditionFailed',
    });
  }

  async #heldIfOurs(error: unknown): Promise<Receipt | undefined> {
    if (!(error instanceof Fault) || error.code !== 'NoSuchUpload') return undefined;
    const held = await this.#request.bucket.head(this.#request.key, this.#stop.signal);
    if (held === undefined || evidenceOf(this.local, held).verdict !== 'same') return undefined;
    return held;
  }

  /** Decides what happens to the parts after a failure. Resolves with the error to report. */
  async #cleanUp(error: unknown): Promise<unknown> {
    const { bucket, key, signal } = this.#request;
    const uploadId = this.#uploadId;
    if (uploadId === undefined) return error;
    const code = (error instanceof Fault && error.code) || '';
    if (code === 'NoSuchUpload') return (await this.#record.thrownAway(this.#sentBytes)) ?? error;
    // A file that changed may still have the same bytes (chmod). The next attempt or the sweep
    // finds out.
    if (!isTaken(error) && !UNRESUMABLE_CODES.has(code) && this.#record.isKept) return error;
    const limit = AbortSignal.timeout(ABANDON_MS);
    try {
      const { name } = bucket;
      await bucket.abort(name, key, uploadId, signal.aborted ? limit : AbortSignal.any([limit, signal]));
      await this.#record.ended();
    } catch {
      // The first error is the one to report. The journal still names the upload, so the sweep
      // aborts it later.
    }
    return error;
  }
}
