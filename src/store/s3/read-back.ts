// Reads an object back in full and digests it: the last resort when the store's answers cannot be
// compared. In whatever way the store answers (in the requested ranges, whole, or compressed by a
// proxy), every byte is digested and few are held in memory.
import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Fault } from '../../system/fault.ts';
import { withSignal } from '../../transport/request-signal.ts';
import type { Digest, LocalContent } from '../object-store.ts';
import type { PresentObject } from './answers.ts';
import type { S3Bucket } from './bucket.ts';
import { statusOf } from './classify.ts';

/**
 * Resolves with the digests of the object, cut like `local`. Rejects with Fault `unknown` when the
 * object's size differs from ours or the object is replaced meanwhile, and as S3Bucket.call() does.
 */
export async function digestsOfObject(
  bucket: S3Bucket,
  local: Pick<LocalContent, 'sizeBytes' | 'partSizeBytes'>,
  held: PresentObject,
  signal: AbortSignal,
): Promise<Digest[]> {
  const { sizeBytes } = local;
  const cut = new CutDigests(sizeBytes, local.partSizeBytes ?? Math.max(1, sizeBytes));
  const reader = new Reader(bucket, held, signal);
  let ranges = 0;
  while (cut.missingBytes > 0 || cut.readBytes === 0) {
    const start = cut.readBytes;
    // One request for each part, so that each has its own deadline and none takes long.
    const lengthBytes = cut.nextBytes;
    for await (const chunk of reader.read(start, lengthBytes < sizeBytes ? lengthBytes : undefined)) {
      cut.update(chunk);
      if (cut.missingBytes < 0) break;
    }
    ranges += 1;
    if (cut.readBytes === start) break;
  }
  if (cut.missingBytes !== 0) {
    // Its length was not known, so it is another object. Its digests differ from ours.
    if (held.sizeBytes === undefined) return [];
    throw tornAnswerFault(held.key);
  }
  // Without If-Match, the ranges may come from different objects.
  if (ranges > 1 && !reader.isConditional) await refuseReplaced(bucket, held, signal);
  return cut.digests();
}

/** Digests bytes as they come, part by part. */
class CutDigests {
  readonly #sizeBytes: number;
  readonly #cutBytes: number;
  readonly #digests: Digest[] = [];
  #hashes: readonly Hash[] = newHashes();
  #inPartBytes = 0;
  readBytes = 0;

  constructor(sizeBytes: number, cutBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#cutBytes = cutBytes;
  }

  get missingBytes(): number {
    return this.#sizeBytes - this.readBytes;
  }

