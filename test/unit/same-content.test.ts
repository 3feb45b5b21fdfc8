// Whether a file still has the bytes that were sent, told by reading it again.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { hasContent } from '../../src/drain/same-content.ts';
import type { LocalContent, UploadSource } from '../../src/store/object-store.ts';

const PART_BYTES = 3 << 20;
const CONTENT = Buffer.alloc(2 * PART_BYTES + 7, 'content ');

function sourceOf(bytes: Buffer): UploadSource {
  return { sizeBytes: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) };
}

function digests(bytes: Buffer, partBytes: number) {
  const parts = [];
  for (let at = 0; at < bytes.length || parts.length === 0; at += partBytes) {
    const part = bytes.subarray(at, at + partBytes);
    const hex = (name: string) => createHash(name).update(part).digest('hex');
    parts.push({ md5Hex: hex('md5'), sha256Hex: hex('sha256') });
  }
  return parts;
}

const WHOLE: LocalContent = {
  sizeBytes: CONTENT.length,
  parts: digests(CONTENT, CONTENT.length),
  multipart: false,
};
const IN_PARTS: LocalContent = {
  ...{ sizeBytes: CONTENT.length, partSizeBytes: PART_BYTES, multipart: true },
  parts: digests(CONTENT, PART_BYTES),
};
const { signal } = new AbortController();

for (const [what, local] of [
  ['whole', WHOLE],
  ['in parts', IN_PARTS],
] as const) {
  test(`knows the content of a file that was sent ${what}`, async () => {
    let reads = 0;
    assert.equal(await hasContent(sourceOf(CONTENT), local, () => void reads++, signal), true);
    assert.ok(reads >= 6, 'a piece at a time, each a sign of progress');
  });

  test(`sees another byte at the end of a file that was sent ${what}`, async () => {
    const other = Buffer.from(CONTENT);
    other[other.length - 1] = 0;
    assert.equal(await hasContent(sourceOf(other), local, () => undefined, signal), false);
  });
}

test('knows an empty file', async () => {
  const local = { sizeBytes: 0, parts: digests(Buffer.alloc(0), 1), multipart: false };
  assert.equal(await hasContent(sourceOf(Buffer.alloc(0)), local, () => undefined, signal), true);
});

test('reads no further once it is told to stop', async () => {
  const stop = new AbortController();
  const reading = hasContent(sourceOf(CONTENT), WHOLE, () => stop.abort(), stop.signal);
  await assert.rejects(reading, { name: 'AbortError' });
});

test('a file of another size is not read at all', async () => {
  const bytes = CONTENT.subarray(0, -1);
  const source = { sizeBytes: bytes.length, read: () => assert.fail('it is read') };
  assert.equal(await hasContent(source, WHOLE, () => undefined, signal), false);
});

for (const [what, local] of [
  ['whole', WHOLE],
  ['in parts', IN_PARTS],
] as const) {
  test(`reads a file that was sent ${what} a piece at a time, each byte once`, async () => {
    const reads: [at: number, length: number][] = [];
    const source: UploadSource = {
      sizeBytes: CONTENT.length,
      read: async (at, length) => {
        reads.push([at, length]);
        return CONTENT.subarray(at, at + length);
      },
    };
    assert.equal(await hasContent(source, local, () => undefined, signal), true);
    const pieces = Array.from({ length: 6 }, (_, at) => [at << 20, 1 << 20]);
    assert.deepEqual(reads, [...pieces, [6 << 20, 7]]);
  });
}
