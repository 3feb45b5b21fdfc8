// What an answer says of the bytes, however a store writes it. Digests are made here by other means than the code's own.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { evidenceOf, type Trust } from '../../src/store/evidence.ts';
import type { Digest, LocalContent, Receipt } from '../../src/store/object-store.ts';

const hash = (algorithm: string, ...chunks: (string | Buffer)[]) =>
  chunks.reduce((hasher, chunk) => hasher.update(chunk), createHash(algorithm)).digest();
const digestOf = (text: string): Digest => ({
  md5Hex: hash('md5', text).toString('hex'),
  sha256Hex: hash('sha256', text).toString('hex'),
});

const ours = digestOf('ours');
const theirs = digestOf('them');
const WHOLE: LocalContent = { sizeBytes: 4, parts: [ours], multipart: false };
const PARTS: LocalContent = { sizeBytes: 8, parts: [ours, theirs], multipart: true, partSizeBytes: 4 };
const ONE_PART: LocalContent = { sizeBytes: 4, parts: [ours], multipart: true, partSizeBytes: 4 };
const KNOWN_WHOLE: LocalContent = { ...PARTS, whole: digestOf('oursthem') };
const NOTHING: LocalContent = { sizeBytes: 0, parts: [], multipart: false };

const sha = hash('sha256', 'ours');
const base64 = sha.toString('base64');
const md5 = ours.md5Hex;
const md5OfMd5 = hash('md5', Buffer.from(md5, 'hex')).toString('hex');
const otherSha = hash('sha256', 'them').toString('base64');
const composed = (algorithm: string, texts = ['ours', 'them']) =>
  hash(algorithm, ...texts.map((text) => hash(algorithm, text)));
const compositeMd5 = composed('md5').toString('hex');
const compositeSha = composed('sha256').toString('base64');
const wholeOfParts = hash('sha256', 'oursthem').toString('base64');

type Case = readonly [title: string, local: LocalContent, answer: Omit<Receipt, 'key'>, trust?: Trust];
const MD5_STORE: Trust = { md5Etags: true };
const OTHERS: Trust = { md5Etags: true, byOthers: true };

const SAME: readonly Case[] = [
  ['a SHA-256 in base64', WHOLE, { checksumSha256: base64 }],
  ['a SHA-256 without its padding', WHOLE, { checksumSha256: base64.replace('=', '') }],
  ['a SHA-256 in the other alphabet of base64', WHOLE, { checksumSha256: sha.toString('base64url') }],
  ['a SHA-256 in hex', WHOLE, { checksumSha256: sha.toString('hex') }],
  ['a SHA-256 in upper-case hex', WHOLE, { checksumSha256: sha.toString('hex').toUpperCase() }],
  ['a SHA-256 as ETag', WHOLE, { etag: `"${sha.toString('hex')}"` }],
  [
    'a SHA-256 beside an ETag of other bytes',
    WHOLE,
    { checksumSha256: base64, etag: theirs.md5Hex },
    MD5_STORE,
  ],
  ['an MD5 as ETag', WHOLE, { etag: md5 }],
  ['… in quotes', WHOLE, { etag: `"${md5}"` }],
  ['… in quotes of XML', WHOLE, { etag: `&quot;${md5}&quot;` }],
  ['… in upper case', WHOLE, { etag: `"${md5.toUpperCase()}"` }],
  ['… weak', WHOLE, { etag: `W/"${md5}"` }],
  ['… as a compressing proxy passes it on', WHOLE, { etag: `"${md5}-gzip"` }],
  ['… in base64', WHOLE, { etag: hash('md5', 'ours').toString('base64') }],
  ['… beside a checksum that cannot be read', WHOLE, { etag: md5, checksumSha256: 'AAAA' }],
  ['an MD5 in a header of its own', WHOLE, { etag: 'opaque', md5: hash('md5', 'ours').toString('base64') }],
  ['a composed MD5', PARTS, { etag: `"${compositeMd5}-2"` }],
  ['… in upper case', PARTS, { etag: `"${compositeMd5.toUpperCase()}-2"` }],
  ['… without the number of parts', PARTS, { etag: compositeMd5 }],
  ['a composed SHA-256', PARTS, { checksumSha256: `${compositeSha}-2` }],
  ['… without the number of parts', PARTS, { checksumSha256: compositeSha, checksumIsComposite: true }],
  ['… without padding', PARTS, { checksumSha256: `${compositeSha.replace('=', '')}-2` }],
  ['… in base64url', PARTS, { checksumSha256: `${composed('sha256').toString('base64url')}-2` }],
  ['… in hex', PARTS, { checksumSha256: `${composed('sha256').toString('hex')}-2` }],
  [
    'a composed MD5 beside a SHA-256 of the whole, which is not known here',
    PARTS,
    { etag: `${compositeMd5}-2`, checksumSha256: wholeOfParts },
  ],
  ['the SHA-256 of the whole where it is known', KNOWN_WHOLE, { checksumSha256: wholeOfParts }],
  [
    '… called composite all the same',
    KNOWN_WHOLE,
    { checksumSha256: wholeOfParts, checksumIsComposite: true },
  ],
  ['the MD5 of the whole where it is known', KNOWN_WHOLE, { etag: hash('md5', 'oursthem').toString('hex') }],
  ['the digests of an object of a single part', ONE_PART, { etag: md5 }],
  [
    'a composed SHA-256 of a single part',
    ONE_PART,
    { checksumSha256: `${composed('sha256', ['ours']).toString('base64')}-1` },
  ],
  ['the same bytes read back', PARTS, { readBack: PARTS.parts, etag: 'opaque' }],
  ['a SHA-256 of what others may have written', WHOLE, { checksumSha256: base64, etag: md5 }, OTHERS],
];

