import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  compositeMd5,
  compositeSha256,
  digestOf,
  HASHED_AT_ONCE_BYTES,
  md5Base64,
  sha256Base64,
} from '../../src/store/digest.ts';

const abc = await digestOf(Buffer.from('abc'));

test('digests are those of RFC 1321 and FIPS 180-2', () => {
  assert.equal(abc.md5Hex, '900150983cd24fb0d6963f7d28e17f72');
  assert.equal(abc.sha256Hex, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(md5Base64(abc), 'kAFQmDzST7DWlj99KOF/cg==');
  assert.equal(sha256Base64(abc), 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=');
});

test('a large content is digested piece by piece, and others have their turn in between', async () => {
  const content = randomBytes(700_001);
  const order: string[] = [];
  setImmediate(() => order.push('other'));
  const digest = await digestOf(content);
  order.push('digest');
  assert.equal(digest.md5Hex, createHash('md5').update(content).digest('hex'));
  assert.equal(digest.sha256Hex, createHash('sha256').update(content).digest('hex'));
  assert.deepEqual(order, ['other', 'digest']);
});

test('many contents are digested no faster than one, or others would wait for all of them', async () => {
  let turns = 0;
  let isOver = false;
  const countTurns = () => {
    turns += 1;
    if (!isOver) setImmediate(countTurns);
  };
  setImmediate(countTurns);
  await Promise.all(Array.from({ length: 20 }, () => digestOf(Buffer.alloc(HASHED_AT_ONCE_BYTES))));
  isOver = true;
  assert.ok(turns >= 10, `${turns} turns of others`);
});

test('a multipart object has digests of the digests of its parts', () => {
  // md5(md5('abc') ‖ md5('abc')) and the same of SHA-256, as openssl computes them.
  assert.equal(compositeMd5([abc, abc]), '043a916d6cfeecedf5e04f0312ba762d');
  const sha256 = Buffer.from(compositeSha256([abc, abc]), 'hex').toString('base64');
  assert.equal(sha256, 'O3ccqX48F2mK/yEif6BGtWIqMNjuXS3k7hERoc3yWO4=');
});
