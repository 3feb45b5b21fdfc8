// Stores as documentation and public reports describe them, with the source beside each quirk. A profile does not prove
// how a store behaves today. It is a form of answer that exists, and that halfpipe has to handle.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { S3Error } from './s3-error.ts';
import type { Asked, Quirks, S3Operation } from './store-quirks.ts';

export interface StoreProfile {
  readonly name: string;
  readonly sources: readonly string[];
  /** Made anew for each server: some remember. */
  readonly quirks: () => Quirks;
  /** The most bytes sent for one byte stored, over small, large and resumed files. */
  readonly sentTimes: number;
  /** Credentials that may only write: nothing can be told apart by reading. */
  readonly writeOnly?: true;
  /** What `check` has to leave behind. */
  readonly keeps?: 'versions' | 'objects';
}

const checksums = (headers: Asked['headers']) =>
  Object.keys(headers).filter((name) => /^x-amz-(sdk-)?checksum/.test(name));

/** Headers that the store takes and does not heed. */
function ignores(pattern: RegExp, operations?: readonly S3Operation[]) {
  return ({ headers, operation }: Asked) => {
    if (operations !== undefined && !operations.includes(operation)) return;
    for (const name of Object.keys(headers)) if (pattern.test(name)) delete headers[name];
  };
}

const CHECKSUMS = /^x-amz-checksum-/;
const CONDITION = /^if-none-match$/;
const backwards = (text: string) => [...text].reverse().join('');
const sha256Of = ({ bucket, key }: Asked) =>
  createHash('sha256')
    .update(readFileSync(bucket.fileOf(key)))
    .digest('base64');

function refuses(status: number, code: string, when: (asked: Asked) => boolean) {
  return (asked: Asked) => {
    if (when(asked)) throw new S3Error(status, code, `${asked.operation} is answered ${code} here.`);
  };
}

function all(...acts: ((asked: Asked) => void)[]) {
  return (asked: Asked) => {
    for (const act of acts) act(asked);
  };
}

const refusesCondition = refuses(
  501,
  'NotImplemented',
  ({ operation, headers }) => operation === 'PutObject' && headers['if-none-match'] !== undefined,
);

const versioned =
  (isLocked: boolean): (() => Quirks) =>
  () => ({
    ask: refuses(
      403,
      'AccessDenied',
      ({ operation, query }) => isLocked && operation === 'DeleteObject' && query.has('versionId'),
    ),
    head: (headers, { operation }) => {
      if (operation === 'PutObject' || operation === 'CompleteMultipartUpload')
        headers['x-amz-version-id'] = randomBytes(8).toString('hex');
    },
  });

const hexOfSomething = { show: backwards, read: backwards };
const opaque = {
  show: (etag: string) => `_${backwards(etag)}`,
  read: (shown: string) => backwards(shown.slice(1)),
};
const encrypted = (headers: Record<string, unknown>) => {
  headers['x-amz-server-side-encryption'] = 'aws:kms';
};

