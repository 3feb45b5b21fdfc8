// When the credentials are asked for before a request, and when they are known to be at hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { Credentials } from '../../src/store/s3/credentials.ts';
import { systemClock } from '../../src/system/clock.ts';

const never = new AbortController().signal;
const MINUTE_MS = 60_000;

/** Credentials that expire so late, or never, and how often their source was asked. */
function expiringIn(ms: number | undefined) {
  let asked = 0;
  const source = async () => {
    asked += 1;
    const identity = { accessKeyId: 'a', secretAccessKey: 'b' };
    return ms === undefined ? identity : { ...identity, expiration: new Date(Date.now() + ms) };
  };
  const client = new S3Client({ region: 'us-east-1', credentials: source });
  return { credentials: new Credentials(client, systemClock), asked: () => asked };
}

for (const [name, ms] of [
  ['that never expire', undefined],
  ['that expire later', 10 * MINUTE_MS],
] as const) {
  test(`credentials ${name} are asked for once`, async () => {
    const { credentials, asked } = expiringIn(ms);
    for (let request = 0; request < 3; request++) await credentials.ready(never);
    assert.equal(asked(), 1);
  });
}

test('credentials about to expire are asked for before each request', async () => {
  const { credentials, asked } = expiringIn(4 * MINUTE_MS);
  for (let request = 0; request < 3; request++) {
    const before = asked();
    await credentials.ready(never);
    assert.notEqual(asked(), before);
  }
});

test('credentials that the store refuses are fetched anew, once', async () => {
  const { credentials, asked } = expiringIn(undefined);
  await credentials.ready(never);
  credentials.answered('SlowDown');
  await credentials.ready(never);
  assert.equal(asked(), 1);
  credentials.answered('ExpiredToken');
  await credentials.ready(never);
  await credentials.ready(never);
  assert.equal(asked(), 2);
});