  /** Bytes to the end of the part that is being read. */
  get nextBytes(): number {
    return Math.min(this.missingBytes, this.#cutBytes - this.#inPartBytes);
  }

  /** Counts, but does not digest, bytes beyond the expected length. */
  update(chunk: Uint8Array): void {
    if (chunk.byteLength > this.missingBytes) {
      this.readBytes += chunk.byteLength;
      return;
    }
    for (let offset = 0; offset < chunk.byteLength; ) {
      const piece = chunk.subarray(offset, offset + this.nextBytes);
      for (const hash of this.#hashes) hash.update(piece);
      offset += piece.byteLength;
      this.readBytes += piece.byteLength;
      this.#inPartBytes += piece.byteLength;
      if (this.#inPartBytes === this.#cutBytes) this.#endPart();
    }
  }

  digests(): Digest[] {
    if (this.#inPartBytes > 0 || this.#sizeBytes === 0) this.#endPart();
    return this.#digests;
  }

  #endPart(): void {
    const [md5Hex = '', sha256Hex = ''] = this.#hashes.map((hash) => hash.digest('hex'));
    this.#digests.push({ md5Hex, sha256Hex });
    this.#hashes = newHashes();
    this.#inPartBytes = 0;
  }
}

function newHashes(): readonly Hash[] {
  return [createHash('md5'), createHash('sha256')];
}

/** Reads one object, with those headers that the store has not refused so far. */
class Reader {
  readonly #bucket: S3Bucket;
  readonly #held: PresentObject;
  readonly #signal: AbortSignal;
  /**
   * True if only the object that was looked at is read (If-Match). A weak ETag never matches (RFC
   * 9110, 13.1.1).
   */
  isConditional: boolean;
  #takesRanges = true;

  constructor(bucket: S3Bucket, held: PresentObject, signal: AbortSignal) {
    this.#bucket = bucket;
    this.#held = held;
    this.#signal = signal;
    this.isConditional = held.etag !== undefined && !/^W\//i.test(held.etag);
  }

  /**
   * Reads `lengthBytes` bytes from `start`, or all. A read from the first byte may continue to the
   * end, whatever was requested.
   */
  async *read(start: number, lengthBytes: number | undefined): AsyncGenerator<Uint8Array> {
    const isAll = lengthBytes === undefined;
    const answer = await this.#ask(
      isAll ? undefined : `bytes=${start}-${start + lengthBytes - 1}`,
      start > 0,
    );
    // The object ends before `start`.
    if (answer === undefined) return;
    const { ContentRange, ContentLength, $metadata } = answer;
    // Some stores answer a range with 200.
    const isRange =
      ContentRange !== undefined || $metadata.httpStatusCode === 206 || ContentLength === lengthBytes;
    if (!isAll && start > 0 && !isRange) throw tornAnswerFault(this.#held.key);
    yield* this.#chunks(answer);
  }

  async #ask(range: string | undefined, mayBeBeyond: boolean): Promise<GetObjectCommandOutput | undefined> {
    const { key, etag = '' } = this.#held;
    const command = new GetObjectCommand({
      Bucket: this.#bucket.name,
      Key: key,
      ...(range !== undefined && this.#takesRanges ? { Range: range } : {}),
      ...(this.isConditional ? { IfMatch: /^"/.test(etag) ? etag : `"${etag}"` } : {}),
    });
    try {
      return await this.#call(() => this.#bucket.client.send(withSignal(command, this.#signal)));
    } catch (error) {
      if (mayBeBeyond && error instanceof Fault && statusOf(error.cause) === 416) return undefined;
      if (!this.#doesWithLess(error, command.input.Range !== undefined)) throw error;
    }
    return this.#ask(range, mayBeBeyond);
  }

  /**
   * True if the request is worth repeating without ranges or without If-Match, because a store or
   * proxy does not know them.
   */
  #doesWithLess(error: unknown, hasRange: boolean): boolean {
    const status = error instanceof Fault ? statusOf(error.cause) : undefined;
    const isRefused = status === 400 || status === 405 || status === 501;
    if (hasRange && (isRefused || status === 416)) this.#takesRanges = false;
    else if (this.isConditional && (isRefused || status === 412)) this.isConditional = false;
    else return false;
    return true;
  }

  async *#chunks({ Body: body, ContentEncoding }: GetObjectCommandOutput): AsyncGenerator<Uint8Array> {
    if (body === undefined) return;
    const stream = body as Readable;
    // We store nothing compressed, so a proxy has done that on the way.
    const plain = ContentEncoding === 'gzip' ? stream.pipe(createGunzip()) : stream;
    if (plain !== stream) stream.once('error', (error: Error) => plain.destroy(error));
    const chunks = (plain as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    try {
      for (let next = await this.#call(() => chunks.next()); !next.done; ) {
        yield next.value;
        next = await this.#call(() => chunks.next());
      }
    } finally {
      await chunks.return?.();
      // `return()` does nothing if no chunk was read.
      for (const open of new Set([plain, stream])) (open as Partial<Readable>).destroy?.();
    }
  }

  #call<T>(run: () => Promise<T>): Promise<T> {
    return this.#bucket.call('read object back', this.#held.key, this.#signal, run);
  }
}

async function refuseReplaced(bucket: S3Bucket, held: PresentObject, signal: AbortSignal): Promise<void> {
  const now = await bucket.head(held.key, signal);
  if (now?.etag !== held.etag || now?.sizeBytes !== held.sizeBytes || now === undefined)
    throw tornAnswerFault(held.key);
}

function tornAnswerFault(key: string): Fault {
  return new Fault('unknown', 'the object read back is not as long as the store said', {
    operation: 'read object back',
    subject: key,
    code: 'ReadBackSize',
  });
}
