// What the zip writer hands out, and which names it accepts. That every reader understands it: system/zip-readers.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBufferPromise } from 'yauzl';
import { isZipName } from '../../src/store/zip/zip-name.ts';
import { ZipWriter } from '../../src/store/zip/zip-writer.ts';
import { PACKED_AT_MS, zipOf } from '../support/packed-zip.ts';

async function* contentsOf(zip: Buffer) {
  const file = await fromBufferPromise(zip, { strictFileNames: true });
  for await (const entry of file.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await file.openReadStreamPromise(entry)) chunks.push(chunk);
    yield { entry, content: Buffer.concat(chunks) };
  }
}

test('a content may be overwritten as soon as its member is added, stored or deflated', async () => {
  const members = [0, 1, 20_000, 700_000].flatMap((size) =>
    [false, true].map((compress) => ({ name: `ä/${size}-${compress}`, size, compress })),
  );
  const given = members.map(({ name, size, compress }) => ({
    name,
    compress,
    content: Buffer.alloc(size, name),
  }));
  const zip = await zipOf(given);
  const found: string[] = [];
  for await (const { entry, content } of contentsOf(zip)) {
    const { size, compress } =
      members.find(({ name }) => name === entry.fileName) ?? assert.fail(entry.fileName);
    assert.ok(content.equals(Buffer.alloc(size, entry.fileName)), entry.fileName);
    assert.equal(entry.compressionMethod, compress ? 8 : 0);
    assert.equal(entry.getLastModDate().getTime(), PACKED_AT_MS);
    assert.equal(entry.externalFileAttributes >>> 16, 0o100_644);
    found.push(entry.fileName);
  }
  assert.deepEqual(
    found,
    members.map(({ name }) => name),
  );
});

test('blocks are of one size but for the last, and a slow write is waited for', async () => {
  let writing = 0;
  const sizes: number[] = [];
  const writer = new ZipWriter(async (block) => {
    writing += 1;
    assert.equal(writing, 1);
    await new Promise(setImmediate);
    sizes.push(block.byteLength);
    writing -= 1;
  });
  for (const index of Array(7).keys())
    await writer.add(`${index}`, Buffer.alloc(100_000), { modifiedAtMs: 0, compress: false });
  const total = await writer.end();
  assert.deepEqual(sizes, [262_144, 262_144, total - 524_288]);
});

test('a failing write fails the member that it is for', async () => {
  const writer = new ZipWriter(() => Promise.reject(new Error('disk full')));
  await assert.rejects(
    writer.add('large', Buffer.alloc(300_000), { modifiedAtMs: 0, compress: false }),
    /disk full/,
  );
});

test('names that some reader changes or refuses are no names of members', async () => {
  for (const name of ['a', 'a/b.jpg', 'ü/…', 'C', ' ', '.hidden', 'x'.repeat(4_096)])
    assert.ok(isZipName(name), name);
  for (const name of [
    '',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/..',
    './a',
    'a\\b',
    'C:x',
    'a\0b',
    '\ud800',
    'x'.repeat(65_536),
  ])
    assert.ok(!isZipName(name), name);
  const writer = new ZipWriter(() => undefined);
  await assert.rejects(writer.add('a\\b', Buffer.alloc(1), { modifiedAtMs: 0, compress: false }), RangeError);
});
