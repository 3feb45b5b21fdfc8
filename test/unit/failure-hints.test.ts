import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deniedHint, hintForUnit, newKeyHint } from '../../src/store/s3/failure-hints.ts';
import { Fault } from '../../src/system/fault.ts';
import { readService } from '../../src/system/service.ts';

const UNIT = { INVOCATION_ID: 'x', CREDENTIALS_DIRECTORY: '/run/credentials/halfpipe.service' };
const COPY = `${UNIT.CREDENTIALS_DIRECTORY}/aws-credentials`;
const RENEWABLE = {
  ...UNIT,
  AWS_SHARED_CREDENTIALS_FILE: '/run/halfpipe/aws-credentials',
  HALFPIPE_CREDENTIALS: '/etc/halfpipe/aws-credentials',
};

describe('what to do about a key', () => {
  for (const { env, code, says } of [
    // systemd's own copy is as old as the start.
    {
      env: { ...UNIT, AWS_SHARED_CREDENTIALS_FILE: COPY },
      code: 'ExpiredToken',
      says: /renew them in \/etc\/halfpipe\/aws-credentials, then systemctl restart halfpipe\.$/,
    },
    { env: RENEWABLE, code: 'ExpiredToken', says: /aws-credentials, then systemctl reload halfpipe\.$/ },
    {
      env: { ...RENEWABLE, HALFPIPE_UNIT: 'halfpipe@door', HALFPIPE_CREDENTIALS: '/etc/halfpipe/door.key' },
      code: 'SignatureDoesNotMatch',
      says: /correct the credentials in \/etc\/halfpipe\/door\.key, then systemctl reload halfpipe@door\.$/,
    },
    {
      env: RENEWABLE,
      code: 'CredentialsProviderError',
      says: /No credentials were found: write aws_access_key_id .* in \/etc\/halfpipe\/aws-credentials/,
    },
    // The environment is as old as the process.
    {
      env: { ...RENEWABLE, AWS_ACCESS_KEY_ID: 'A' },
      code: 'InvalidToken',
      says: /then systemctl restart halfpipe/,
    },
    { env: {}, code: 'CredentialsProviderError', says: /~\/\.aws\/credentials, or set AWS_ACCESS_KEY_ID/ },
    { env: {}, code: 'ExpiredToken', says: /^The credentials have expired: renew them\.$/ },
  ])
    test(`${code} with ${JSON.stringify(env)}`, () => {
      assert.match(newKeyHint(code, readService(env)) ?? '', says);
    });

  test('nothing, where the key is not to blame', () => {
    assert.equal(newKeyHint('SlowDown', readService({})), undefined);
  });
});

test('a hint names the files and the unit of its instance', () => {
  const hint = 'Set A=1 in /etc/default/halfpipe, then restart halfpipe; or systemctl restart halfpipe.';
  assert.equal(
    hintForUnit(hint, 'halfpipe@door'),
    'Set A=1 in /etc/default/halfpipe-door, then restart halfpipe@door; or systemctl restart halfpipe@door.',
  );
  assert.equal(hintForUnit(hint, 'halfpipe'), hint);
  const named = 'in /etc/default/halfpipe-door, then systemctl reload halfpipe@door.';
  assert.equal(hintForUnit(named, 'halfpipe@door'), named);
});

describe('what is denied is named, and for which keys', () => {
  for (const [operation, subject, says] of [
    ['put object', 'inbox/cam2/a/1.jpg', 'allow s3:PutObject on inbox/cam2/a/*'],
    ['list parts', 'inbox/1.jpg', 'allow s3:ListMultipartUploadParts on inbox/*'],
    ['read object back', 'inbox/1.jpg', 'allow s3:GetObject on inbox/*'],
  ] as const)
    test(`${operation} of ${subject}`, () => {
      const fault = new Fault('breaker', 'no', { operation, subject, code: 'AccessDenied' });
      assert.equal(deniedHint(fault), `The credentials may not do this: ${says}.`);
    });
});
