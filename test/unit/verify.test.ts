// Which answers of a store prove that it holds the file, and which do not. Digests are made here, by other means than
// the code's own, from parts whose bytes are known.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { isProof, membersProof, type Proof, verify } from '../../src/drain/verify.ts';
import type { Digest, LocalContent, Receipt } from '../../src/store/object-store.ts';

const PARTS = ['the first part', 'the last'];

function hash(algorithm: string, ...chunks: (string | Buffer)[]): Buffer {
  const hasher = createHash(algorithm);
  for (const chunk of chunks) hasher.update(chunk);
  return hasher.digest();
}

function digestOf(text: string): Digest {
  return { md5Hex: hash('md5', text).toString('hex'), sha256Hex: hash('sha256', text).toString('hex') };
}

const TEXT = PARTS.join('');
const WHOLE: LocalContent = { sizeBytes: TEXT.length, parts: [digestOf(TEXT)], multipart: false };
const IN_PARTS: LocalContent = {
  sizeBytes: TEXT.length,
  parts: PARTS.map(digestOf),
  multipart: true,
  partSizeBytes: 14,
};
const composite = (algorithm: string) => hash(algorithm, ...PARTS.map((part) => hash(algorithm, part)));

const SHA256 = hash('sha256', TEXT).toString('base64');
const MD5 = hash('md5', TEXT).toString('hex');
const COMPOSITE_SHA256 = `${composite('sha256').toString('base64')}-2`;
const COMPOSITE_MD5 = `${composite('md5').toString('hex')}-2`;
const OTHER = digestOf('other bytes');

interface Case {
  readonly name: string;
  readonly local: LocalContent;
  readonly receipt: Omit<Receipt, 'key'>;
}

const PROVEN: readonly (Case & { readonly by: Proof['by'] })[] = [
  { name: 'the SHA-256 of a whole object', local: WHOLE, receipt: { checksumSha256: SHA256 }, by: 'sha256' },
  {
    name: 'the composite SHA-256 of a multipart object',
    local: IN_PARTS,
    receipt: { checksumSha256: COMPOSITE_SHA256 },
    by: 'sha256',
  },
  { name: 'an ETag that is the MD5', local: WHOLE, receipt: { etag: MD5 }, by: 'etag' },
  { name: 'a composite ETag', local: IN_PARTS, receipt: { etag: COMPOSITE_MD5 }, by: 'etag' },
  {
    name: 'the SHA-256 beside an opaque ETag',
    local: WHOLE,
    receipt: { checksumSha256: SHA256, etag: OTHER.md5Hex },
    by: 'sha256',
  },
  {
    name: 'the same bytes read back, whatever the ETag',
    local: WHOLE,
    receipt: { etag: 'opaque', sizeBytes: TEXT.length, readBack: WHOLE.parts },
    by: 'read-back',
  },
  {
    name: 'the same parts read back',
    local: IN_PARTS,
    receipt: { readBack: IN_PARTS.parts },
    by: 'read-back',
  },
  {
    name: 'the right size beside the right digest',
    local: WHOLE,
    receipt: { etag: MD5, sizeBytes: TEXT.length },
    by: 'etag',
  },
];

for (const { name, local, receipt, by } of PROVEN) {
  test(`proven by ${name}`, () => {
    const file = { dev: 1n, ino: 2n, sizeBytes: TEXT.length, mtimeNs: 3n, ctimeNs: 4n };
    const verdict = verify(local, { key: 'a/key', ...receipt }, [file]);
    assert.ok(isProof(verdict));
    const sha256Hex = local.multipart ? undefined : local.parts[0]?.sha256Hex;
    assert.deepEqual({ ...verdict }, { files: [file], key: 'a/key', sizeBytes: TEXT.length, by, sha256Hex });
  });
}

