// Sends whole objects. The SDK makes the first request of each shape; all others are made from it,
// without the SDK's middleware, which costs more than the request itself. Whatever is not a plain
// success is judged by the SDK: so errors, repetitions and refusals have one home.
import { randomUUID } from 'node:crypto';
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';
import type { RequestHandler, SmallAnswer } from '../../transport/http-request.ts';
import { withSignal } from '../../transport/request-signal.ts';
import { md5Base64, sha256Base64 } from '../digest.ts';
import type { Digest } from '../object-store.ts';
import { type Answer, noteHeaders } from './answers.ts';
import { contentTypeOf } from './content-type.ts';
import type { Credentials } from './credentials.ts';
import type { Extra } from './dialect.ts';
import { amzDate, type PutTemplate, templateOf } from './put-template.ts';
import { type Arrived, withTap } from './request-tap.ts';
import type { StoreEvent } from './store-event.ts';

export interface WholePut {
  readonly key: string;
  readonly body: Buffer;
  readonly digest: Digest;
  readonly extras: ReadonlySet<Extra>;
}

export interface WholePutsPorts {
  /** Its requests are tapped, or every request is sent by the SDK. */
  readonly client: S3Client;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** The input that creates an object. */
  readonly inputOf: (key: string) => PutObjectCommandInput;
  readonly onEvent: (event: StoreEvent) => void;
}

/**
 * Sends whole objects of one bucket and remembers the templates, for as long as the credentials
 * stay the same.
 */
export class WholePuts {
  readonly #ports: WholePutsPorts;
  /** By shape. Undefined where the SDK has to make every request. */
  readonly #templates = new Map<string, PutTemplate | undefined>();
  #generation = 0;

  constructor(ports: WholePutsPorts) {
    this.#ports = ports;
  }

  /**
   * Resolves with what the store answered. Rejects as the SDK does, or with the signal's reason.
   * The credentials must be ready.
   */
  async send(put: WholePut, signal: AbortSignal): Promise<Answer> {
    const { client, clock } = this.#ports;
    const { exchange } = client.config.requestHandler as RequestHandler;
    const template = this.#templateFor(put);
    if (exchange === undefined || template === undefined) return this.#teach(put, signal);
    const startedAtMs = clock.monotonicMs();
    const head = template.headFor({
      key: put.key,
      contentType: contentTypeOf(put.key),
      sizeBytes: put.body.byteLength,
      digest: put.digest,
      invocationId: randomUUID(),
      date: amzDate(clock.wallMs() + client.config.systemClockOffset),
    });
    let outcome: Arrived['outcome'];
    try {
      outcome = await exchange.call(client.config.requestHandler, head, put.body, signal);
    } catch (error) {
      signal.throwIfAborted();
      outcome = { error };
    }
    if (!isPlainSuccess(outcome)) {
      const command = withTap(this.#commandOf(put), { arrived: { startedAtMs, outcome } });
      return client.send(withSignal(command, signal));
    }
    this.#tell(put, outcome.statusCode, startedAtMs);
    return answerOf(outcome);
  }

  /** Has the SDK send the request, and keeps what it made for others of its shape. */
  #teach(put: WholePut, signal: AbortSignal): Promise<Answer> {
    const { client, credentials } = this.#ports;
    const { generation, current } = credentials;
    const shape = shapeOf(put);
    const command = withTap(this.#commandOf(put), {
      onSigned: (request) => {
        if (generation !== this.#generation || this.#templates.has(shape) || current === undefined) return;
        const { key, body, digest } = put;
        const values = { key, digest, contentType: contentTypeOf(key), sizeBytes: body.byteLength };
        this.#templates.set(shape, templateOf(request, values, current));
      },
    });
    return client.send(withSignal(command, signal));
  }

  #templateFor(put: WholePut): PutTemplate | undefined {
    const { generation } = this.#ports.credentials;
    // Other credentials: another signature, and maybe a session token.
    if (generation !== this.#generation) this.#templates.clear();
    this.#generation = generation;
    return this.#templates.get(shapeOf(put));
  }

  #commandOf({ key, body, digest, extras }: WholePut): PutObjectCommand {
    return new PutObjectCommand({
      ...this.#ports.inputOf(key),
      Body: body,
      ContentLength: body.byteLength,
      ...(extras.has('md5') ? { ContentMD5: md5Base64(digest) } : {}),
      ...(extras.has('sha256') ? { ChecksumSHA256: sha256Base64(digest) } : {}),
      ...(extras.has('if-none-match') ? { IfNoneMatch: '*' } : {}),
    });
  }

  #tell({ key, body }: WholePut, status: number, startedAtMs: number): void {
    const { clock, onEvent } = this.#ports;
    const durationMs = clock.monotonicMs() - startedAtMs;
    const [operation, bytes] = ['PutObject', body.byteLength];
    onEvent({
      kind: 'request',
      request: { operation, key, part: undefined, status, error: undefined, bytes, durationMs },
    });
  }
}

/** Requests of one shape have the same headers, with other values. */
function shapeOf({ extras }: WholePut): string {
  return `${extras.has('sha256')} ${extras.has('md5')} ${extras.has('if-none-match')}`;
}

/** What S3 answers: nothing but headers. An error may come with status 200, in the body. */
function isPlainSuccess(outcome: Arrived['outcome']): outcome is SmallAnswer {
  if ('error' in outcome) return false;
  return outcome.statusCode === 200 && outcome.body.byteLength === 0;
}

/** Makes what the SDK's deserializer makes, without the fields that no receipt needs. */
function answerOf({ headers }: SmallAnswer): Answer {
  const answer = {
    ETag: headers.etag,
    ChecksumSHA256: headers['x-amz-checksum-sha256'],
    ChecksumType: headers['x-amz-checksum-type'],
    VersionId: headers['x-amz-version-id'],
    ServerSideEncryption: headers['x-amz-server-side-encryption'],
    SSECustomerAlgorithm: headers['x-amz-server-side-encryption-customer-algorithm'],
  };
  noteHeaders(answer, headers);
  return answer;
}
