import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Likeness, likeness } from '../../src/store/compare.ts';
import { compositeEtag, digestOf, expectedSha256 } from '../../src/store/digest.ts';
import type { LocalContent } from '../../src/store/object-store.ts';

const ours = digestOf(Buffer.from('ours'));
const theirs = digestOf(Buffer.from('them'));
const whole: LocalContent = { sizeBytes: 4, parts: [ours], multipart: false };
const parts: LocalContent = { sizeBytes: 8, parts: [ours, theirs], multipart: true, partSizeBytes: 4 };
const sha = (local: LocalContent) => expectedSha256(local) ?? '';
const other = sha({ ...whole, parts: [theirs] });

const CASES: [string, LocalContent, Record<string, unknown>, Likeness][] = [
  ['another size', whole, { sizeBytes: 5, etag: ours.md5Hex }, 'different'],
  ['the same SHA-256', whole, { checksumSha256: sha(whole) }, 'same'],
  ['another SHA-256', whole, { checksumSha256: other, etag: 'opaque' }, 'different'],
  ['the same MD5', whole, { etag: ours.md5Hex }, 'same'],
  [
    'the same MD5 by chance on an encrypted object',
    whole,
    { etag: ours.md5Hex, etagMayBeMd5: false },
    'unknown',
  ],
  ['another MD5', whole, { etag: theirs.md5Hex }, 'different'],
  ['another MD5 on an encrypted object', whole, { etag: theirs.md5Hex, etagMayBeMd5: false }, 'unknown'],
  ['an opaque ETag', whole, { etag: 'opaque' }, 'unknown'],
  [
    'a multipart object of the same size',
    whole,
    { etag: `${theirs.md5Hex}-2`, checksumSha256: sha(parts) },
    'unknown',
  ],
  ['the same composed MD5', parts, { sizeBytes: 8, etag: compositeEtag(parts.parts) }, 'same'],
  ['the same composed SHA-256', parts, { sizeBytes: 8, checksumSha256: sha(parts) }, 'same'],
  ['a composed digest of other cuts', parts, { sizeBytes: 8, etag: `${ours.md5Hex}-2` }, 'unknown'],
  [
    'an object put whole beside local parts',
    parts,
    { sizeBytes: 8, etag: ours.md5Hex, checksumSha256: other },
    'unknown',
  ],
];

for (const [name, local, held, expected] of CASES) {
  test(`${name} means ${expected}`, () => {
    assert.equal(likeness(local, { key: 'k', sizeBytes: 4, etagMayBeMd5: true, ...held }, true), expected);
  });
}

test('another MD5-like ETag means nothing where the store is not known to use MD5s', () => {
  const held = { key: 'k', sizeBytes: 4, etag: theirs.md5Hex, etagMayBeMd5: true };
  assert.equal(likeness(whole, held, false), 'unknown');
});
