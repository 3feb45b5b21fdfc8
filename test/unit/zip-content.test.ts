// Zips that are damaged, made to deceive, or made by others: what is read of them, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, contentsOf } from '../../src/store/zip/zip-content.ts';
import { readZipIndex, type ZipMember } from '../../src/store/zip/zip-index.ts';
import type { ZipSource } from '../../src/store/zip/zip-source.ts';
import { type Packed, renamed, zipOf } from '../support/packed-zip.ts';

const MEMBERS: readonly Packed[] = [
  { name: 'first', content: Buffer.alloc(50_000, 'first'), compress: true },
  { name: 'second', content: Buffer.from('second') },
  { name: 'third', content: Buffer.alloc(3_000, 'third'), compress: true },
];

/** Hands out seven bytes at a time, and counts the reads. */
function sourceOf(zip: Buffer): ZipSource & { readonly reads: [number, number][] } {
  const reads: [number, number][] = [];
  async function* read(offset: number, lengthBytes: number) {
    reads.push([offset, lengthBytes]);
    for (let at = offset; at < offset + lengthBytes; at += 7)
      yield zip.subarray(at, Math.min(at + 7, offset + lengthBytes));
  }
  return { name: 'b/k.zip', sizeBytes: zip.byteLength, read, reads };
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const DAMAGED = { code: 'DamagedZip' };

test('each member is read alone with one read, and all with one', async () => {
  const source = sourceOf(await zipOf(MEMBERS));
  const members = await readZipIndex(source);
  assert.equal(source.reads.length, 1);
  for (const [at, member] of members.entries())
    assert.ok((await bytesOf(contentOf(source, member))).equals(MEMBERS[at]?.content ?? assert.fail()));
  assert.equal(source.reads.length, 4);
  const names: string[] = [];
  for await (const { member, content } of contentsOf(source, members.toReversed())) {
    names.push(member.name);
    // The first is not read to its end, the second not at all.
    if (member.name === 'first') for await (const _ of content) break;
    if (member.name === 'third')
      assert.ok((await bytesOf(content)).equals(MEMBERS[2]?.content ?? assert.fail()));
  }
  assert.deepEqual(names, ['first', 'second', 'third']);
  assert.equal(source.reads.length, 5);
});

test('a header that others made longer takes a second read', async () => {
  const zip = await zipOf(MEMBERS);
  const at = zip.indexOf('second') + 'second'.length;
  const long = Buffer.concat([zip.subarray(0, at), Buffer.alloc(1_000), zip.subarray(at)]);
  const lengthAt = at - 'second'.length - 2;
  long.writeUInt16LE(zip.readUInt16LE(lengthAt) + 1_000, lengthAt);
  const [, second] = await readZipIndex(sourceOf(zip));
  const source = sourceOf(long);
  assert.equal((await bytesOf(contentOf(source, second ?? assert.fail()))).toString(), 'second');
  assert.equal(source.reads.length, 2);
});

test('what differs from the index is refused: size, CRC-32, place, or what cannot be inflated', async () => {
  const zip = await zipOf(MEMBERS);
  const members = await readZipIndex(sourceOf(zip));
  const [first, second, third] = members;
  if (first === undefined || second === undefined || third === undefined) assert.fail();
  const wrong: ZipMember[] = [
    { ...first, sizeBytes: first.sizeBytes - 1 },
    { ...first, sizeBytes: first.sizeBytes + 1 },
    { ...first, crc32: first.crc32 ^ 1 },
    { ...first, storedBytes: first.storedBytes - 10 },
    { ...second, kind: 'deflated' },
    { ...second, offset: second.offset + 1 },
    { ...third, offset: zip.byteLength - 5 },
    { ...third, storedBytes: zip.byteLength },
    { ...second, kind: 'other' },
  ];
  for (const member of wrong) await assert.rejects(bytesOf(contentOf(sourceOf(zip), member)), DAMAGED);
  // Two members that share their bytes.
  const contents = contentsOf(sourceOf(zip), [first, { ...first, name: 'again' }]);
  await assert.rejects(async () => {
    for await (const { content } of contents) await bytesOf(content);
  }, /begins within another member/);
});

test('a deflated member yields no more than the index says, whatever it inflates to', async () => {
  const zip = await zipOf([{ name: 'bomb', content: Buffer.alloc(20_000_000), compress: true }]);
  const [bomb] = await readZipIndex(sourceOf(zip));
  let yielded = 0;
  await assert.rejects(async () => {
    for await (const chunk of contentOf(sourceOf(zip), { ...(bomb ?? assert.fail()), sizeBytes: 1_000_000 }))
      yielded += chunk.byteLength;
  }, DAMAGED);
  assert.ok(yielded <= 1_000_000);
});

test('names are listed as they are, also such as lead out of a folder', async () => {
  const zip = renamed(await zipOf(MEMBERS), 'second', '../../');
  assert.deepEqual(
    (await readZipIndex(sourceOf(zip))).map(({ name, kind }) => [name, kind]),
    [
      ['first', 'deflated'],
      ['../../', 'other'],
      ['third', 'deflated'],
    ],
  );
});

test('an end that is cut, overwritten or only claims to be one is refused', async () => {
  const zip = await zipOf(MEMBERS);
  for (const size of [0, 1, 21, 100, zip.byteLength - 1])
    await assert.rejects(readZipIndex(sourceOf(zip.subarray(0, size))), DAMAGED);
  for (let at = zip.byteLength - 22; at < zip.byteLength; at += 1) {
    const copy = Buffer.from(zip);
    copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at);
    await readZipIndex(sourceOf(copy)).catch((error) => assert.equal(error.code, 'DamagedZip'));
  }
});

test('there may be more members than a call takes arguments', async () => {
  const zip = await zipOf([{ name: 'one', content: Buffer.from('a member'), compress: false }]);
  const [one] = await readZipIndex(sourceOf(zip));
  const contents = contentsOf(sourceOf(zip), new Array(300_000).fill(one ?? assert.fail()));
  assert.equal((await contents.next()).value?.member.name, 'one');
  await contents.return(undefined);
});
