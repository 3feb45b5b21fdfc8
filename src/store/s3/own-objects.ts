// Tiny objects of our own below the prefix. They show what a store does, without risk for other
// objects.
import { randomBytes } from 'node:crypto';
import { Fault } from '../../system/fault.ts';
import { digestOf } from '../digest.ts';
import type { Digest, LocalContent, Receipt } from '../object-store.ts';
import { receiptOf } from './answers.ts';
import { isTaken, type S3Bucket } from './bucket.ts';
import type { ConditionSupport, Writing } from './dialect.ts';
import { beginUpload, completeUpload, sendPart } from './multipart-requests.ts';

/** What could not be removed, and why. */
export interface Leftovers {
  readonly objects: number;
  /** True if the bucket keeps versions. */
  readonly areVersions: boolean;
  /** The first failure; undefined if nothing is left. */
  readonly fault: Fault | undefined;
}

interface Written {
  readonly key: string;
  readonly versionId: string | undefined;
}

/**
 * Writes own objects under random keys and removes them again, each version by its id if the bucket
 * keeps versions. Methods reject as S3Bucket does.
 */
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

  /** Uploads one object in a single part. An upload that is not completed is aborted. */
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

  /** Registers an object of ours that was written in another way, so that cleanUp() removes it. */
  wrote(receipt: Receipt): void {
    this.#written.push(receiptAsWritten(receipt));
  }

  /** Call after an upload of ours failed: registers the object if it is there nevertheless. */
  async lookFor(key: string): Promise<void> {
    if (this.#signal.aborted) return;
    const held = await this.#bucket.head(key, this.#signal).catch(() => undefined);
    if (held !== undefined) this.wrote(held);
  }

  /** Resolves with whether the store heeds the condition. `key` must hold an object of ours. */
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

  /**
   * Removes all own objects. What the store does not let us remove is returned, and is not a
   * failure.
   */
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

  /** Deletes, and tries again once after a transient failure. */
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

/** The Fault for an object that comes back with different bytes. */
export function otherBytesFault(bucket: S3Bucket, key: string): Fault {
  return new Fault('breaker', 'the store returned other bytes than were put', {
    operation: 'compare object',
    subject: `${bucket.name}/${key}`,
    hint: 'Something between this machine and the store changes the content: check s3.endpoint and any proxy.',
    code: 'RoundTripDiffers',
  });
}

function receiptAsWritten({ key, versionId }: Receipt): Written {
  return { key, versionId };
}

/**
 * Finds out whether the store refuses to overwrite, if nothing can be looked up first. Runs once,
 * however many callers wait. findOut() rejects with the Fault that prevented it.
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
    // Other callers look at the result for themselves.
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
          `${key}, which halfpipe wrote to find out whether the store would overwrite it, could not be deleted: ${fault.message}`,
        );
    }
  }
}
