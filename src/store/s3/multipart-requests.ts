// The requests of a multipart upload, in the store's dialect: begin, part, complete, and listing
// what is there. They reject as S3Bucket.call() does.
import {
  type CompletedMultipartUpload,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type Part,
  UploadPartCommand,
  type UploadPartCommandOutput,
} from '@aws-sdk/client-s3';
import { Fault } from '../../system/fault.ts';
import { withSignal } from '../../transport/request-signal.ts';
import { md5Base64, sha256Base64 } from '../digest.ts';
import type { Digest } from '../object-store.ts';
import { isDenied, isGone, type S3Bucket } from './bucket.ts';
import { statusOf } from './classify.ts';

export interface UploadPlace {
  readonly key: string;
  readonly uploadId: string;
}

export interface Begun {
  readonly uploadId: string;
  /** The request was sent twice, so there may be a second upload whose id was lost. */
  readonly isDoubtful: boolean;
}

export async function beginUpload(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<Begun> {
  const { dialect } = bucket;
  // A store that accepts no checksum on parts would miss what was announced here.
  const wanted = dialect.refuses('upload part', 'sha256') ? [] : (['sha256'] as const);
  const answer = await dialect.tell('begin upload', wanted, 0, (extras) => {
    const command = new CreateMultipartUploadCommand({
      ...bucket.creationInput(key),
      ...(extras.has('sha256') ? { ChecksumAlgorithm: 'SHA256' } : {}),
    });
    return bucket.call('begin multipart upload', key, signal, () =>
      bucket.client.send(withSignal(command, signal)),
    );
  });
  if (answer.UploadId === undefined)
    throw otherAnswerFault(bucket, 'begin multipart upload', key, 'NoUploadId');
  return { uploadId: answer.UploadId, isDoubtful: (answer.$metadata.attempts ?? 1) > 1 };
}

export async function sendPart(
  bucket: S3Bucket,
  { key, uploadId }: UploadPlace,
  { number, body, digest }: { readonly number: number; readonly body: Buffer; readonly digest: Digest },
  signal: AbortSignal,
): Promise<UploadPartCommandOutput> {
  const answer = await bucket.dialect.tell('upload part', ['sha256', 'md5'], body.byteLength, (extras) => {
    const command = new UploadPartCommand({
      Bucket: bucket.name,
      Key: key,
      UploadId: uploadId,
      PartNumber: number,
      Body: body,
      ContentLength: body.byteLength,
      ...(extras.has('md5') ? { ContentMD5: md5Base64(digest) } : {}),
      ...(extras.has('sha256') ? { ChecksumSHA256: sha256Base64(digest) } : {}),
    });
    return bucket.call('upload part', key, signal, () => bucket.client.send(withSignal(command, signal)));
  });
  return { ...answer, ETag: strong(answer.ETag) };
}

/**
 * The ETag as the store itself writes it. A proxy may have made it weak, but completing the upload
 * has to repeat the original.
 */
export function strong(etag: string | undefined): string | undefined {
  return etag?.replace(/^W\//i, '').replace(/[-;]+gzip("?)$/, '$1');
}

/**
 * With `onlyIfAbsent`, a store that supports the condition rejects with a Fault for which isTaken()
 * is true if the key is taken.
 */
export async function completeUpload(
  bucket: S3Bucket,
  { key, uploadId }: UploadPlace,
  parts: CompletedMultipartUpload | undefined,
  onlyIfAbsent: boolean,
  signal: AbortSignal,
): Promise<CompleteMultipartUploadCommandOutput> {
  const { dialect } = bucket;
  const asks = onlyIfAbsent && dialect.conditions('complete upload') !== 'ignored';
  const completed = dialect.tell('complete upload', asks ? ['if-none-match'] : [], 0, (extras) => {
    const command = new CompleteMultipartUploadCommand({
      Bucket: bucket.name,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: parts,
      ...(extras.has('if-none-match') ? { IfNoneMatch: '*' } : {}),
    });
    return bucket.call('complete multipart upload', key, signal, () =>
      bucket.client.send(withSignal(command, signal)),
    );
  });
  return completed.catch((error) => bucket.refused('complete upload', error));
}

/**
 * Resolves with the parts that the store has of an open upload; `gone` if it is no longer open;
 * `untold` if the store does not list parts.
 */
export async function partsOf(
  bucket: S3Bucket,
  { key, uploadId }: UploadPlace,
  signal: AbortSignal,
): Promise<readonly Part[] | 'gone' | 'untold'> {
  const parts: Part[] = [];
  let marker: string | undefined;
  do {
    const command = new ListPartsCommand({
      Bucket: bucket.name,
      Key: key,
      UploadId: uploadId,
      ...(marker === undefined ? {} : { PartNumberMarker: marker }),
    });
    try {
      const page = await twiceIfDenied(() =>
        bucket.call('list parts', key, signal, () => bucket.client.send(withSignal(command, signal))),
      );
      parts.push(...(page.Parts ?? []));
      const last = page.Parts?.at(-1)?.PartNumber;
      const next = page.IsTruncated === true ? (page.NextPartNumberMarker ?? last?.toString()) : undefined;
      // A marker that does not move would make this ask for ever.
      marker = next === marker ? undefined : next;
    } catch (error) {
      if (isGone(error)) return 'gone';
      if (!isNotTold(error)) throw error;
      if (!isDenied(error)) bucket.dialect.lacks.add('list parts');
      bucket.notice(
        `the parts of an unfinished upload cannot be listed (${error.code}): large files do not resume but begin anew. ` +
          'Allow s3:ListMultipartUploadParts below the prefix.',
      );
      return 'untold';
    }
  } while (marker !== undefined);
  return parts;
}

/** Enough for any key of ours. Beyond this, the listing counts as unanswered. */
const PAGES_MAX = 10;

/** After this many empty listings in a row, the store counts as unable to list. */
const EMPTY_LISTINGS_MAX = 3;

/** An empty body is not an empty list: it could hide an open upload. */
function isListing({ dialect }: S3Bucket, page: ListMultipartUploadsCommandOutput): boolean {
  const { Bucket, Prefix, MaxUploads, IsTruncated, Uploads } = page;
  const told = [Bucket, Prefix, MaxUploads, IsTruncated, Uploads].some((field) => field !== undefined);
  dialect.emptyListings = told ? 0 : dialect.emptyListings + 1;
  return told;
}

/**
 * Resolves with the ids of all open uploads of the key; undefined if the store does not list them.
 */
export async function uploadsOf(
  bucket: S3Bucket,
  name: string,
  key: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  if (bucket.dialect.lacks.has('list uploads')) return undefined;
  const ids: string[] = [];
  let markers = {};
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const command = new ListMultipartUploadsCommand({ Bucket: name, Prefix: key, ...markers });
    try {
      const page = await twiceIfDenied(() =>
        bucket.call('list multipart uploads', key, signal, () =>
          bucket.client.send(withSignal(command, signal)),
        ),
      );
      if (!isListing(bucket, page))
        throw otherAnswerFault(bucket, 'list multipart uploads', key, 'NoListing');
      for (const { Key, UploadId } of page.Uploads ?? [])
        if (Key === key && UploadId !== undefined) ids.push(UploadId);
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return ids;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    } catch (error) {
      const isForEver = bucket.dialect.emptyListings >= EMPTY_LISTINGS_MAX;
      if (!isNotTold(error, isForEver)) throw error;
      if (!isDenied(error)) bucket.dialect.lacks.add('list uploads');
      bucket.notice(
        `the open multipart uploads of a key cannot be listed (${error.code}): one whose name is lost in a crash stays ` +
          'open. Allow s3:ListBucketMultipartUploads on the bucket, or have a lifecycle rule abort unfinished uploads.',
      );
      return undefined;
    }
  }
  return undefined;
}

/**
 * Asks again after a denial, because a store that is busy with its accounts sometimes denies by
 * mistake.
 */
async function twiceIfDenied<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isDenied(error)) throw error;
    return ask();
  }
}

function isNotTold(error: unknown, isForEver = false): error is Fault {
  if (!(error instanceof Fault)) return false;
  return isForEver || isDenied(error) || [400, 405, 501].includes(statusOf(error.cause) ?? 0);
}

export function otherAnswerFault(bucket: S3Bucket, operation: string, key: string, code: string): Fault {
  return new Fault('transient', `${operation} was answered with something else`, {
    operation,
    subject: `${bucket.name}/${key}`,
    hint: 'The bytes were damaged on the way, or the store gave a wrong answer; halfpipe sends them again.',
    code,
  });
}
