// The line a day with what went up, and the one of the run.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isProof, verify } from '../../src/drain/verify.ts';
import { DayLines } from '../../src/report/day-lines.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';
import { faultOf, localContent } from '../support/drain-bench.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

const HOUR_MS = 3_600_000;
const identity = { dev: 1n, ino: 1n, sizeBytes: 5, mtimeNs: 1n, ctimeNs: 1n };
const entry: Entry = { path: SpoolPath.from('a'), identity, modifiedAtMs: 0 };

function inZone(t: test.TestContext, zone: string): void {
  const before = process.env.TZ;
  process.env.TZ = zone;
  t.after(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });
}

function from(wallMs: number) {
  const clock = new SimClock();
  clock.stepWall(wallMs - clock.wallMs());
  const log = new KeptLog();
  const lines = new DayLines(clock, log);
  const upload = (bytes: number, outcome: 'stored' | 'already-there' = 'stored') => {
    const local = { ...localContent(Buffer.from('hello')), sizeBytes: bytes };
    const proof = verify(local, { key: 'a', etag: local.parts[0]?.md5Hex ?? '' });
    if (!isProof(proof)) return assert.fail();
    const transferred = { proof, outcome, multipart: false, sha256Hex: undefined };
    const sized = { ...entry, identity: { ...identity, sizeBytes: bytes } };
    lines.hear({ kind: 'uploaded', entry: sized, transferred, durationMs: 1 });
  };
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 60_000) {
      await clock.advance(60_000);
      lines.hear({ kind: 'state', snapshot: DRAINING });
    }
  };
  const texts = () => log.records.map(({ message }) => message);
  return { clock, log, lines, upload, pass, texts };
}

test('a day is summed up at local midnight: files, bytes, rate, failures, quarantine', async (t) => {
  inZone(t, 'America/New_York');
  // Noon there.
  const { lines, log, upload, pass, texts } = from(Date.UTC(2026, 10, 27, 17));
  for (let at = 0; at < 12; at += 1) upload(1_000_000);
  upload(5, 'already-there');
  lines.hear({ kind: 'deferred', entry, fault: faultOf('transient'), delayMs: 1, isNews: false });
  lines.hear({ kind: 'quarantined', entry, fault: faultOf('file') });
  await pass(12 * HOUR_MS - 60_000);
  assert.deepEqual(texts(), []);
  await pass(60_000);
  assert.deepEqual(texts(), [
    'on 2026-11-27: uploaded 12 files, 12.0 MB, 2.22 kbit/s on average; already in the bucket: 1 file; 1 failure, 1 file to quarantine',
  ]);
  const [{ fields } = assert.fail()] = log.records;
  const { day, files, bytes, bitsPerSec, lastedMs } = fields;
  assert.deepEqual([day, files, bytes, bitsPerSec, lastedMs], ['2026-11-27', 12, 12e6, 2_222, 12 * HOUR_MS]);
  await pass(24 * HOUR_MS);
  assert.equal(texts()[1], 'on 2026-11-28: uploaded 0 files, 0 B; 0 failures, 0 files to quarantine');
});

for (const { what, start, hours } of [
  { what: '23 hours, when summer time begins', start: Date.UTC(2026, 2, 28, 23), hours: 23 },
  { what: '25 hours, when summer time ends', start: Date.UTC(2026, 9, 24, 22), hours: 25 },
])
  test(`a day of ${what}, has one line`, async (t) => {
    inZone(t, 'Europe/Berlin');
    const { pass, texts, log } = from(start);
    await pass(hours * HOUR_MS);
    assert.equal(texts().length, 1);
    assert.equal(log.records[0]?.fields.lastedMs, hours * HOUR_MS);
    await pass(24 * HOUR_MS);
    assert.equal(texts().length, 2);
  });

test('a clock that is set back, by an hour or a day, ends no day twice', async (t) => {
  inZone(t, 'UTC');
  const { clock, pass, log } = from(Date.UTC(2026, 10, 27, 23));
  await pass(HOUR_MS);
  for (const hours of [1, 24]) {
    clock.stepWall(-hours * HOUR_MS);
    await pass(hours * HOUR_MS);
  }
  assert.deepEqual(
    log.records.map(({ fields }) => fields.day),
    ['2026-11-27'],
  );
});

test('the end of the run sums up the run, over all days', async (t) => {
  inZone(t, 'UTC');
  const { lines, upload, pass, texts } = from(Date.UTC(2026, 10, 27, 23));
  upload(500);
  await pass(2 * HOUR_MS);
  upload(500);
  lines.stop();
  assert.equal(
    texts().at(-1),
    'in this run of 2 h: uploaded 2 files, 1.00 kB, 1 bit/s on average; 0 failures, 0 files to quarantine',
  );
});
