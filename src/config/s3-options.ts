// The options of the bucket and its objects: a section of the schema.
import { flag, oneOf, size, text } from './formats.ts';
import type { OptionDraft } from './option.ts';
import { accountId, bucketName, endpointUrl, keyPrefix, metadata, tags } from './s3-formats.ts';

export const s3Options = {
  bucket: {
    doc: 'The bucket for the files, or the ARN of an access point. With s3.endpoint, also names that AWS does not allow, such as Camera_Archive or tenant:bucket.',
    accepts: bucketName,
    default: null,
    example: 'my-bucket',
  },
  prefix: {
    doc: "Text in front of each file's path; both together are the object's key. End it with / for a folder.",
    accepts: keyPrefix,
    default: '',
    example: 'camera-7/',
  },
  region: {
    doc: "Region of the bucket. Not set: the AWS SDK's own chain decides (AWS_REGION, shared config).",
    accepts: text(/^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/, 'a region such as eu-central-1'),
    default: null,
    nullable: true,
    example: 'eu-central-1',
  },
  endpoint: {
    doc: 'URL of an S3 server other than AWS.',
    accepts: endpointUrl,
    default: null,
    nullable: true,
    example: 'https://s3.example.com:9000',
  },
  forcePathStyle: {
    doc: 'Put the bucket into the path of URLs instead of the host name. Many servers other than AWS need true.',
    accepts: flag,
    default: false,
  },
  storageClass: {
    doc: "Storage class of the objects. Not set: the bucket's default.",
    accepts: text(/^[A-Za-z0-9_-]{1,64}$/, 'a storage class such as STANDARD_IA'),
    default: null,
    nullable: true,
    example: 'STANDARD_IA',
  },
  serverSideEncryption: {
    doc: "Encryption at rest: AES256, aws:kms or aws:kms:dsse. Not set: the bucket's default.",
    accepts: oneOf('AES256', 'aws:kms', 'aws:kms:dsse'),
    default: null,
    nullable: true,
    example: 'aws:kms',
  },
  kmsKeyId: {
    doc: 'Key for serverSideEncryption aws:kms or aws:kms:dsse: its id, ARN or alias.',
    accepts: text(/^[\x21-\x7e]{1,2048}$/, 'a KMS key id, ARN or alias such as alias/my-key'),
    default: null,
    nullable: true,
    example: 'alias/my-key',
  },
  acl: {
    doc: 'Canned ACL of the objects (x-amz-acl), which a bucket of another account may require. Not set: no ACL is sent.',
    accepts: oneOf(
      ...['private', 'public-read', 'public-read-write', 'authenticated-read', 'aws-exec-read'],
      ...['bucket-owner-read', 'bucket-owner-full-control'],
    ),
    default: null,
    nullable: true,
    example: 'bucket-owner-full-control',
  },
  requestPayer: {
    doc: 'Pay for the requests (x-amz-request-payer), as a bucket with requester pays requires.',
    accepts: flag,
    default: false,
  },
  expectedBucketOwner: {
    doc: 'The account that must own the bucket (x-amz-expected-bucket-owner). If another account owns a bucket of this name, it gets no files.',
    accepts: accountId,
    default: null,
    nullable: true,
    example: '123456789012',
  },
  conflict: {
    doc: 'What to do when a different object has the same key: keep-both adds a suffix to the new key, overwrite replaces the object, skip moves the file to quarantine.',
    accepts: oneOf('keep-both', 'overwrite', 'skip'),
    default: 'keep-both',
  },
  partSize: {
    doc: 'Larger files are uploaded in parts of this size, from 5 MiB to 4 GiB.',
    // A part is one Buffer in memory. S3 itself would accept 5 GiB.
    accepts: size('5 MiB', '4 GiB'),
    default: '8 MiB',
  },
  metadata: {
    doc: 'User-defined metadata for every object, at most 2 KB.',
    accepts: metadata,
    default: new Map(),
    sensitive: true,
    example: '{ source: camera-7 }',
  },
  tags: {
    doc: 'Tags for every object, at most 10.',
    accepts: tags,
    default: new Map(),
    sensitive: true,
    example: '{ team: imaging }',
  },
} satisfies Readonly<Record<string, OptionDraft<unknown>>>;
