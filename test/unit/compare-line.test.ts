// When an object is still what the manifest says, and what a comparison asks the store.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type ComparedStore, compareAll } from '../../src/commands/bucket-comparison.ts';
import { type Comparison, compareAnswer, compareBytes } from '../../src/manifest/compare-line.ts';
import type { ManifestLine } from '../../src/manifest/manifest-line.ts';
import { compositeSha256 } from '../../src/store/digest.ts';
import type { Digest, Receipt } from '../../src/store/object-store.ts';
import { faultOf, localContent } from '../support/drain-bench.ts';
import { SimClock } from '../support/sim-clock.ts';

const CONTENT = Buffer.from('the bytes');
const [DIGEST] = localContent(CONTENT).parts as [Digest];
const PARTS = ['the ', 'byte', 's'].flatMap((part) => localContent(Buffer.from(part)).parts);
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

function lineOf(changes: Partial<ManifestLine> = {}): ManifestLine {
  const at = '2026-11-27T15:30:12.345Z';
  return { uploadedAt: at, path: 'a', bucket: 'b', key: 'a', bytes: 9, ...changes };
}

const whole = lineOf({ sha256: DIGEST.sha256Hex, etag: `"${DIGEST.md5Hex}"`, versionId: 'v1' });
const inParts = lineOf({ sha256OfParts: compositeSha256(PARTS), parts: 3, partBytes: 4, etag: '"m-3"' });

const packed = lineOf({
  ...{ bytes: 2, sha256: 'ab'.repeat(32), member: 'a', etag: '"m"' },
  packet: { bytes: 9, sha256: DIGEST.sha256Hex },
});

for (const { what, line, answer, expected } of [
  {
    what: 'a packet of the same checksum',
    line: packed,
    answer: { sizeBytes: 9, checksumSha256: base64(DIGEST.sha256Hex) },
    expected: 'same by sha256',
  },
  { what: 'a packet of the size of its file', line: packed, answer: { sizeBytes: 2 }, expected: 'differs' },
  { what: 'no object', line: whole, answer: undefined, expected: 'missing' },
  { what: 'another size', line: whole, answer: { sizeBytes: 8, versionId: 'v1' }, expected: 'differs' },
  {
    what: 'the same version',
    line: whole,
    answer: { versionId: 'v1', etag: 'x' },
    expected: 'same by version',
  },
  {
    what: 'the same ETag',
    line: whole,
    answer: { sizeBytes: 9, etag: DIGEST.md5Hex.toUpperCase() },
    expected: 'same by etag',
  },
  { what: 'another ETag', line: whole, answer: { sizeBytes: 9, etag: '"other"' }, expected: 'differs' },
  {
    what: 'the same checksum beside another ETag',
    line: whole,
    answer: { etag: '"o"', checksumSha256: base64(DIGEST.sha256Hex) },
    expected: 'same by sha256',
  },
  {
    what: 'another checksum',
    line: whole,
    answer: { etag: whole.etag, checksumSha256: base64(PARTS[0]?.sha256Hex ?? '') },
    expected: 'differs',
  },
  {
    what: 'the same checksum of the parts',
    line: inParts,
    answer: { etag: '"o"', checksumSha256: `${base64(compositeSha256(PARTS))}-3` },
    expected: 'same by sha256',
  },
  {
    what: 'a checksum of other parts beside the same ETag',
    line: inParts,
    answer: { etag: '"m-3"', checksumSha256: `${base64(DIGEST.sha256Hex)}-2` },
    expected: 'same by etag',
  },
  { what: 'nothing but a size', line: whole, answer: { sizeBytes: 9 }, expected: 'same by size' },
  {
    what: 'the version null',
    line: lineOf({ versionId: 'null', etag: 'e' }),
    answer: { versionId: 'null', etag: 'f' },
    expected: 'differs',
  },
] as const)
  test(`${what}: ${expected}`, () => {
    const compared = compareAnswer(
      line,
      answer === undefined ? undefined : ({ key: 'a', ...answer } as Receipt),
    );
    assert.equal(compared.verdict === 'same' ? `same by ${compared.by}` : compared.verdict, expected);
  });

test('bytes that were read back decide by their digest, whole or in parts', () => {
  assert.equal(compareBytes(whole, [DIGEST]).verdict, 'same');
  assert.equal(compareBytes(whole, PARTS).verdict, 'differs');
  assert.equal(compareBytes(inParts, PARTS).verdict, 'same');
  assert.equal(compareBytes(inParts, PARTS.toReversed()).verdict, 'differs');
});

class FakeStore implements ComparedStore {
  readonly asked: string[] = [];
  readonly read: string[] = [];
  underWay = 0;
  most = 0;
  onLook: (key: string) => Promise<Receipt | undefined> = async (key) => ({ key, etag: 'e', sizeBytes: 9 });

  async look(key: string): Promise<Receipt | undefined> {
    this.asked.push(key);
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    await Promise.resolve();
    this.underWay -= 1;
    return this.onLook(key);
  }

  async readBack({ key }: Receipt): Promise<readonly Digest[]> {
    this.read.push(key);
    return [DIGEST];
  }
}

async function compareWith(store: FakeStore, lines: readonly ManifestLine[], readsBack = false) {
  const clock = new SimClock();
  const told: [string, Comparison][] = [];
  const compared = compareAll(lines, new AbortController().signal, {
    ...{ clock, readsBack, storeFor: async () => store },
    onComparison: (line, comparison) => told.push([line.key, comparison]),
  });
  compared.catch(() => undefined);
  for (let second = 0; second < 60; second += 1) await clock.advance(1_000);
  return { told, compared };
}

test('every object is asked about once, a few at a time', async () => {
  const store = new FakeStore();
  const lines = Array.from({ length: 200 }, (_, at) => lineOf({ key: `${at}`, etag: 'e' }));
  const { told, compared } = await compareWith(store, lines);
  await compared;
  assert.deepEqual(store.asked.toSorted(), lines.map(({ key }) => key).toSorted());
  assert.equal(told.length, 200);
  assert.ok(store.most <= 16, `${store.most} at once`);
});

test('a failure that may pass is tried again, and one that lasts ends the comparison', async () => {
  const store = new FakeStore();
  let failures = 2;
  store.onLook = async (key) => {
    if (failures === 0) return { key, etag: 'e', sizeBytes: 9 };
    failures -= 1;
    throw faultOf('transient');
  };
  await (await compareWith(store, [lineOf({ etag: 'e' })])).compared;
  store.onLook = async (key) => {
    if (key === '5') throw faultOf('breaker');
    return { key, etag: 'e', sizeBytes: 9 };
  };
  store.asked.length = 0;
  const lines = Array.from({ length: 200 }, (_, at) => lineOf({ key: `${at}` }));
  const { told, compared } = await compareWith(store, lines);
  await assert.rejects(compared, /a breaker fault/);
  assert.ok(told.length < 40 && store.asked.length < 40, 'no more is asked then');
});

test('an object of another size, or one that is missing, is not read back', async () => {
  const store = new FakeStore();
  store.onLook = async (key) => (key === 'gone' ? undefined : { key, sizeBytes: key === 'short' ? 1 : 9 });
  const keys = ['gone', 'short', 'whole'];
  const lines = keys.map((key) => lineOf({ key, sha256: DIGEST.sha256Hex }));
  const { told, compared } = await compareWith(store, lines, true);
  await compared;
  assert.deepEqual(store.read, ['whole']);
  assert.deepEqual(told.map(([key, { verdict }]) => `${key} ${verdict}`).toSorted(), [
    'gone missing',
    'short differs',
    'whole same',
  ]);
});
