import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeToken } from '../../src/ingest/token.ts';
import { isSecretField, redactor, redactorOf } from '../../src/system/redact.ts';

const signature = '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7';
const ownToken = makeToken();
const keyId = 'AKIAIOSFODNN7EXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

const texts: readonly [string, string][] = [
  [
    'a signed header',
    `AWS4-HMAC-SHA256 Credential=${keyId}/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=${signature}`,
  ],
  ['a header dump', `Host: s3\r\nAuthorization: Bearer ${signature}`],
  ['headers as JSON in a string', `{\\"authorization\\":\\"Basic ${signature}\\"}`],
  [
    'a presigned URL',
    `https://s3/b/k?X-Amz-Credential=${keyId}%2F2026&X-Amz-Date=1&X-Amz-Signature=${signature}`,
  ],
  ['a presigned URL inside a URL', `u=https%3A%2F%2Fs3%3FX-Amz-Signature%3D${signature}`],
  ['a presigned URL of version 2', `https://s3/b/k?AWSAccessKeyId=${keyId}&Expires=1&Signature=${signature}`],
  ['a session token in a query', `?X-Amz-Security-Token=${signature}&x=1`],
  ['a credentials file', `aws_access_key_id = ${keyId}\naws_secret_access_key = ${secret}`],
  ['an access key id alone', `The key ${keyId} does not exist`],
  ["a token of ingest's own", `curl -H 'X-Key: ${ownToken}'`],
  ['a password in a URL', `connect http://user:${signature}@proxy:3128 failed`],
];

/** Each has a single mark by which it is recognised. */
const bare: readonly string[] = [
  ...[`AWS4-HMAC-SHA256 Credential=${signature}/eu`, `Set-Cookie: ${signature}`, `ASIA${'X7'.repeat(8)}`],
  ...[`k?AWSAccessKeyId=${signature}`, `k?x=1&Signature=${signature}`, `authorization: ${signature}`],
];

for (const text of bare)
  test(`hides what stands alone in ${text.slice(0, 24)}`, () => {
    assert.match(redactor([])(text), /\[redacted\]/);
    assert.doesNotMatch(redactor([])(text), /5d672d|X7X7/);
  });

for (const [title, text] of texts) {
  test(`hides ${title}`, () => {
    const clean = redactor([])(text);
    for (const hidden of [signature, keyId, secret, ownToken]) assert.ok(!clean.includes(hidden), clean);
    assert.match(clean, /\[redacted\]/);
  });
}

test('shows the name of a file that begins like a token', () => {
  assert.equal(redactor([])('hp_20261127193000123.jpg'), 'hp_20261127193000123.jpg');
});

test('hides a secret it was told of wherever it stands', () => {
  assert.equal(redactor([secret])(`a${secret}b ${secret}`), 'a[redacted]b [redacted]');
});

test('hides every secret of 8 characters and more that it was told of', () => {
  for (let length = 8; length <= 40; length += 1) {
    const told = secret.repeat(2).slice(0, length);
    assert.equal(redactor([told])(`it is ${told}.`), 'it is [redacted].', `${length} characters`);
  }
});

for (const name of [
  ...['secret_access_key', 'secretAccessKey', 'secret_key', 'secretKey', 'password', 'passwd'],
  ...['session_token', 'sessionToken', 'aws_session_token', 'security_token', 'securityToken'],
])
  test(`hides the value of ${name} in a text`, () => {
    const value = 'not-like-one';
    for (const text of [`${name}=${value} x`, `{"${name}":"${value}"}`, `${name}: ${value}`])
      assert.ok(!redactor([])(text).includes(value), redactor([])(text));
  });

test('hides a secret whole of which another is a part', () => {
  const parts = redactor(['pass-word', 'pass-word-and-more', 'a-pass-word']);
  assert.equal(parts('a-pass-word pass-word-and-more pass-word'), '[redacted] [redacted] [redacted]');
});

const ENVIRONMENTS = [
  { AWS_SECRET_ACCESS_KEY: 'minio123' },
  { AWS_SESSION_TOKEN: 'token-16-letters' },
  { HTTPS_PROXY: 'http://me:minio123@proxy:3128' },
  { http_proxy: 'me:minio123@proxy:3128' },
  { ALL_PROXY: 'http://me:minio%2F123@proxy' },
];
for (const env of ENVIRONMENTS)
  test(`hides what ${JSON.stringify(env)} holds`, () => {
    const redact = redactorOf(env);
    for (const text of ['minio123', 'token-16-letters', 'minio%2F123', 'minio/123']) {
      const isHeld = Object.values(env).some((value) =>
        decodeURIComponent(value).includes(decodeURIComponent(text)),
      );
      assert.equal(redact(`is ${text}.`), isHeld ? 'is [redacted].' : `is ${text}.`);
    }
  });

test('ignores a known secret so short that it is part of ordinary words', () => {
  assert.equal(redactor(['test', ''])('testing'), 'testing');
});

test('leaves ordinary text alone', () => {
  for (const text of [
    'uploaded a/b.jpg → cam/b.jpg  98.2 kB in 0.31 s',
    'https://s3.example/b/k?x=1',
    'mailto:a@b',
    'AKI',
  ]) {
    assert.equal(redactor([])(text), text);
  }
});

test('knows the names of fields that hold secrets, and no others', () => {
  for (const name of [
    'authorization',
    'Authorization',
    'x-amz-security-token',
    'secretAccessKey',
    'sessionToken',
    'password',
  ]) {
    assert.ok(isSecretField(name), name);
  }
  for (const name of ['key', 'tokens', 'file', 'event', 'etag', 'subject'])
    assert.ok(!isSecretField(name), name);
});
