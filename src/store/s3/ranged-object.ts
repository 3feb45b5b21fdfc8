// An object of which parts are read, for packets.
import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Fault, type FaultClass } from '../../system/fault.ts';
import { printable } from '../../system/printable.ts';
import { withSignal } from '../../transport/request-signal.ts';
import { type PresentObject, presentObject } from './answers.ts';
import { isGone, type S3Bucket } from './bucket.ts';
import { statusOf } from './classify.ts';

/** The waits before further attempts, when one brought nothing. */
const RETRY_MS = [1_000, 4_000, 15_000];
const OPERATION = 'read object';

/**
 * One object, as it was when it was opened. A part of an object that has replaced it since is
 * refused.
 */
export class RangedObject {
  /** The bucket and the key, in one safe line. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly #bucket: S3Bucket;
  readonly #held: PresentObject;
  readonly #signal: AbortSignal;
  readonly #tail: Buffer;

  private constructor(bucket: S3Bucket, held: PresentObject, tail: Buffer, signal: AbortSignal) {
    this.#bucket = bucket;
    this.#held = held;
    this.#tail = tail;
    this.#signal = signal;
    this.sizeBytes = held.sizeBytes ?? tail.byteLength;
    this.name = printable(`${bucket.name}/${held.key}`);
  }

  /**
   * Reads the last `tailBytes` bytes, and with them learns the size: one request. Rejects with
   * Fault NoSuchKey if there is no such object, and as S3Bucket.call() does.
   */
  static open(bucket: S3Bucket, key: string, tailBytes: number, signal: AbortSignal): Promise<RangedObject> {
    return patiently(bucket, signal, async () => {
      const answer = await get(bucket, key, `bytes=-${tailBytes}`, signal);
      if (answer === undefined)
        return new RangedObject(bucket, { key, sizeBytes: 0 }, Buffer.alloc(0), signal);
      const held = presentObject(key, answer, `${bucket.name}/${key}`);
      const { sizeBytes } = held;
      if (sizeBytes === undefined) throw rangesFault(bucket, key);
      // Without a range, it is the beginning. The tail is then read like any other part.
      const isTail = answer.ContentRange !== undefined || sizeBytes <= tailBytes;
      const tail: Uint8Array[] = [];
      if (isTail) for await (const chunk of chunksOf(bucket, key, answer, signal)) tail.push(chunk);
      else (answer.Body as Readable | undefined)?.destroy();
      const bytes = Buffer.concat(tail);
      if (isTail && bytes.byteLength !== Math.min(tailBytes, sizeBytes)) throw rangesFault(bucket, key);
      return new RangedObject(bucket, held, bytes, signal);
    });
  }

  /**
   * Yields `lengthBytes` bytes from `offset` on, with one request, or with none if they are in the
   * tail. After a failure that may pass it goes on from where it was.
   */
  async *read(offset: number, lengthBytes: number): AsyncGenerator<Uint8Array> {
    const tailStart = this.sizeBytes - this.#tail.byteLength;
    const end = offset + lengthBytes;
    for (let position = offset, failures = 0; position < end; ) {
      if (position >= tailStart) {
        yield this.#tail.subarray(position - tailStart, end - tailStart);
        return;
      }
      try {
        for await (const chunk of this.#range(position, end)) {
          failures = 0;
          position += chunk.byteLength;
          yield chunk;
        }
      } catch (error) {
        await waitAfter(error, failures, this.#bucket, this.#signal);
        failures += 1;
      }
    }
  }

  async *#range(start: number, end: number): AsyncGenerator<Uint8Array> {
    const { key, etag } = this.#held;
    const answer = await get(this.#bucket, key, `bytes=${start}-${end - 1}`, this.#signal);
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer?.ContentRange ?? '') ?? [];
    const isAnother = answer?.ETag !== undefined && etag !== undefined && answer.ETag !== etag;
    if (answer === undefined || isAnother || (total !== undefined && Number(total) !== this.sizeBytes)) {
      (answer?.Body as Readable | undefined)?.destroy();
      throw ownFault('unknown', 'Replaced', `${this.name} was replaced while it was read`, key);
    }
    if (from === undefined ? start !== 0 : Number(from) !== start) {
      (answer.Body as Readable | undefined)?.destroy();
      throw rangesFault(this.#bucket, key);
    }
    let missingBytes = end - start;
    for await (const chunk of chunksOf(this.#bucket, key, answer, this.#signal)) {
      yield chunk.subarray(0, missingBytes);
      missingBytes -= chunk.byteLength;
      if (missingBytes <= 0) return;
    }
    throw ownFault('transient', 'Cut', `the answer about ${this.name} was cut`, key);
  }
}

/** Undefined if the object has no such bytes. */
async function get(
  bucket: S3Bucket,
  key: string,
  range: string,
  signal: AbortSignal,
): Promise<GetObjectCommandOutput | undefined> {
  const command = new GetObjectCommand({ Bucket: bucket.name, Key: key, Range: range });
  try {
    return await bucket.call(OPERATION, key, signal, () => bucket.client.send(withSignal(command, signal)));
  } catch (error) {
    if (error instanceof Fault && statusOf(error.cause) === 416) return undefined;
    if (!isGone(error)) throw error;
    const subject = printable(`${bucket.name}/${key}`);
    throw ownFault('file', 'NoSuchKey', `there is no object ${subject}`, subject);
  }
}

async function* chunksOf(
  bucket: S3Bucket,
  key: string,
  { Body: body }: GetObjectCommandOutput,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  const stream = body as Readable;
  const chunks = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const next = () => bucket.call(OPERATION, key, signal, () => chunks.next());
  try {
    for (let chunk = await next(); chunk.done !== true; chunk = await next()) yield chunk.value;
  } finally {
    stream.destroy();
  }
}

async function patiently<T>(bucket: S3Bucket, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask();
    } catch (error) {
      await waitAfter(error, failures, bucket, signal);
    }
  }
}

/** Rejects with `error` if another attempt cannot help. */
async function waitAfter(
  error: unknown,
  failures: number,
  { clock }: S3Bucket,
  signal: AbortSignal,
): Promise<void> {
  const waitMs = RETRY_MS[failures];
  if (!(error instanceof Fault) || error.faultClass !== 'transient' || waitMs === undefined) throw error;
  await clock.sleep(waitMs, signal);
}

function rangesFault({ name }: S3Bucket, key: string): Fault {
  const subject = printable(`${name}/${key}`);
  return ownFault('unknown', 'NoRanges', `the store does not answer a part of ${subject}`, subject);
}

function ownFault(faultClass: FaultClass, code: string, message: string, subject: string): Fault {
  return new Fault(faultClass, message, { operation: OPERATION, subject, code });
}
