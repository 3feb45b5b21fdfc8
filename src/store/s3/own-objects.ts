// Tiny objects of our own below the prefix, by which we find out what a store does without harm to
// those of others. They are removed again, each version by its name where the bucket keeps
// versions.
import { randomBytes } from 'node:crypto';
import { Fault } from '../../system/fault.ts';
import { digestOf } from '../digest.ts';
import type { Digest, LocalContent, Receipt } from '../object-store.ts';
import { receiptOf } from './answers.ts';
import { isTaken, type S3Bucket } from './bucket.ts';
import type { ConditionSupport, Writing } from './dialect.ts';
import { beginUpload, completeUpload, sendPart } from './multipart-requests.ts';

/** What could not be removed. */
export interface Leftovers {
  readonly objects: number;
  /** The bucket keeps versions. */
  readonly areVersions: boolean;
  /** Why; undefined when nothing is left. */
  readonly fault: Fault | undefined;
}

interface Written {
  readonly key: string;
  readonly versionId: string | undefined;
}

export class OwnObjects {
  readonly body = Buffer.from(`halfpipe check ${randomBytes(16).toString('hex')}\n`);
  readonly #bucket: S3Bucket;
  readonly #signal: AbortSignal;
  readonly #tag = randomBytes(8).toString('hex');
  readonly #written: Written[] = [];
  #digest: Promise<Digest> | undefined;

  constructor(bucket: S3Bucket, signal: AbortSignal) {
    this.#bucket = bucket;
    this.#signal = signal;
  }

  key(name: string): string {
    return `${this.#bucket.prefix}.halfpipe-check-${this.#tag}${name}`;
  }

  async local(multipart: boolean): Promise<LocalContent> {
    const { byteLength: sizeBytes } = this.body;
    const parts = [await this.#bodyDigest()];
    return { sizeBytes, parts, multipart, ...(multipart ? { partSizeBytes: sizeBytes } : {}) };
  }

  async put(key: string, onlyIfAbsent: boolean): Promise<Receipt> {
    const digest = await this.#bodyDigest();
    const receipt = await this.#bucket.put(
      key,
      this.body,
      digest,
      onlyIfAbsent ? 'on trial' : 'none',
      this.#signal,
    );
    this.wrote(receipt);
    return receipt;
  }

  /** An upload of one part. Where it is not completed, it is aborted. */
  async putInParts(key: string, onlyIfAbsent: boolean): Promise<Receipt> {
    const bucket = this.#bucket;
    const { uploadId } = await beginUpload(bucket, key, this.#signal);
    const upload = { key, uploadId };
    try {
      const part = { number: 1, body: this.body, digest: await this.#bodyDigest() };
      const { ETag, ChecksumSHA256 } = await sendPart(bucket, upload, part, this.#signal);
      const parts = [{ PartNumber: 1, ETag, ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }) }];
      const answer = await completeUpload(bucket, upload, { Parts: parts }, onlyIfAbsent, this.#signal);
      const receipt = receiptOf(key, answer);
      this.wrote(receipt);
      return receipt;
    } catch (error) {
      await bucket.abort(bucket.name, key, uploadId, this.#signal);
      throw error;
    }
  }

  /** An object of ours that was put otherwise, to be removed with the others. */
  wrote(receipt: Receipt): void {
    this.#written.push(receiptAsWritten(receipt));
  }

  /** After an upload of ours that failed: what is there all the same is to be removed. */
  async lookFor(key: string): Promise<void> {
    if (this.#signal.aborted) return;
    const held = await this.#bucket.head(key, this.#signal).catch(() => undefined);
    if (held !== undefined) this.wrote(held);
  }

  /** Whether the store heeds the condition; needs a key under which we have put an object. */
  async learnConditions(writes: Writing, key: string): Promise<ConditionSupport> {
    const { dialect } = this.#bucket;
    try {
      await (writes === 'put object' ? this.put(key, true) : this.putInParts(key, true));
      if (dialect.conditions(writes) === 'unknown') dialect.learnConditions(writes, 'ignored');
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
    return dialect.conditions(writes);
  }

  /** What the store does not let us remove stays; that is told, and is no failure. */
  async cleanUp(): Promise<Leftovers> {
    let objects = 0;
    let fault: Fault | undefined;
    const removed = new Set<string>();
    for (const { key, versionId } of this.#written.splice(0)) {
      const name = `${key} ${versionId ?? ''}`;
      if (removed.has(name)) continue;
      removed.add(name);
      try {
        await this.#remove(key, versionId);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        fault ??= error;
        objects += 1;
      }
    }
    const areVersions = [...removed].some((name) => !name.endsWith(' '));
    return { objects, areVersions, fault };
  }

  /** A second time where the store had a bad moment. */
  async #remove(key: string, versionId: string | undefined): Promise<void> {
    try {
      await this.#bucket.delete(key, versionId, this.#signal);
    } catch (error) {
      if (!(error instanceof Fault) || error.faultClass !== 'transient') throw error;
      await this.#bucket.delete(key, versionId, this.#signal);
    }
  }

  #bodyDigest(): Promise<Digest> {
    this.#digest ??= digestOf(this.body);
    return this.#digest;
  }
}

/** What was put comes back as something else. */
export function otherBytes(bucket: S3Bucket, key: string): Fault {
  return new Fault('breaker', 'the store returned other bytes than were put', {
    operation: 'compare object',
    subject: `${bucket.name}/${key}`,
    hint: 'Something between here and the store changes the content: check s3.endpoint and any proxy.',
    code: 'RoundTripDiffers',
  });
}

function receiptAsWritten({ key, versionId }: Receipt): Written {
  return { key, versionId };
}

/**
 * Finds out whether the store refuses to overwrite, where nothing can be looked up first: once,
 * however many ask. Rejects with the Fault of what kept it from finding out.
 */
export class ConditionTrial {
  readonly #bucket: S3Bucket;
  #running: Promise<void> | undefined;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  async findOut(writes: Writing, signal: AbortSignal): Promise<void> {
    while (this.#bucket.dialect.conditions(writes) === 'unknown') {
      const others = this.#running;
      if (others === undefined) return this.#run(writes, signal);
      await others;
    }
  }

  async #run(writes: Writing, signal: AbortSignal): Promise<void> {
    const own = new OwnObjects(this.#bucket, signal);
    const key = own.key('');
    const running = own.put(key, false).then(() => own.learnConditions(writes, key));
    // The others look for themselves what came of it.
    this.#running = running.then(
      () => undefined,
      () => undefined,
    );
    try {
      await running;
    } finally {
      this.#running = undefined;
      const { fault } = await own.cleanUp();
      if (fault !== undefined)
        this.#bucket.notice(
          `${key}, by which it was found out whether the store would overwrite, could not be deleted: ${fault.message}`,
        );
    }
  }
}
