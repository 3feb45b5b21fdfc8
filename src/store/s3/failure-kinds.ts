// What each failure that a store can answer with means for the drain and for the operator. Data
// only; classify reads it. The names are S3's
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), the SDK's and Node's, and
// also MinIO's (minio/minio, cmd/api-errors.go), Google's ("HTTP status and error codes for XML"),
// Alibaba's ("Self-help troubleshooting by using error codes"), Ceph's ("S3 common response status
// codes") and StorageGRID's.
import type { FaultClass } from '../../system/fault.ts';

export interface FailureKind {
  readonly faultClass: FaultClass;
  readonly hint?: string;
  /** The store works, and asks for fewer requests. */
  readonly asksForFewer?: boolean;
}

export const transient = (hint: string): FailureKind => ({ faultClass: 'transient', hint });
export const breaker = (hint: string): FailureKind => ({ faultClass: 'breaker', hint });
const file = (hint: string): FailureKind => ({ faultClass: 'file', hint });
/**
 * The key, the size or the whole store may be the cause. The drain finds out with an object of its
 * own.
 */
const doubtful = (hint: string): FailureKind => ({ faultClass: 'unknown', hint });

const WRONG_KEYS = breaker(
  'The access key or secret is wrong, or belongs to another store: correct the credentials.',
);
const EXPIRED = breaker('The credentials have expired: renew them, then reload (systemctl reload halfpipe).');
const CLOCK = breaker("This machine's clock is wrong: set it (timedatectl set-ntp true).");
const ELSEWHERE = breaker(
  'The bucket is in another region or at another endpoint: set s3.region or s3.endpoint.',
);
const DENIED = doubtful(
  'The credentials may not do this: below the prefix allow s3:PutObject, s3:GetObject, s3:AbortMultipartUpload and ' +
    's3:ListMultipartUploadParts (on the bucket, s3:ListBucket is optional).',
);
const NO_ROOM = breaker('The store is full or over its quota: make room there or raise the quota.');
const KMS = breaker(
  'The KMS key cannot be used: check s3.kmsKeyId, its state and the permission kms:GenerateDataKey.',
);
const UNSUPPORTED = doubtful('The store does not support this: check s3.endpoint and the s3 settings.');
const SETTING = breaker(
  'The store refuses one of the s3 settings: check storageClass, encryption, metadata and tags.',
);
export const BROKEN = transient('The connection broke; halfpipe tries again.');
const NOT_THE_STORE = transient(
  'Something answers in place of the store: check s3.endpoint and any proxy on the way.',
);
const BUSY = transient('The store is busy; halfpipe tries again.');
const TOO_MANY: FailureKind = { ...BUSY, asksForFewer: true };
const SUSPENDED = breaker('The account is suspended or unpaid at the store: ask its provider.');
const PAYER = breaker('The bucket makes the requester pay: set s3.requestPayer to true.');
const BEGUN_ANEW = transient('A part of the multipart upload is gone; the upload begins anew.');
const BAD_NAME = file('The store does not accept this name: rename the file.');
const NAME_AND_FOLDER = file(
  'One name cannot be both an object and a folder at this store: rename the file or its folder, or move the object.',
);
const LOCKED = file(
  'The store does not allow this object to be replaced: rename the file, or set s3.conflict to keep-both.',
);
const TOO_LARGE =
  'The store is over its quota, or a proxy accepts no request of this size: make room, or lower s3.partSize (nginx: ' +
  'client_max_body_size).';
const DAMAGED = transient('The bytes were damaged on the way; halfpipe sends them again.');

