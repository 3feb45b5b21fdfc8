// The published format of the manifest's lines, and the names of its files.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { StoredFile } from '../../src/drain/drain-ports.ts';
import { parseLine, renderLine } from '../../src/manifest/manifest-line.ts';
import { endedName, endOf } from '../../src/manifest/manifest-names.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { compositeSha256 } from '../../src/store/digest.ts';
import { localContent } from '../support/drain-bench.ts';
import { packetEntry } from '../support/packet-entry.ts';

const AT_MS = Date.UTC(2026, 10, 27, 15, 30, 12, 345);
const LOCAL = localContent(Buffer.from('the bytes'));

function stored(changes: Partial<StoredFile> = {}): StoredFile {
  return {
    path: SpoolPath.from('camera-7/a.jpg'),
    mtimeNs: BigInt(AT_MS - 60_000) * 1_000_000n + 999n,
    bucket: 'inbox',
    upload: {
      local: LOCAL,
      receipt: { key: 'p/camera-7/a.jpg', etag: '"e"', versionId: 'v' },
      outcome: 'stored',
    },
    verifiedBy: 'sha256',
    durationMs: 12.4,
    ...changes,
  };
}

function fieldsOf(file: StoredFile): Record<string, unknown> {
  return JSON.parse(renderLine(file, AT_MS));
}

test('a line of the manifest has every field as published', () => {
  assert.deepEqual(fieldsOf(stored()), {
    v: 1,
    uploadedAt: '2026-11-27T15:30:12.345Z',
    path: 'camera-7/a.jpg',
    bucket: 'inbox',
    key: 'p/camera-7/a.jpg',
    bytes: 9,
    sha256: LOCAL.parts[0]?.sha256Hex,
    etag: '"e"',
    versionId: 'v',
    alreadyThere: false,
    verifiedBy: 'sha256',
    modifiedAt: '2026-11-27T15:29:12.345Z',
    durationMs: 12,
  });
});

test('a line of a file that was sent in parts names the digest of its parts as that, and how it was cut', () => {
  const parts = ['one', 'two'].flatMap((part) => localContent(Buffer.from(part)).parts);
  const local = { sizeBytes: 6, parts, multipart: true, partSizeBytes: 3 };
  const upload = { local, receipt: { key: 'k' }, outcome: 'already-there' as const };
  const { sha256, sha256OfParts, parts: count, partBytes, alreadyThere } = fieldsOf(stored({ upload }));
  assert.deepEqual([sha256, sha256OfParts], [undefined, compositeSha256(parts)]);
  assert.deepEqual([count, partBytes, alreadyThere], [2, 3, true]);
});

test('a line of a file in a packet has its own size and digest, and those of the packet apart', () => {
  const [member] = packetEntry('packets/p.zip', ['camera-7/a.jpg'], 3).removed;
  assert.ok(member !== undefined);
  const parts = ['one', 'two'].flatMap((part) => localContent(Buffer.from(part)).parts);
  const local = { sizeBytes: 6, parts, multipart: true, partSizeBytes: 3 };
  const upload = { local, receipt: { key: 'packets/p.zip', etag: '"e"' }, outcome: 'stored' as const };
  const text = renderLine(stored({ upload, member }), AT_MS);
  const line = parseLine(text);
  assert.deepEqual(
    [line?.key, line?.path, line?.member, line?.bytes, line?.sha256, line?.etag],
    ['packets/p.zip', 'camera-7/a.jpg', 'camera-7/a.jpg', 3, member.sha256Hex, '"e"'],
  );
  const sha256OfParts = compositeSha256(parts);
  assert.deepEqual(line?.packet, { bytes: 6, sha256OfParts, parts: 2, partBytes: 3 });
  assert.equal(line?.parts, undefined);
  assert.equal(parseLine(text.replace('"packet":{"bytes":6', '"packet":{"bytes":"6"')), undefined);
  assert.equal(parseLine(text.replace(/"packet":\{[^}]*\}/, '"packet":null')), undefined);
});

test('a name that is not UTF-8 is in its line without loss', () => {
  const bytes = Buffer.from([0x62, 0xff, 0x0a]);
  const { path, pathBase64 } = fieldsOf(stored({ path: new SpoolPath(bytes) }));
  assert.equal(path, 'b\ufffd\n');
  assert.deepEqual(Buffer.from(String(pathBase64), 'base64'), bytes);
});

test('a line is one line, whatever the file is called, and is read as it was written', () => {
  const text = renderLine(stored({ path: SpoolPath.from('a\n"b"\u2028\\') }), AT_MS);
  assert.equal(text.indexOf('\n'), text.length - 1);
  assert.equal(parseLine(text)?.path, 'a\n"b"\u2028\\');
});

test('a modification time that no calendar has is left out', () => {
  assert.equal(fieldsOf(stored({ mtimeNs: 2n ** 63n - 1n })).modifiedAt, '2262-04-11T23:47:16.854Z');
  assert.equal(fieldsOf(stored({ mtimeNs: 2n ** 80n })).modifiedAt, undefined);
});

for (const [what, text] of [
  ['half a line', renderLine(stored(), AT_MS).slice(0, 80)],
  ['zeros', '\0'.repeat(100)],
  ['another object', '{"v":1}'],
  ['a field of another type', renderLine(stored(), AT_MS).replace('"bytes":9', '"bytes":"9"')],
  ['no object', 'null'],
] as const)
  test(`${what} is no line`, () => {
    assert.equal(parseLine(text), undefined);
  });

test('an ended file is named by its time, and names are in the order of time', () => {
  const name = endedName('manifest.jsonl', AT_MS);
  assert.equal(name, 'manifest-20261127T153012.345Z.jsonl');
  assert.equal(endOf('manifest.jsonl', name), AT_MS);
  const times = [AT_MS + 1, AT_MS - 86_400_000, AT_MS + 31 * 86_400_000, AT_MS];
  const names = times.map((time) => endedName('m', time));
  assert.deepEqual(
    names.toSorted(),
    times.toSorted((a, b) => a - b).map((time) => endedName('m', time)),
  );
});

for (const candidate of [
  'manifest.jsonl',
  'manifest-20261127T153012.345Z.jsonl.gz',
  'manifest-20261127.jsonl',
  'manifest-2-20261127T153012.345Z.jsonl',
  'other-20261127T153012.345Z.jsonl',
  'manifest-20261327T153012.345Z.jsonl',
])
  test(`${candidate} is none of the ended files of manifest.jsonl`, () => {
    assert.equal(endOf('manifest.jsonl', candidate), undefined);
  });
