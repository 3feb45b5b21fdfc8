// The listings of the embedded S3 server: objects, multipart uploads, parts; each in pages of at most 1,000.
import type { S3Bucket } from './s3-bucket.ts';
import type { PendingUpload, S3MultipartUploads } from './s3-multipart.ts';
import { xmlDocument } from './s3-xml.ts';

/** ListObjectsV2 with prefix, start-after and continuation-token; no delimiter. */
export function listObjects(bucket: S3Bucket, query: URLSearchParams): string {
  const token = query.get('continuation-token');
  const after =
    token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const keys = bucket.keys(query.get('prefix') ?? '').filter((key) => key > after);
  const page = keys.slice(0, pageSize(query, 'max-keys'));
  const last = page.at(-1);
  const truncated = page.length < keys.length && last !== undefined;
  return xmlDocument('ListBucketResult', {
    Name: bucket.name,
    Prefix: query.get('prefix') ?? '',
    KeyCount: page.length,
    MaxKeys: pageSize(query, 'max-keys'),
    IsTruncated: truncated,
    NextContinuationToken: truncated ? Buffer.from(last).toString('base64url') : undefined,
    Contents: page.map((key) => {
      const object = bucket.get(key);
      return {
        Key: key,
        ETag: `"${object?.etag}"`,
        Size: object?.sizeBytes,
        LastModified: new Date(object?.modifiedMs ?? 0).toISOString(),
        StorageClass: object?.headers['x-amz-storage-class'] ?? 'STANDARD',
      };
    }),
  });
}

/** ListMultipartUploads with prefix and the two markers. */
export function listUploads(uploads: S3MultipartUploads, query: URLSearchParams): string {
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const all = uploads.list(query.get('prefix') ?? '');
  const marked = all.findIndex((upload) => upload.key === keyMarker && upload.uploadId === idMarker);
  const left = marked >= 0 ? all.slice(marked + 1) : all.filter((upload) => upload.key > keyMarker);
  const page = left.slice(0, pageSize(query, 'max-uploads'));
  const truncated = page.length < left.length;
  return xmlDocument('ListMultipartUploadsResult', {
    IsTruncated: truncated,
    NextKeyMarker: truncated ? page.at(-1)?.key : undefined,
    NextUploadIdMarker: truncated ? page.at(-1)?.uploadId : undefined,
    Upload: page.map((upload) => ({
      Key: upload.key,
      UploadId: upload.uploadId,
      Initiated: new Date(upload.initiatedMs).toISOString(),
    })),
  });
}

/** ListParts with its marker. */
export function listParts(upload: PendingUpload, query: URLSearchParams): string {
  const marker = Number(query.get('part-number-marker') ?? 0);
  const parts = [...upload.parts.values()].sort((a, b) => a.number - b.number);
  const left = parts.filter((part) => part.number > marker);
  const page = left.slice(0, pageSize(query, 'max-parts'));
  const truncated = page.length < left.length;
  return xmlDocument('ListPartsResult', {
    Key: upload.key,
    UploadId: upload.uploadId,
    IsTruncated: truncated,
    NextPartNumberMarker: truncated ? page.at(-1)?.number : undefined,
    Part: page.map(({ number, digest, modifiedMs }) => ({
      PartNumber: number,
      ETag: `"${digest.md5Hex}"`,
      Size: digest.sizeBytes,
      LastModified: new Date(modifiedMs).toISOString(),
      ...(digest.checksum === undefined
        ? {}
        : {
            [`Checksum${digest.checksum.algorithm.toUpperCase()}`]: digest.checksum.value,
          }),
    })),
  });
}

function pageSize(query: URLSearchParams, name: string): number {
  return Math.min(Number(query.get(name) ?? 1000), 1000);
}