/** Keyed by the error's name, as the store or the SDK gives it. */
export const KINDS_BY_NAME: Readonly<Record<string, FailureKind>> = {
  InvalidAccessKeyId: WRONG_KEYS,
  // A proxy that rewrites some names breaks the signatures of requests with these names only.
  SignatureDoesNotMatch: { ...WRONG_KEYS, faultClass: 'unknown' },
  InvalidSecurity: WRONG_KEYS,
  InvalidToken: WRONG_KEYS,
  CredentialsProviderError: breaker(
    'No credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role.',
  ),
  TokenProviderError: EXPIRED,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  RequestTimeTooSkewed: CLOCK,
  RequestExpired: CLOCK,
  RequestInTheFuture: CLOCK,
  NoSuchBucket: breaker('The bucket does not exist: create it or correct s3.bucket.'),
  InvalidBucketName: breaker('The bucket has no valid name: correct s3.bucket.'),
  AccessDenied: DENIED,
  Forbidden: DENIED,
  AllAccessDisabled: DENIED,
  Unauthorized: DENIED,
  AccessForbidden: DENIED,
  AccountProblem: SUSPENDED,
  NotSignedUp: SUSPENDED,
  UserSuspended: SUSPENDED,
  UserDisable: SUSPENDED,
  AccountOverdue: SUSPENDED,
  UserProjectAccountProblem: SUSPENDED,
  UserProjectMissing: PAYER,
  InvalidPayer: PAYER,
  NoSuchAccessPoint: breaker('The access point does not exist: correct s3.bucket.'),
  AccessControlListNotSupported: breaker('The bucket accepts no ACLs: remove s3.acl.'),
  PermanentRedirect: ELSEWHERE,
  TemporaryRedirect: transient('The bucket is being moved; halfpipe tries again.'),
  Redirect: ELSEWHERE,
  AuthorizationHeaderMalformed: ELSEWHERE,
  IllegalLocationConstraintException: ELSEWHERE,
  InvalidRegionName: ELSEWHERE,
  QuotaExceeded: NO_ROOM,
  QuotaExceededException: NO_ROOM,
  InsufficientCapacity: NO_ROOM,
  XMinioStorageFull: NO_ROOM,
  XMinioAdminBucketQuotaExceeded: NO_ROOM,
  InvalidStorageClass: breaker('The store has no such storage class: correct s3.storageClass.'),
  InvalidObjectState: doubtful(
    'The object is archived and cannot be read back to compare it: set an s3.storageClass that can be read.',
  ),
  InvalidEncryptionAlgorithmError: SETTING,
  InvalidTag: SETTING,
  MetadataTooLarge: SETTING,
  MethodNotAllowed: UNSUPPORTED,
  NotImplemented: UNSUPPORTED,
  MissingContentLength: UNSUPPORTED,
  // No part is larger than s3.partSize, so this is a limit of a proxy, or a quota as Swift reports
  // it. No file is to blame.
  EntityTooLarge: breaker(TOO_LARGE),
  // The upload begins anew. If parts are too small each time, the operator is needed after the last
  // attempt.
  EntityTooSmall: {
    faultClass: 'unknown',
    hint: 'A part is smaller than the store accepts; the upload begins anew. If it fails again, raise s3.partSize.',
  },
  KeyTooLongError: file('The name is too long for the store: shorten the file or folder name, or s3.prefix.'),
  KeyTooLong: file('The name is too long for the store: shorten the file or folder name, or s3.prefix.'),
  InvalidURI: BAD_NAME,
  InvalidObjectName: BAD_NAME,
  XMinioInvalidObjectName: BAD_NAME,
  XMinioInvalidResourceName: BAD_NAME,
  XMinioParentIsObject: NAME_AND_FOLDER,
  XMinioObjectExistsAsDirectory: NAME_AND_FOLDER,
  ObjectExistsAsPrefix: NAME_AND_FOLDER,
  FileAlreadyExists: LOCKED,
  FileImmutable: LOCKED,
  ObjectNotAppendable: LOCKED,
  ObjectUnderActiveHold: LOCKED,
  RetentionPolicyNotMet: LOCKED,
  BadDigest: DAMAGED,
  InvalidDigest: DAMAGED,
  CrcMismatch: DAMAGED,
  XAmzContentSHA256Mismatch: DAMAGED,
  XAmzContentChecksumMismatch: DAMAGED,
  IncompleteBody: BROKEN,
  RequestTimeout: BROKEN,
  TimeoutError: transient('The store did not answer in time: check the network and s3.endpoint.'),
  InternalError: BUSY,
  ServiceUnavailable: TOO_MANY,
  SlowDown: TOO_MANY,
  SlowDownRead: TOO_MANY,
  SlowDownWrite: TOO_MANY,
  Throttling: TOO_MANY,
  ThrottlingException: TOO_MANY,
  TooManyRequestsException: TOO_MANY,
  RequestLimitExceeded: TOO_MANY,
  BandwidthLimitExceeded: TOO_MANY,
  RateLimitExceeded: TOO_MANY,
  TooManyRequests: TOO_MANY,
  QpsLimitExceeded: TOO_MANY,
  UploadTrafficRateLimitExceeded: TOO_MANY,
  ServerBusy: BUSY,
  OperationTimedOut: BUSY,
  XMinioServerNotInitialized: BUSY,
  XMinioBackendDown: BUSY,
  XMinioMaintenanceMode: BUSY,
  OperationAborted: BUSY,
  ConditionalRequestConflict: transient('Another upload to the same key was running; halfpipe tries again.'),
  PreconditionFailed: transient('Another object took the key meanwhile; halfpipe looks at the key again.'),
  NoSuchKey: transient('The object disappeared meanwhile; halfpipe looks at the key again.'),
  NoSuchUpload: transient('The multipart upload is gone; the upload begins anew.'),
  InvalidPart: BEGUN_ANEW,
  FilePartNotExist: BEGUN_ANEW,
  FilePartStale: BEGUN_ANEW,
  FilePartInterity: BEGUN_ANEW,
  InvalidPartOrder: transient(
    'The parts of the multipart upload are in the wrong order; the upload begins anew.',
  ),
};