const DOUBTED: readonly (Case & { readonly doubt: RegExp })[] = [
  { name: 'an answer without any digest', local: WHOLE, receipt: {}, doubt: /cannot be compared.*missing/ },
  {
    name: 'the right size alone',
    local: WHOLE,
    receipt: { sizeBytes: TEXT.length },
    doubt: /cannot be compared/,
  },
  { name: 'an opaque ETag', local: WHOLE, receipt: { etag: 'opaque' }, doubt: /ETag opaque/ },
  {
    name: "an ETag that is other bytes' MD5",
    local: WHOLE,
    receipt: { etag: OTHER.md5Hex },
    doubt: /cannot be compared/,
  },
  {
    name: 'a composite ETag for an object put whole',
    local: WHOLE,
    receipt: { etag: COMPOSITE_MD5 },
    doubt: /cannot be compared/,
  },
  {
    name: 'the ETag of the whole for an object put in parts',
    local: IN_PARTS,
    receipt: { etag: MD5 },
    doubt: /cannot be compared/,
  },
  {
    name: 'a wrong SHA-256 even beside the right ETag',
    local: WHOLE,
    receipt: { checksumSha256: Buffer.from(OTHER.sha256Hex, 'hex').toString('base64'), etag: MD5 },
    doubt: /SHA-256/,
  },
  {
    name: 'a composite SHA-256 of fewer parts',
    local: IN_PARTS,
    receipt: { checksumSha256: SHA256 },
    doubt: /SHA-256/,
  },
  {
    name: 'a wrong size even beside the right digest',
    local: WHOLE,
    receipt: { checksumSha256: SHA256, sizeBytes: TEXT.length - 1 },
    doubt: /the store holds 21 bytes, the file has 22/,
  },
  {
    name: 'other bytes read back even beside the right digests',
    local: WHOLE,
    receipt: { checksumSha256: SHA256, etag: MD5, readBack: [OTHER] },
    doubt: /read back differs/,
  },
  {
    name: 'only the first part read back',
    local: IN_PARTS,
    receipt: { readBack: IN_PARTS.parts.slice(0, 1) },
    doubt: /read back differs/,
  },
  {
    name: 'one of two parts read back with other bytes',
    local: IN_PARTS,
    receipt: { readBack: [...IN_PARTS.parts.slice(0, 1), OTHER] },
    doubt: /read back differs/,
  },
  {
    name: 'one part more read back',
    local: IN_PARTS,
    receipt: { readBack: [...IN_PARTS.parts, OTHER] },
    doubt: /read back differs/,
  },
  { name: 'nothing read back', local: WHOLE, receipt: { readBack: [] }, doubt: /read back differs/ },
];

for (const { name, local, receipt, doubt } of DOUBTED) {
  test(`not proven by ${name}`, () => {
    const verdict = verify(local, { key: 'a/key', ...receipt });
    assert.ok(!isProof(verdict), JSON.stringify(verdict));
    assert.match(verdict.doubt, doubt);
  });
}

test('not proven by an empty answer where the local content is empty, too', () => {
  const nothing: LocalContent = { sizeBytes: 0, parts: [], multipart: false };
  assert.equal(isProof(verify(nothing, { key: 'k' })), false);
});

const FILE = { dev: 1n, ino: 2n, sizeBytes: TEXT.length, mtimeNs: 3n, ctimeNs: 4n };
const MEMBERS = [5n, 6n].map((ino) => ({ dev: 1n, ino, sizeBytes: 7, mtimeNs: 3n, ctimeNs: 4n }));
const { sha256Hex: PACKED } = digestOf(TEXT);
const SENT = { identity: FILE, sizeBytes: TEXT.length, sha256Hex: PACKED, sentSha256Hex: PACKED };

function packetProof(): Proof {
  const proof = verify(WHOLE, { key: 'a/key', etag: MD5 }, [FILE]);
  assert.ok(isProof(proof));
  return proof;
}

test('a proof for a packet is one for the members that were packed, and for no other file', () => {
  const proof = membersProof(packetProof(), SENT, MEMBERS);
  assert.ok(isProof(proof));
  assert.deepEqual(proof.files, MEMBERS);
});

for (const [name, sent] of [
  ['another file', { ...SENT, identity: { ...FILE, ino: 9n } }],
  ['a packet that was written to since', { ...SENT, identity: { ...FILE, mtimeNs: 4n } }],
  ['a packet of another size', { ...SENT, sizeBytes: 1 }],
  ['a packet that was sent with other bytes', { ...SENT, sentSha256Hex: OTHER.sha256Hex }],
] as const)
  test(`a proof for ${name} is none for the members`, () => {
    assert.ok(!isProof(membersProof(packetProof(), sent, MEMBERS)));
  });
