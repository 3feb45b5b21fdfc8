// The requests that halfpipe makes to one bucket.
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';
import { Fault } from '../../system/fault.ts';
import { withSignal } from '../../transport/request-signal.ts';
import { digestIn } from '../evidence.ts';
import type { Digest, Receipt } from '../object-store.ts';
import { type PresentObject, presentObject, receiptOf } from './answers.ts';
import { classify, statusOf } from './classify.ts';
import { contentTypeOf } from './content-type.ts';
import type { Diagnosis } from './diagnosis.ts';
import { Dialect, type Extra, type Writing } from './dialect.ts';
import { KeyMemory } from './key-memory.ts';
import { SecondTry } from './second-try.ts';
import type { StoreEvent } from './store-event.ts';
import { WholePuts } from './whole-puts.ts';

/** Settings for every new object. */
export interface ObjectSettings {
  readonly storageClass: string | undefined;
  readonly serverSideEncryption: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly acl?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Gives the hint that the failure alone allows. */
const AS_CLASSIFIED: Pick<Diagnosis, 'of'> = { of: async (fault) => fault };

export interface Place {
  readonly name: string;
  /** Recorded with the uploads that are open there. */
  readonly endpoint: string;
  /** Objects of our own are put below this prefix. */
  readonly prefix: string;
  readonly onEvent?: ((event: StoreEvent) => void) | undefined;
}

/**
 * Whether a write may replace another object. `none`: yes. `firm`: no. `on trial`: no, but if the
 * store refuses the request, it is repeated without the condition, to find out whether the store
 * accepts it. Use `on trial` only for keys of our own, or where these very bytes are already
 * stored.
 */
export type Guard = 'none' | 'on trial' | 'firm';

/**
 * One bucket, with what was learnt about its store. Every request answers with a receipt, or
 * rejects with a classified Fault or the signal's reason, never with the SDK's own errors.
 * The name S3Bucket avoids a field of the SDK's commands: TypeScript 7.0.2 renames a property that
 * has the name of the class around it.
 */
export class S3Bucket {
  readonly name: string;
  readonly endpoint: string;
  readonly prefix: string;
  readonly client: S3Client;
  readonly clock: Clock;
  readonly dialect = new Dialect();
  /** Keys that are taken, as far as is known. */
  readonly taken = new KeyMemory();
  readonly #onEvent: (event: StoreEvent) => void;
  readonly #noticed = new Set<string>();
  readonly #settings: ObjectSettings;
  readonly #secondTry: SecondTry;
  readonly #puts: WholePuts;
  readonly #diagnosis: Pick<Diagnosis, 'of'>;

  constructor(
    { name, endpoint, prefix, onEvent }: Place,
    client: S3Client,
    settings: ObjectSettings,
    clock: Clock,
    diagnosis: Pick<Diagnosis, 'of'> = AS_CLASSIFIED,
  ) {
    this.name = name;
    this.endpoint = endpoint;
    this.prefix = prefix;
    this.#onEvent = onEvent ?? (() => undefined);
    this.client = client;
    this.clock = clock;
    this.#settings = settings;
    this.#diagnosis = diagnosis;
    this.#secondTry = new SecondTry(client, clock);
    const { credentials } = this.#secondTry;
    const inputOf = (key: string) => this.creationInput(key);
    this.#puts = new WholePuts({ client, credentials, clock, inputOf, onEvent: this.#onEvent });
  }

  /** The credentials are fetched again before the next request. */
  refreshCredentials(): void {
    this.#secondTry.credentials.expire();
  }

  /** Passes on each notice once. */
  notice(notice: string): void {
    if (this.#noticed.has(notice)) return;
    this.#noticed.add(notice);
    this.#onEvent({ kind: 'notice', notice });
  }

  /** The input that creates an object, whole or in parts. */
  creationInput(key: string): Omit<PutObjectCommandInput, 'Body'> & { Bucket: string; Key: string } {
    const { storageClass, serverSideEncryption, kmsKeyId, acl, metadata, tags } = this.#settings;
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
      ...(acl === undefined ? {} : { ACL: acl as 'private' }),
      ...(Object.keys(metadata).length === 0 ? {} : { Metadata: { ...metadata } }),
      ...(tagging === '' ? {} : { Tagging: tagging }),
    };
  }