/** The kind for a file sent whole, because its size alone may be the cause. */
export const FILE_TOO_LARGE = doubtful(TOO_LARGE);
/** When a multipart upload is completed, `EntityTooLarge` is about the whole object. */
export const OBJECT_TOO_LARGE = file('The store accepts no object of this size.');
/** KMS's error names come through S3 as `KMS.DisabledException` and similar. */
export const KMS_NAME = /^(KMS\.|KMSInvalid|KMSDisabled|KMSKey|KMSNotConfigured|CloudKms|XMinioKMS)/;
export const KMS_KIND = KMS;
/**
 * With s3.serverSideEncryption aws:kms, parts may be denied although whole objects are accepted.
 */
export const KMS_DECRYPT_KIND = breaker(
  'Multipart uploads need more permissions on the KMS key: allow kms:Decrypt as well as kms:GenerateDataKey, and s3:PutObject below the prefix.',
);
/** Errors of Node's HTTP parser and sockets: the answer did not come from a store. */
export const HTTP_CODE = /^(HPE_|ERR_HTTP_|ERR_STREAM_|ERR_REQUEST_|ERR_SOCKET_)/;
export const HTTP_KIND = transient(
  'The answer could not be read: check s3.endpoint and any proxy on the way.',
);

/**
 * Judges by the status alone, when no name says more. The answer to a HEAD has no body and so no
 * name.
 */
export function kindOfStatus(status: number): FailureKind | undefined {
  if (status === 507) return NO_ROOM;
  if (status === 501 || status === 405 || status === 411) return UNSUPPORTED;
  if (status === 401 || status === 403) return DENIED;
  if (status === 301 || status === 302 || status === 308) return ELSEWHERE;
  if (status === 404) return NOT_THE_STORE;
  if (status === 413) return KINDS_BY_NAME.EntityTooLarge;
  if (status === 429) return TOO_MANY;
  if (status === 408 || status === 409 || status === 412 || status === 425) return BUSY;
  if (status >= 500 || status === 307) return BUSY;
  return undefined;
}
