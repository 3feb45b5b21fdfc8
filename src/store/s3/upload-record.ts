// Records one file's multipart upload so that it can be resumed and never stays open unnoticed.
import { Fault } from '../../system/fault.ts';
import type { JournaledUpload, UploadJournal } from '../object-store.ts';
import { abandon, abortUnnamed } from './abandon.ts';
import type { S3Bucket } from './bucket.ts';
import { type Begun, uploadsOf } from './multipart-requests.ts';
import { type StoredPart, standingParts } from './open-parts.ts';

/** The multipart upload that an earlier attempt left open. */
export interface OpenUpload {
  readonly uploadId: string;
  /** Keyed by part number. */
  readonly parts: ReadonlyMap<number, StoredPart>;
}

interface Recorded {
  readonly key: string;
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  readonly journal: UploadJournal | undefined;
  readonly signal: AbortSignal;
}

/** How many lifetimes of earlier uploads are remembered. The latest ones matter. */
const LIVES_MAX = 3;

/**
 * Writes into the journal first that an upload will be begun, then its id, and in the end nothing.
 * Invariant: no request to begin an upload leaves before that is on record. Methods reject with a
 * Fault or the signal's reason.
 */
export class UploadRecord {
  readonly #bucket: S3Bucket;
  readonly #file: Recorded;
  #now: JournaledUpload;
  /** An earlier request to begin an upload may have been carried out, or may still be. */
  #isDoubtful = false;

  constructor(bucket: S3Bucket, file: Recorded) {
    this.#bucket = bucket;
    this.#file = file;
    const { key, partSizeBytes } = file;
    this.#now = { endpoint: bucket.endpoint, bucket: bucket.name, key, partSizeBytes };
  }

  /** True if a later attempt, or the sweep, will know of the upload. */
  get isKept(): boolean {
    return this.#file.journal !== undefined && this.#now.uploadId !== undefined;
  }

  /**
   * Resolves with the recorded upload if it is for this key, cut in the same way and still open.
   * Any other upload is aborted and forgotten.
   */
  async takeUp(): Promise<OpenUpload | undefined> {
    const { journal, signal } = this.#file;
    const stale = await journal?.loadStale?.();
    const found = stale ?? (await journal?.load());
    if (found === undefined) return undefined;
    const parts = stale === undefined && this.#isOurs(found) ? await this.#partsOf(found) : 'other';
    if (typeof parts !== 'string') {
      this.#now = found;
      return { uploadId: found.uploadId ?? '', parts };
    }
    const rest = await abandon(this.#bucket, found, signal);
    const keptMs =
      stale === undefined ? livesOf(found, parts === 'gone' ? this.#ageMs(found) : undefined) : [];
    // A lost request may still arrive after this look, so we look again at the end.
    const { unnamedBeside } = this.#isHere(found) ? found : {};
    this.#isDoubtful = unnamedBeside !== undefined;
    await this.#save({
      ...this.#now,
      ...(keptMs.length === 0 ? {} : { keptMs }),
      ...(rest?.left === undefined ? {} : { left: rest.left }),
      ...(unnamedBeside === undefined ? {} : { unnamedBeside }),
    });
    return undefined;
  }

  /**
   * Resolves when it is durable that an upload may be begun. It will then be found even if its id
   * is lost.
   */
  async intend(): Promise<void> {
    const { journal, key, signal } = this.#file;
    if (journal === undefined || this.#now.unnamedBeside !== undefined) return;
    const beside = await uploadsOf(this.#bucket, this.#bucket.name, key, signal);
    if (beside !== undefined) await this.#save({ ...this.#now, unnamedBeside: beside });
  }

  async begun({ uploadId, isDoubtful }: Begun): Promise<void> {
    const { unnamedBeside, ...rest } = this.#now;
    const isKnown = unnamedBeside === undefined || !(isDoubtful || this.#isDoubtful);
    const doubt = isKnown ? {} : { unnamedBeside };
    await this.#save({ ...rest, ...doubt, uploadId, begunMs: this.#bucket.clock.wallMs() });
  }

  /** The upload is complete or aborted. Only what is left elsewhere stays on record. */
  async ended(): Promise<void> {
    const { signal } = this.#file;
    const { uploadId: _, begunMs: __, ...rest } = this.#now;
    if (rest.unnamedBeside !== undefined) {
      await this.#save(rest);
      try {
        await abortUnnamed(this.#bucket, rest, signal);
      } catch (error) {
        // The file does not need it any more. The sweep handles what is on record.
        if (error instanceof Fault || signal.aborted) return;
        throw error;
      }
    }
    const { bucket, key, partSizeBytes, left } = rest;
    await this.#save({ bucket, key, partSizeBytes, ...(left === undefined ? {} : { left }) });
  }

  /**
   * The store has thrown the unfinished upload away when it had `sentBytes` bytes. Resolves with
   * the Fault to report if it would do so again before the file is sent: then beginning anew would
   * never end.
   */
  async thrownAway(sentBytes: number): Promise<Fault | undefined> {
    const livedMs = this.#ageMs(this.#now);
    const { uploadId: _, begunMs: __, unnamedBeside: ___, ...rest } = this.#now;
    const keptMs = livesOf(this.#now, livedMs);
    await this.#save({ ...rest, ...(keptMs.length === 0 ? {} : { keptMs }) });
    if (livedMs === undefined || sentBytes === 0 || keptMs.length < 2) return undefined;
    const { key, sizeBytes } = this.#file;
    const neededMs = (livedMs * sizeBytes) / sentBytes;
    const longestMs = Math.max(...keptMs);
    if (neededMs <= longestMs) return undefined;
    const message = `the store keeps an unfinished upload for about ${roughly(longestMs)}, this file needs about ${roughly(neededMs)} at this share`;
    return new Fault('file', message, {
      operation: 'upload part',
      subject: `${this.#bucket.name}/${key}`,
      hint: 'Have the store keep unfinished uploads longer (its lifecycle rule or expiry), or raise link.share; then halfpipe quarantine retry.',
      code: 'UploadExpires',
    });
  }

  #isHere({ endpoint = this.#bucket.endpoint, bucket, key }: JournaledUpload): boolean {
    return endpoint === this.#bucket.endpoint && bucket === this.#bucket.name && key === this.#file.key;
  }

  #isOurs(upload: JournaledUpload): boolean {
    const isCutAlike = upload.partSizeBytes === this.#file.partSizeBytes;
    return this.#isHere(upload) && isCutAlike && upload.uploadId !== undefined;
  }

  async #partsOf({ key, uploadId = '' }: JournaledUpload) {
    return standingParts(this.#bucket, { key, uploadId }, this.#file.signal);
  }

  #ageMs({ begunMs }: JournaledUpload): number | undefined {
    return begunMs === undefined ? undefined : Math.max(0, this.#bucket.clock.wallMs() - begunMs);
  }

  /** Saves the record, or clears it if it says nothing. */
  async #save(upload: JournaledUpload): Promise<void> {
    this.#now = upload;
    const { uploadId, unnamedBeside, keptMs, left } = upload;
    const tells = [uploadId, unnamedBeside, keptMs, left].some((field) => field !== undefined);
    await (tells ? this.#file.journal?.save(upload) : this.#file.journal?.clear());
  }
}

function livesOf({ keptMs = [] }: JournaledUpload, lastAtMs: number | undefined): readonly number[] {
  return lastAtMs === undefined ? keptMs : [...keptMs, lastAtMs].slice(-LIVES_MAX);
}

function roughly(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours >= 1) return `${Math.round(hours)} h`;
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1_000)} s`;
}
