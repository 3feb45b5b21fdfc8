import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify } from '../../src/store/s3/classify.ts';
import { KINDS_BY_CODE } from '../../src/store/s3/connection-kinds.ts';
import { KINDS_BY_NAME } from '../../src/store/s3/failure-kinds.ts';
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
  [answer('SlowDownRead', 503), 'transient', 'SlowDownRead', /busy/],
  [answer('SlowDownWrite', 503), 'transient', 'SlowDownWrite', /busy/],
  [answer('Throttling', 400), 'transient', 'Throttling', /busy/],
  [answer('ThrottlingException', 400), 'transient', 'ThrottlingException', /busy/],
  [answer('RequestLimitExceeded', 400), 'transient', 'RequestLimitExceeded', /busy/],
  [answer('BandwidthLimitExceeded', 400), 'transient', 'BandwidthLimitExceeded', /busy/],
  [answer('Unknown', 503), 'transient', 'Http503', /busy/],
  [answer('InvalidTag', 400), 'breaker', 'InvalidTag', /tags/],
  [answer('RequestTimeout', 400), 'transient', 'RequestTimeout', /broke/],
  [answer('BadDigest', 400), 'transient', 'BadDigest', /damaged/],
  [answer('InvalidDigest', 400), 'transient', 'InvalidDigest', /damaged/],
  [answer('XAmzContentSHA256Mismatch', 400), 'transient', 'XAmzContentSHA256Mismatch', /damaged/],
  [answer('ConditionalRequestConflict', 409), 'transient', 'ConditionalRequestConflict', /same key/],
  [answer('NoSuchUpload', 404), 'transient', 'NoSuchUpload', /anew/],
  [answer('InvalidAccessKeyId', 403), 'breaker', 'InvalidAccessKeyId', /credentials/],
  [answer('SignatureDoesNotMatch', 403), 'unknown', 'SignatureDoesNotMatch', /secret/],
  [answer('ExpiredToken', 400), 'breaker', 'ExpiredToken', /expired/],
  [answer('RequestTimeTooSkewed', 403), 'breaker', 'RequestTimeTooSkewed', /clock/],
  [answer('NoSuchBucket', 404), 'breaker', 'NoSuchBucket', /s3\.bucket/],
  [answer('AccessDenied', 403), 'unknown', 'AccessDenied', /s3:PutObject/],
  [answer('PermanentRedirect', 301), 'breaker', 'PermanentRedirect', /region/],
  [answer('AuthorizationHeaderMalformed', 400), 'breaker', 'AuthorizationHeaderMalformed', /region/],
  [answer('QuotaExceeded', 403), 'breaker', 'QuotaExceeded', /quota/],
  [answer('InvalidStorageClass', 400), 'breaker', 'InvalidStorageClass', /storageClass/],
  [answer('InvalidObjectState', 403), 'unknown', 'InvalidObjectState', /archived/],
  [answer('KMS.DisabledException', 400), 'breaker', 'KMS.DisabledException', /kmsKeyId/],
  [answer('MethodNotAllowed', 405), 'unknown', 'MethodNotAllowed', /support/],
  [broken('ENOENT', 'CredentialsProviderError'), 'breaker', 'ENOENT', /credentials/i],
  [broken('CERT_HAS_EXPIRED'), 'breaker', 'CERT_HAS_EXPIRED', /expired/],
  [broken('DEPTH_ZERO_SELF_SIGNED_CERT'), 'breaker', 'DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
  [broken('ERR_TLS_CERT_ALTNAME_INVALID'), 'breaker', 'ERR_TLS_CERT_ALTNAME_INVALID', /certificate/],
  [answer('EntityTooLarge', 400), 'unknown', 'EntityTooLarge', /quota.*s3\.partSize/],
  [answer('NoSuchKey', 404), 'transient', 'NoSuchKey', /disappeared/],
  [answer('NotFound', 404), 'transient', 'NotFound', /in place of the store/],
  [answer('KeyTooLongError', 400), 'file', 'KeyTooLongError', /[Ss]horten/],
  // A name the store will never take is that file's, however many such files there are (minio/minio#5161, #9865).
  [answer('XMinioInvalidObjectName', 400), 'file', 'XMinioInvalidObjectName', /rename/],
  [answer('XMinioParentIsObject', 400), 'file', 'XMinioParentIsObject', /object and a folder/],
  [answer('XMinioObjectExistsAsDirectory', 409), 'file', 'XMinioObjectExistsAsDirectory', /folder/],
  [answer('InvalidObjectName', 400), 'file', 'InvalidObjectName', /rename/],
  [answer('KeyTooLong', 400), 'file', 'KeyTooLong', /shorten/],
  [answer('FileImmutable', 409), 'file', 'FileImmutable', /keep-both/],
  [answer('RetentionPolicyNotMet', 403), 'file', 'RetentionPolicyNotMet', /keep-both/],
  [answer('XMinioServerNotInitialized', 503), 'transient', 'XMinioServerNotInitialized', /busy/],
  [answer('QpsLimitExceeded', 503), 'transient', 'QpsLimitExceeded', /busy/],
  [answer('UserSuspended', 403), 'breaker', 'UserSuspended', /suspended/],
  [answer('UserDisable', 403), 'breaker', 'UserDisable', /unpaid/],
  [answer('UserProjectMissing', 400), 'breaker', 'UserProjectMissing', /requestPayer/],
  [answer('AccessControlListNotSupported', 400), 'breaker', 'AccessControlListNotSupported', /s3\.acl/],
  [answer('NoSuchAccessPoint', 404), 'breaker', 'NoSuchAccessPoint', /s3\.bucket/],
  [answer('CloudKmsDisabledKey', 400), 'breaker', 'CloudKmsDisabledKey', /kmsKeyId/],
  [answer('FilePartNotExist', 400), 'transient', 'FilePartNotExist', /anew/],
  [broken('ENOTFOUND'), 'transient', 'ENOTFOUND', /resolved/],
  [broken('EAI_AGAIN', 'getaddrinfo'), 'transient', 'EAI_AGAIN', /name server/],
  [broken('EAI_FAIL'), 'transient', 'EAI_FAIL', /resolved/],
  [broken('ENOBUFS'), 'transient', 'ENOBUFS', /reached/],
  [broken('ENETRESET'), 'transient', 'ENETRESET', /reached/],
  [broken('ENOTCONN'), 'transient', 'ENOTCONN', /reached/],
  [broken('EPROTO'), 'breaker', 'EPROTO', /http:\/\/ in s3\.endpoint/],
  [broken('ERR_SSL_WRONG_VERSION_NUMBER'), 'breaker', 'ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS/],
  [
    broken('ERR_SSL_PACKET_LENGTH_TOO_LONG'),
    'breaker',
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    /does not speak TLS/,
  ],
  [broken('ECONNREFUSED', 'TimeoutError'), 'transient', 'ECONNREFUSED', /reached/],
  [broken('ECONNRESET', 'TimeoutError'), 'transient', 'ECONNRESET', /broke/],
  [broken('ERR_REQUEST_IDLE', 'TimeoutError'), 'transient', 'ERR_REQUEST_IDLE', undefined],
  [broken('EMFILE'), 'transient', 'EMFILE', /LimitNOFILE/],
  [broken('HPE_INVALID_CONSTANT'), 'transient', 'HPE_INVALID_CONSTANT', /proxy/],
  [answer('SomethingNew', 400), 'unknown', 'SomethingNew', undefined],
  [new Error('who knows'), 'unknown', undefined, undefined],
  [answer('toString', 400), 'unknown', 'toString', undefined],
  [answer('NoKMS.Failure', 400), 'unknown', 'NoKMS.Failure', undefined],
  [broken('NO_CERT_AT_ALL'), 'unknown', 'NO_CERT_AT_ALL', undefined],
  [broken('UND_ERR_SOCKET_X'), 'unknown', 'UND_ERR_SOCKET_X', undefined],
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

for (const [operation, usesKms, hint] of [
  ['upload part', true, /kms:Decrypt/],
  ['complete multipart upload', true, /kms:Decrypt/],
  ['put object', true, /s3:PutObject/],
  ['upload part', false, /^The credentials may not do this/],
] as const) {
  test(`${operation} denied ${usesKms ? 'with' : 'without'} KMS names ${hint}`, () => {
    const fault = classify(answer('AccessDenied', 403), operation, 'bucket/key', NOW, usesKms);
    assert.match(fault.hint ?? '', hint);
  });
}

for (const [statuses, faultClass, hint] of [
  [[500, 502, 503, 504, 599], 'transient', /busy/],
  [[307, 408, 409, 412, 425, 429], 'transient', /busy/],
  [[401, 403], 'unknown', /s3:PutObject/],
  [[301, 302, 308], 'breaker', /region/],
  [[405, 411, 501], 'unknown', /does not support/],
  [[507], 'breaker', /full/],
  [[413], 'unknown', /quota.*s3\.partSize/],
  [[404], 'transient', /in place of the store/],
  [[200, 400, 499], 'unknown', undefined],
] as const) {
  for (const status of statuses) {
    test(`an answer with nothing but the status ${status} is ${faultClass}`, () => {
      const fault = classify({ $metadata: { httpStatusCode: status } }, 'put object', 'key', NOW);
      assert.equal(fault.faultClass, faultClass);
      assert.equal(fault.code, `Http${status}`);
      if (hint === undefined) assert.equal(fault.hint, undefined);
      else assert.match(fault.hint ?? '', hint);
    });
  }
}

test('every failure that is known tells the operator what it means, in a sentence', () => {
  for (const [name, { hint }] of Object.entries({ ...KINDS_BY_NAME, ...KINDS_BY_CODE }))
    assert.match(hint ?? '', /^[A-Z][^.]+ .+\.$/, name);
});

for (const [error, message] of [
  [answer('SlowDown', 503), 'put object failed: SlowDown (HTTP 503): whatever'],
  [answer('UnknownError', 503), 'put object failed: Http503 (HTTP 503): whatever'],
  [broken('ECONNRESET'), 'put object failed: ECONNRESET: whatever'],
  [new Error(''), 'put object failed: unknown error'],
  ['text', 'put object failed: unknown error'],
  [new Error('no XML.\n  To see the hidden field'), 'put object failed: unknown error: no XML'],
  [new Error('It is busy.'), 'put object failed: unknown error: It is busy'],
  [
    new Error('write EPROTO 80:error:0A:SSL routines:get:wrong version:../deps/openssl/ssl/record.c:350:\n'),
    'put object failed: unknown error: write EPROTO 80:error:0A:SSL routines:get:wrong version',
  ],
  [new Error('x'.repeat(400)), `put object failed: unknown error: ${'x'.repeat(300)}`],
] as const) {
  test(`says: ${message}`.slice(0, 80), () => {
    assert.equal(classify(error, 'put object', 'key', NOW).message, message);
  });
}

for (const code of ['EPERM', 'EACCES']) {
  test(`${code} is a firewall's where it comes of connecting, and nothing known elsewhere`, () => {
    const kindOf = (syscall: string) =>
      classify(Object.assign(broken(code), { syscall }), 'put object', 'key', NOW);
    assert.equal(kindOf('connect').faultClass, 'transient');
    assert.match(kindOf('connect').hint ?? '', /firewall/);
    assert.equal(kindOf('open').faultClass, 'unknown');
  });
}

test('EntityTooLarge blames the file where it speaks of the whole object', () => {
  const fault = classify(answer('EntityTooLarge', 400), 'complete multipart upload', 'key', NOW);
  assert.equal(fault.faultClass, 'file');
  assert.match(fault.hint ?? '', /size/);
});

test('a hint for denied requests names every permission that halfpipe uses', () => {
  const { hint = '' } = classify(answer('AccessDenied', 403), 'put object', 'key', NOW);
  const used = ['PutObject', 'GetObject', 'AbortMultipartUpload', 'ListMultipartUploadParts', 'ListBucket'];
  assert.deepEqual(hint.match(/(?<=s3:)\w+/g), used);
});

test('looks into an error that stands for all addresses tried', () => {
  const error = new AggregateError([broken('ECONNREFUSED'), broken('ECONNREFUSED')]);
  assert.equal(classify(error, 'put object', 'key', NOW).faultClass, 'transient');
});

test('returns a Fault as it is', () => {
  const fault = new Fault('changed', 'x', { operation: 'read', subject: 'a' });
  assert.equal(classify(fault, 'put object', 'key', NOW), fault);
});

for (const thrown of [
  undefined,
  null,
  'text',
  7,
  { $metadata: null },
  { $metadata: { httpStatusCode: '503' } },
  { name: 7 },
  { code: 7 },
]) {
  test(`classifies ${JSON.stringify(thrown) ?? 'undefined'} as unknown, without a code`, () => {
    const fault = classify(thrown, 'put object', 'key', NOW);
    assert.equal(fault.faultClass, 'unknown');
    assert.equal(fault.code, undefined);
  });
}

test('classifies an error that stands for no address at all as unknown', () => {
  assert.equal(classify(new AggregateError([]), 'put object', 'key', NOW).faultClass, 'unknown');
});

for (const [header, expected] of [
  ['7', 7_000],
  ['0', 0],
  ['1.5', 1_500],
  ['1.25', 1_250],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Thu, 01 Jan 2026 00:00:30 +0000', 30_000],
  ['2026-01-01T00:00:30Z', 30_000],
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

for (const name of [
  ...['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'ServiceUnavailable', 'Throttling', 'ThrottlingException'],
  ...['RequestLimitExceeded', 'BandwidthLimitExceeded', 'RateLimitExceeded', 'QpsLimitExceeded'],
  ...['TooManyRequests', 'TooManyRequestsException', 'UploadTrafficRateLimitExceeded'],
])
  test(`${name} asks for fewer requests`, () => {
    assert.equal(classify(answer(name, 503), 'put object', 'key', 0).asksForFewer, true);
  });

test('a 429 without a name asks for fewer requests, and a store that fails does not', () => {
  const asks = (error: unknown) => classify(error, 'put object', 'key', 0).asksForFewer;
  assert.deepEqual([asks(answer('Unknown', 429)), asks(answer('InternalError', 500))], [true, false]);
});

test('a refusal of the second try of a put, after a lost answer, leaves open whether the object is stored', () => {
  const denied = (attempts: number) =>
    Object.assign(answer('AccessDenied', 403), { $metadata: { httpStatusCode: 403, attempts } });
  const mayBeStored = (attempts: number, operation = 'put object') =>
    classify(denied(attempts), operation, 'key', 0).mayBeStored;
  assert.deepEqual([mayBeStored(1), mayBeStored(2), mayBeStored(2, 'head object')], [false, true, false]);
});
