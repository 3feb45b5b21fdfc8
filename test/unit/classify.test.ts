import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify } from '../../src/store/classify.ts';
import { Fault, type FaultClass } from '../../src/system/fault.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

function answer(name: string, status: number, headers: Record<string, string> = {}): Error {
  return Object.assign(new Error('whatever'), {
    name,
    $metadata: { httpStatusCode: status },
    $response: { headers },
  });
}

function broken(code: string, name = 'Error'): Error {
  return Object.assign(new Error('whatever'), { name, code });
}

const CASES: [Error, FaultClass, string | undefined, RegExp | undefined][] = [
  [answer('InternalError', 500), 'transient', 'InternalError', /busy/],
  [answer('SlowDown', 503), 'transient', 'SlowDown', /busy/],
  [answer('UnknownError', 502), 'transient', 'Http502', /busy/],
  [answer('UnknownError', 429), 'transient', 'Http429', /busy/],
  [answer('RequestTimeout', 400), 'transient', 'RequestTimeout', /broke/],
  [answer('BadDigest', 400), 'transient', 'BadDigest', /damaged/],
  [answer('InvalidDigest', 400), 'transient', 'InvalidDigest', /damaged/],
  [answer('XAmzContentSHA256Mismatch', 400), 'transient', 'XAmzContentSHA256Mismatch', /damaged/],
  [answer('ConditionalRequestConflict', 409), 'transient', 'ConditionalRequestConflict', /same key/],
  [answer('NoSuchUpload', 404), 'transient', 'NoSuchUpload', /anew/],
  [answer('InvalidAccessKeyId', 403), 'breaker', 'InvalidAccessKeyId', /credentials/],
  [answer('SignatureDoesNotMatch', 403), 'breaker', 'SignatureDoesNotMatch', /secret/],
  [answer('ExpiredToken', 400), 'breaker', 'ExpiredToken', /expired/],
  [answer('RequestTimeTooSkewed', 403), 'breaker', 'RequestTimeTooSkewed', /clock/],
  [answer('NoSuchBucket', 404), 'breaker', 'NoSuchBucket', /s3\.bucket/],
  [answer('AccessDenied', 403), 'breaker', 'AccessDenied', /s3:PutObject/],
  [answer('UnknownError', 403), 'breaker', 'Http403', /s3:PutObject/],
  [answer('PermanentRedirect', 301), 'breaker', 'PermanentRedirect', /region/],
  [answer('UnknownError', 301), 'breaker', 'Http301', /region/],
  [answer('AuthorizationHeaderMalformed', 400), 'breaker', 'AuthorizationHeaderMalformed', /region/],
  [answer('QuotaExceeded', 403), 'breaker', 'QuotaExceeded', /quota/],
  [answer('UnknownError', 507), 'breaker', 'Http507', /full/],
  [answer('InvalidStorageClass', 400), 'breaker', 'InvalidStorageClass', /storageClass/],
  [answer('KMS.DisabledException', 400), 'breaker', 'KMS.DisabledException', /kmsKeyId/],
  [answer('MethodNotAllowed', 405), 'breaker', 'MethodNotAllowed', /support/],
  [broken('ENOENT', 'CredentialsProviderError'), 'breaker', 'ENOENT', /credentials/i],
  [broken('CERT_HAS_EXPIRED'), 'breaker', 'CERT_HAS_EXPIRED', /NODE_EXTRA_CA_CERTS/],
  [broken('DEPTH_ZERO_SELF_SIGNED_CERT'), 'breaker', 'DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
  [broken('ERR_TLS_CERT_ALTNAME_INVALID'), 'breaker', 'ERR_TLS_CERT_ALTNAME_INVALID', /certificate/],
  [answer('EntityTooLarge', 400), 'file', 'EntityTooLarge', /size/],
  [answer('KeyTooLongError', 400), 'file', 'KeyTooLongError', /[Ss]horten/],
  [answer('UnknownError', 413), 'file', 'Http413', /size/],
  [broken('ENOTFOUND'), 'transient', 'ENOTFOUND', /resolved/],
  [broken('EAI_AGAIN'), 'transient', 'EAI_AGAIN', /resolved/],
  [broken('ECONNREFUSED', 'TimeoutError'), 'transient', 'ECONNREFUSED', /reached/],
  [broken('ECONNRESET', 'TimeoutError'), 'transient', 'ECONNRESET', /broke/],
  [broken('ERR_REQUEST_IDLE', 'TimeoutError'), 'transient', 'ERR_REQUEST_IDLE', undefined],
  [broken('HPE_INVALID_CONSTANT'), 'transient', 'HPE_INVALID_CONSTANT', /proxy/],
  [answer('SomethingNew', 400), 'unknown', 'SomethingNew', undefined],
  [new Error('who knows'), 'unknown', undefined, undefined],
  [answer('toString', 400), 'unknown', 'toString', undefined],
];

for (const [error, faultClass, code, hint] of CASES) {
  test(`${error.name} ${code ?? ''} is ${faultClass}`, () => {
    const fault = classify(error, 'put object', 'bucket/key', NOW);
    assert.equal(fault.faultClass, faultClass);
    assert.equal(fault.code, code);
    if (hint !== undefined) assert.match(fault.hint ?? '', hint);
    assert.equal(fault.cause, error);
  });
}

test('looks into an error that stands for all addresses tried', () => {
  const error = new AggregateError([broken('ECONNREFUSED'), broken('ECONNREFUSED')]);
  assert.equal(classify(error, 'put object', 'key', NOW).faultClass, 'transient');
});

test('returns a Fault as it is', () => {
  const fault = new Fault('changed', 'x', { operation: 'read', subject: 'a' });
  assert.equal(classify(fault, 'put object', 'key', NOW), fault);
});

for (const thrown of [undefined, null, 'text', 7, { $metadata: null }]) {
  test(`classifies ${JSON.stringify(thrown) ?? 'undefined'} as unknown`, () => {
    assert.equal(classify(thrown, 'put object', 'key', NOW).faultClass, 'unknown');
  });
}

for (const [header, expected] of [
  ['7', 7_000],
  ['0', 0],
  ['1.5', 1_500],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Thu, 01 Jan 2015 00:00:30 GMT', 0],
  ['999999', 900_000],
  ['soon', undefined],
] as const) {
  test(`Retry-After: ${header} is ${expected} ms`, () => {
    const fault = classify(answer('SlowDown', 503, { 'retry-after': header }), 'put object', 'key', NOW);
    assert.equal(fault.retryAfterMs, expected);
  });
}

test('what a store says stays on one harmless line', () => {
  const error = Object.assign(new Error('a\nb\u001b[31m'), { name: 'SomethingNew' });
  const fault = classify(error, 'put object', 'bucket/a\nb', NOW);
  assert.doesNotMatch(fault.message + fault.subject, /\p{Cc}/u);
});
