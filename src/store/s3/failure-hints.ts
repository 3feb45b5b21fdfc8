// Hints that depend on the request and on how halfpipe runs. Pure functions.
import type { Fault } from '../../system/fault.ts';
import type { Service } from '../../system/service.ts';

/** Codes that mean: the name of the endpoint was not found. */
export const NAME_CODES: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_NODATA',
  'EAI_FAIL',
  'EAI_NONAME',
  'EAI_AGAIN',
  'ERR_NAME_TIMEOUT',
]);

const WRONG_KEY = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidSecurity', 'InvalidToken']);
const EXPIRED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'TokenProviderError',
]);

/** The hint after an answer about the credentials: which file to change, and what to type then. */
export function newKeyHint(
  code: string,
  { credentialsFile, afterNewKey, isManaged }: Service,
): string | undefined {
  const where = credentialsFile === undefined ? '' : ` in ${credentialsFile}`;
  const then = isManaged ? `, then ${afterNewKey}` : '';
  if (WRONG_KEY.has(code))
    return `The access key or secret is wrong, or belongs to another store: correct the credentials${where}${then}.`;
  if (EXPIRED.has(code)) return `The credentials have expired: renew them${where}${then}.`;
  if (code !== 'CredentialsProviderError') return undefined;
  return credentialsFile === undefined
    ? 'No credentials were found: write a key into ~/.aws/credentials, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role.'
    : `No credentials were found: write aws_access_key_id and aws_secret_access_key below [default] in ${credentialsFile}${then}.`;
}

/**
 * Hints are written for the packaged service. `halfpipe@NAME` has its own files and unit, and this
 * puts their names in.
 */
export function hintForUnit(hint: string, unit: string): string {
  const instance = /^halfpipe@(.+)$/.exec(unit)?.[1];
  if (instance === undefined) return hint;
  return hint
    .replaceAll(/\/etc\/default\/halfpipe(?![-\w])/g, `/etc/default/halfpipe-${instance}`)
    .replaceAll(/\b(restart|reload) halfpipe(?![-@\w])/g, `$1 ${unit}`);
}

/**
 * The permission for each of our operations; see
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
const PERMISSIONS: Readonly<Record<string, string>> = {
  'put object': 's3:PutObject',
  'begin multipart upload': 's3:PutObject',
  'upload part': 's3:PutObject',
  'complete multipart upload': 's3:PutObject',
  'abort multipart upload': 's3:AbortMultipartUpload',
  'list parts': 's3:ListMultipartUploadParts',
  'look up object': 's3:GetObject',
  'read object back': 's3:GetObject',
  'delete object': 's3:DeleteObject',
};

const DENIED = new Set(['AccessDenied', 'Forbidden', 'Http403', 'AllAccessDisabled']);

/** Names the missing permission, and for which keys. */
export function deniedHint({ code = '', operation, subject, hint = '' }: Fault): string | undefined {
  const permission = PERMISSIONS[operation];
  if (permission === undefined || !DENIED.has(code)) return undefined;
  const keys = subject.replace(/[^/]*$/, '*');
  const encryption = hint.includes('kms:') ? ` ${hint}` : '';
  return `The credentials may not do this: allow ${permission} on ${keys}.${encryption}`;
}