  /**
   * Puts one whole object. If the guard holds and the key is taken, it rejects with a Fault for
   * which isTaken() is true.
   */
  async put(key: string, body: Buffer, digest: Digest, guard: Guard, signal: AbortSignal): Promise<Receipt> {
    const { dialect } = this;
    const asks = guard !== 'none' && dialect.conditions('put object') !== 'ignored';
    const wanted = ['sha256', 'md5', ...(asks ? (['if-none-match'] as const) : [])] as const;
    const run = (extras: ReadonlySet<Extra>) =>
      this.call('put object', key, signal, () => this.#puts.send({ key, body, digest, extras }, signal));
    const kept: readonly Extra[] = guard === 'firm' ? ['if-none-match'] : [];
    const sent = dialect.tell('put object', wanted, body.byteLength, run, kept);
    const receipt = receiptOf(key, await sent.catch((error) => this.refused('put object', error)));
    const tag = receipt.etag === undefined ? undefined : digestIn(receipt.etag, 16);
    if (tag?.hex === digest.md5Hex) dialect.etagIsMd5 = true;
    // The bucket's default encryption may change while we run. From then on, another ETag is no
    // sign of damage.
    else if (receipt.etagIsOpaque) dialect.etagIsMd5 = false;
    return receipt;
  }

  /** Throws the error. If the key is taken, the store heeds the condition; that is remembered. */
  refused(writing: Writing, error: unknown): never {
    if (isTaken(error)) this.dialect.learnConditions(writing, 'supported');
    throw error;
  }

  /**
   * Resolves with what the bucket holds under the key, or undefined if it holds nothing. Uses GET
   * if the store does not answer HEAD.
   */
  async head(key: string, signal: AbortSignal): Promise<PresentObject | undefined> {
    const { lacks } = this.dialect;
    try {
      return await (lacks.has('head') ? this.#firstByte(key, signal) : this.#head(key, signal));
    } catch (error) {
      if (isGone(error)) return undefined;
      const status = error instanceof Fault ? (statusOf(error.cause) ?? 0) : 0;
      if (!NO_HEAD.has(status) || lacks.has('head')) throw error;
    }
    const held = await this.#firstByte(key, signal).catch(undefinedIfGone);
    lacks.add('head');
    return held;
  }

  async #head(key: string, signal: AbortSignal): Promise<PresentObject> {
    const answer = await this.dialect.tell('look up object', ['sha256'], 0, (extras) => {
      const mode = extras.has('sha256') ? { ChecksumMode: 'ENABLED' as const } : {};
      const command = new HeadObjectCommand({ Bucket: this.name, Key: key, ...mode });
      return this.call('look up object', key, signal, () => this.client.send(withSignal(command, signal)));
    });
    return presentObject(key, answer, `${this.name}/${key}`);
  }

  async #firstByte(key: string, signal: AbortSignal): Promise<PresentObject> {
    const ask = (range?: string) => {
      const command = new GetObjectCommand({ Bucket: this.name, Key: key, ...(range && { Range: range }) });
      return this.call('look up object', key, signal, () => this.client.send(withSignal(command, signal)));
    };
    // An empty object has no first byte.
    const answer = await ask('bytes=0-0').catch((error: unknown) => {
      if (error instanceof Fault && statusOf(error.cause) === 416) return ask();
      throw error;
    });
    const { Body: body } = answer;
    if (body !== undefined && 'destroy' in body) body.destroy();
    return presentObject(key, answer, `${this.name}/${key}`);
  }

  /**
   * Deletes the object, or only the version `versionId`, so that nothing stays behind in a bucket
   * with versions.
   */
  async delete(key: string, versionId: string | undefined, signal: AbortSignal): Promise<void> {
    const version = versionId === undefined ? {} : { VersionId: versionId };
    const command = new DeleteObjectCommand({ Bucket: this.name, Key: key, ...version });
    await this.call('delete object', key, signal, () => this.client.send(withSignal(command, signal)));
  }

  /** Aborts a multipart upload at this store. Succeeds if the upload is gone already. */
  async abort(bucket: string, key: string, uploadId: string, signal: AbortSignal): Promise<void> {
    const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId });
    try {
      await this.call('abort multipart upload', key, signal, () =>
        this.client.send(withSignal(command, signal)),
      );
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /**
   * Runs one request, and once more if a second try can help. Rejects with a Fault, or with the
   * signal's reason once it has aborted.
   */
  async call<T>(operation: string, key: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await this.#secondTry.run(run, signal);
    } catch (error) {
      signal.throwIfAborted();
      const encrypted = this.#settings.serverSideEncryption?.startsWith('aws:kms') ?? false;
      const fault = classify(error, operation, `${this.name}/${key}`, this.clock.wallMs(), encrypted);
      this.#secondTry.credentials.answered(fault.code);
      throw await this.#diagnosis.of(fault);
    }
  }
}

/** HTTP statuses of a store, or of a proxy in front of it, that does not answer HEAD. */
const NO_HEAD = new Set([400, 405, 501]);

/** True if the store answered that the key is taken: `If-None-Match: *` did not hold. */
export function isTaken(error: unknown): boolean {
  return error instanceof Fault && (error.code === 'PreconditionFailed' || statusOf(error.cause) === 412);
}

/** True if the object or upload of the request does not exist (any more). */
export function isGone(error: unknown): boolean {
  return error instanceof Fault && statusOf(error.cause) === 404 && error.code !== 'NoSuchBucket';
}

function undefinedIfGone(error: unknown): undefined {
  if (!isGone(error)) throw error;
}

/**
 * True if the credentials may not do this. Without the right to list, S3 also answers so for a
 * missing object.
 */
export function isDenied(error: unknown): boolean {
  return (
    error instanceof Fault && [401, 403].includes(statusOf(error.cause) ?? 0) && DENIALS.has(error.code ?? '')
  );
}

/** A HEAD is denied without an error name. */
const DENIALS = new Set([
  'AccessDenied',
  'Forbidden',
  'AccessForbidden',
  'Unauthorized',
  'Http403',
  'Http401',
]);