const DIFFERENT: readonly Case[] = [
  ['another size', WHOLE, { sizeBytes: 5, etag: md5, checksumSha256: base64 }],
  ['another SHA-256, even beside the same MD5', WHOLE, { checksumSha256: otherSha, etag: md5 }],
  ['another MD5 at a store that is known to use them', WHOLE, { etag: `"${theirs.md5Hex}"` }, MD5_STORE],
  ['other bytes read back', WHOLE, { readBack: [theirs], checksumSha256: base64 }],
  ['fewer parts read back', PARTS, { readBack: [ours] }],
  ['more parts read back', PARTS, { readBack: [...PARTS.parts, ours] }],
];

const UNKNOWN: readonly Case[] = [
  ['an empty answer', WHOLE, {}],
  ['an empty answer about no content', NOTHING, { sizeBytes: 0 }],
  ['the size alone', WHOLE, { sizeBytes: 4 }],
  ['an opaque ETag', WHOLE, { etag: 'opaque' }, MD5_STORE],
  ['another MD5 where ETags may be anything', WHOLE, { etag: theirs.md5Hex }],
  ['another MD5 of an encrypted object', WHOLE, { etag: theirs.md5Hex, etagIsOpaque: true }, MD5_STORE],
  ['an ETag that only begins like an MD5', WHOLE, { etag: `${md5}x` }, MD5_STORE],
  ['an ETag that only ends like an MD5', WHOLE, { etag: `x${md5}` }, MD5_STORE],
  [
    'the composed digests of an object in parts',
    WHOLE,
    { etag: `${theirs.md5Hex}-2`, checksumSha256: `${compositeSha}-2` },
    MD5_STORE,
  ],
  ['the composed MD5 of one part, of an object put whole', WHOLE, { etag: `${md5OfMd5}-1` }, MD5_STORE],
  ['a composed MD5 of other cuts', PARTS, { etag: `${md5}-3` }, MD5_STORE],
  [
    'another composed SHA-256, even beside the same MD5',
    PARTS,
    { checksumSha256: `${otherSha}-2`, etag: `${compositeMd5}-2` },
  ],
  [
    'the digests of an object put whole beside parts',
    PARTS,
    { etag: md5, checksumSha256: otherSha },
    MD5_STORE,
  ],
  ['an MD5 alone of what others may have written', WHOLE, { etag: md5 }, OTHERS],
  ['a composed MD5 alone of what others may have written', PARTS, { etag: `${compositeMd5}-2` }, OTHERS],
  ['a checksum of a single part beside several', PARTS, { checksumSha256: base64 }],
];

for (const [verdict, cases] of Object.entries({ same: SAME, different: DIFFERENT, unknown: UNKNOWN })) {
  for (const [title, local, answer, trust] of cases) {
    test(`${title} means ${verdict}`, () => {
      assert.equal(evidenceOf(local, { key: 'k', ...answer }, trust).verdict, verdict);
    });
  }
}

test('where no MD5 of the content is known, an MD5 says nothing, and a SHA-256 decides', () => {
  const local = { ...WHOLE, parts: [{ ...ours, md5Hex: '' }] };
  assert.equal(evidenceOf(local, { key: 'k', etag: md5 }, MD5_STORE).verdict, 'unknown');
  assert.equal(evidenceOf(local, { key: 'k', etag: md5, checksumSha256: base64 }, MD5_STORE).verdict, 'same');
  assert.equal(evidenceOf(local, { key: 'k', checksumSha256: otherSha }, MD5_STORE).verdict, 'different');
});