export const PROFILES: readonly StoreProfile[] = [
  {
    name: 'AWS S3',
    sources: ['Amazon S3 User Guide, "Checking object integrity" and "Conditional writes"'],
    quirks: () => ({}),
    sentTimes: 1.01,
  },
  {
    name: 'Cloudflare R2',
    sources: [
      'Alos-no/Cloudflare.NET#43: a part with a SHA-256 is answered 501, whole objects take one',
      's3fs-fuse/s3fs-fuse#2095: the ETag of a part is not its MD5',
    ],
    quirks: () => ({
      ask: refuses(
        501,
        'NotImplemented',
        ({ operation, headers }) =>
          operation === 'UploadPart' && headers['x-amz-checksum-sha256'] !== undefined,
      ),
      etag: opaque,
    }),
    sentTimes: 1.7,
  },
  {
    name: 'Backblaze B2',
    sources: [
      'iterate-ch/cyberduck#16107: 400 InvalidArgument, unsupported header x-amz-checksum-sha256',
      'root-gg/plik#508: …-algorithm on Create; vatesfr/xen-orchestra#8358: …-mode on HEAD',
    ],
    quirks: () => ({ ask: refuses(400, 'InvalidArgument', ({ headers }) => checksums(headers).length > 0) }),
    sentTimes: 1.7,
  },
  {
    name: 'Google Cloud Storage',
    sources: [
      'GoogleCloudPlatform/gsutil#1192: the ETag of a composite object is opaque (CMaExK7Mr+0CEAE=)',
      'googleapis/google-cloud-cpp#1175: x-goog-hash in the XML API',
      'Google Cloud documentation, "Request preconditions": PUT has x-goog-if-generation-match instead',
      'aws/aws-sdk-java-v2#6055: ignores If-None-Match on PUT',
    ],
    quirks: () => ({
      ask: all(ignores(CHECKSUMS), ignores(CONDITION)),
      head: (headers, { bucket, key, operation }) => {
        const etag = bucket.get(key)?.etag ?? '';
        if (/^[0-9a-f]{32}$/.test(etag) && operation !== 'UploadPart')
          headers['x-goog-hash'] = `crc32c=AAAAAA==, md5=${Buffer.from(etag, 'hex').toString('base64')}`;
        else if (etag !== '' && /^(Head|Get)Object$/.test(operation)) headers.etag = '"CMaExK7Mr+0CEAE="';
      },
      document: (xml, { operation }) =>
        operation === 'CompleteMultipartUpload'
          ? xml.replace(/<ETag>.*?<\/ETag>/, '<ETag>"CMaExK7Mr+0CEAE="</ETag>')
          : xml,
    }),
    sentTimes: 1.01,
  },
  {
    name: 'MinIO',
    sources: [
      'minio/minio#5161 and #17569: 400 XMinioInvalidObjectName',
      'minio/minio-go#1517: stale uploads go after 24 h',
    ],
    quirks: () => ({ ask: refuses(400, 'XMinioInvalidObjectName', ({ key }) => key.includes('\\')) }),
    sentTimes: 1.01,
  },
  {
    name: 'Ceph RGW',
    sources: [
      'Ceph RGW 16.2 itself, in test/system/interop.test.ts: no checksums, an empty ETag to a completion',
    ],
    quirks: () => ({
      ask: ignores(CHECKSUMS),
      document: (xml, { operation }) =>
        operation === 'CompleteMultipartUpload' ? xml.replace(/<ETag>.*?<\/ETag>/, '<ETag></ETag>') : xml,
    }),
    sentTimes: 1.01,
  },
  {
    name: 'OpenStack Swift',
    sources: [
      'Swift s3api itself, in test/system/interop.test.ts: 501 to If-None-Match on PUT, ignored on completion',
    ],
    quirks: () => ({
      ask: all(ignores(CHECKSUMS), refusesCondition, ignores(CONDITION)),
    }),
    sentTimes: 1.1,
  },
  {
    name: 'Alibaba OSS',
    sources: [
      's3tools/s3cmd#1286, s3ql/s3ql#402: ETags in upper case',
      'Alibaba Cloud, "PutObject": Content-MD5 in the answer, x-oss-forbid-overwrite instead of If-None-Match',
      'tobi/walgit#67: 501 NotImplemented to If-None-Match on PUT',
    ],
    quirks: () => ({
      ask: all(ignores(CHECKSUMS), refusesCondition, ignores(CONDITION)),
      etag: { show: (etag) => etag.toUpperCase(), read: (shown) => shown.toLowerCase() },
      head: (headers, { operation, bucket, key }) => {
        const etag = bucket.get(key)?.etag ?? '';
        if (operation === 'HeadObject' && etag.length === 32)
          headers['content-md5'] = Buffer.from(etag, 'hex').toString('base64');
      },
    }),
    sentTimes: 1.1,
  },
  {
    name: 'Wasabi',
    sources: [
      'stonith404/pingvin-share#788: uploads with checksums fail (how is not said; taken as B2 answers)',
    ],
    quirks: () => ({
      ask: all(
        refuses(
          400,
          'InvalidRequest',
          ({ headers, operation }) => operation !== 'HeadObject' && checksums(headers).length > 0,
        ),
        ignores(CONDITION),
      ),
    }),
    sentTimes: 1.7,
  },
  {
    name: 'Garage',
    sources: [
      'Garage documentation, "S3 compatibility status"; seaweedfs/seaweedfs#11401 for the form: no checksum of a completed upload',
    ],
    quirks: () => ({
      document: (xml, { operation }) =>
        operation === 'CompleteMultipartUpload'
          ? xml.replace(/<Checksum.*<\/Checksum(SHA256|Type)>/, '')
          : xml,
      head: (headers, { bucket, key }) => {
        if (bucket.get(key)?.etag.includes('-')) delete headers['x-amz-checksum-sha256'];
      },
    }),
    sentTimes: 1.01,
  },
  {
    name: 'SeaweedFS',
    sources: [
      'seaweedfs/seaweedfs#11401: HEAD tells no SHA-256 of an upload in parts',
      'seaweedfs/seaweedfs#9768: ListParts answers other ETags than UploadPart',
    ],
    quirks: () => ({
      ask: ignores(CHECKSUMS, ['CreateMultipartUpload', 'UploadPart', 'HeadObject']),
      document: (xml, { operation }) =>
        operation === 'ListParts' ? xml.replace(/(<ETag>[^<]*?[0-9a-f]{32})/g, '$1-1') : xml,
    }),
    sentTimes: 1.7,
  },
  {
    name: 'floci',
    sources: ['floci-io/floci#3083: the SHA-256 of the whole, called COMPOSITE'],
    quirks: () => ({
      document: (xml, asked) =>
        asked.operation === 'CompleteMultipartUpload'
          ? xml
              .replace(/<ChecksumSHA256>.*?</, `<ChecksumSHA256>${sha256Of(asked)}<`)
              .replace(/<ETag>.*?<\/ETag>/, '<ETag>"opaque"</ETag>')
          : xml,
      head: (headers, asked) => {
        if (asked.operation === 'HeadObject' && String(headers['x-amz-checksum-sha256']).includes('-'))
          headers['x-amz-checksum-sha256'] = sha256Of(asked);
      },
    }),
    sentTimes: 1.01,
  },
  {
    name: 'ministack',
    sources: ['ministackorg/ministack#1435: a completion ignores If-None-Match, as it does at LocalStack'],
    quirks: () => ({ ask: ignores(CONDITION, ['CompleteMultipartUpload']) }),
    sentTimes: 1.01,
  },
  {
    name: 'chimera',
    sources: [
      'chimera-nas/chimera#469, #480: ETags of 32 hex digits that are no MD5s',
      'chimera-nas/chimera#471: conditions are not read',
    ],
    quirks: () => ({ ask: all(ignores(CHECKSUMS), ignores(CONDITION)), etag: hexOfSomething }),
    sentTimes: 1.7,
  },
  {
    name: 'a gateway without HEAD and ranges',
    sources: ['RFC 9110, 14.2: a server may ignore Range; aws/aws-cli#8084 for requests that gateways lack'],
    quirks: () => ({
      ask: all(
        ignores(CHECKSUMS),
        ignores(/^range$/),
        refuses(405, 'MethodNotAllowed', ({ operation }) => operation === 'HeadObject'),
        refuses(
          501,
          'NotImplemented',
          ({ operation }) => operation === 'ListParts' || operation === 'ListMultipartUploads',
        ),
      ),
      etag: opaque,
    }),
    sentTimes: 1.7,
  },
  {
    name: 'a proxy that weakens ETags and hides lengths',
    sources: ['RFC 9110, 8.8.3: weak validators; nginx, ngx_http_gzip_module: W/ and no Content-Length'],
    quirks: () => ({
      ask: ignores(CHECKSUMS),
      head: (headers, { operation }) => {
        if (headers.etag !== undefined) headers.etag = `W/${headers.etag}`;
        if (operation === 'HeadObject') delete headers['content-length'];
      },
    }),
    sentTimes: 1.01,
  },
  {
    name: 'a bucket with versions',
    sources: [
      'Amazon S3 User Guide, "How S3 Versioning works"; s3gw-tech/s3gw#690: a plain delete leaves a marker',
    ],
    quirks: versioned(false),
    sentTimes: 1.01,
  },
  {
    name: 'a bucket with locked versions',
    sources: ['versity/versitygw#1766: a locked version is not deleted'],
    quirks: versioned(true),
    sentTimes: 1.01,
    keeps: 'versions',
  },
  {
    name: 'a bucket encrypted with SSE-KMS',
    sources: ['Amazon S3 API, "Object": the ETag of an object encrypted with KMS is no MD5'],
    quirks: () => ({ etag: hexOfSomething, head: encrypted }),
    sentTimes: 1.01,
  },
  {
    name: 'a bucket encrypted with SSE-KMS, without checksums',
    sources: ['as before, at a store that keeps no checksums'],
    quirks: () => ({ ask: ignores(CHECKSUMS), etag: hexOfSomething, head: encrypted }),
    sentTimes: 1.01,
  },
  {
    name: 'write-only credentials',
    sources: ['awslabs/mountpoint-s3#602, rclone/rclone#1421: s3:PutObject alone'],
    quirks: () => ({
      ask: refuses(403, 'AccessDenied', ({ operation }) => /^(Head|Get|List|Delete)/.test(operation)),
    }),
    sentTimes: 1.7,
    writeOnly: true,
    keeps: 'objects',
  },
];
