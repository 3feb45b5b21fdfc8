// What the log, the counters and the lists say about packets and the files in them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isProof, verify } from '../../src/drain/verify.ts';
import { journalEntry } from '../../src/log/journal-entry.ts';
import { Counters } from '../../src/report/counters.ts';
import type { DaemonEvent } from '../../src/report/daemon-event.ts';
import { DayLines } from '../../src/report/day-lines.ts';
import { RecentFiles } from '../../src/report/recent-files.ts';
import { Remarks } from '../../src/report/remarks.ts';
import { Reporter } from '../../src/report/reporter.ts';
import { faultOf, localContent } from '../support/drain-bench.ts';
import { KeptLog } from '../support/kept-log.ts';
import { packetEntry } from '../support/packet-entry.ts';
import { SimClock } from '../support/sim-clock.ts';

const KEY = 'packets/p1.zip';

function uploaded(
  names: readonly string[],
  { memberBytes = 5, outcome = 'stored' as 'stored' | 'already-there' } = {},
): DaemonEvent {
  const local = localContent(Buffer.from('hello'));
  const proof = verify(local, { key: KEY, etag: local.parts[0]?.md5Hex ?? '' });
  assert.ok(isProof(proof));
  const transferred = { proof, outcome, multipart: false, sha256Hex: 'ab'.repeat(32) };
  return { kind: 'uploaded', entry: packetEntry(KEY, names, memberBytes), transferred, durationMs: 1_500 };
}

function reporting(level: 'info' | 'debug' = 'info') {
  const clock = new SimClock();
  const log = new KeptLog();
  log.level = level;
  const reporter = new Reporter(clock, log);
  return { clock, log, reporter, messages: () => log.records.map(({ message }) => message) };
}

test('a packet is one line, with the names of its files in a field', () => {
  const { reporter, log, messages } = reporting();
  reporter.hear(uploaded(['cam/a.jpg', 'cam/b.jpg'], { memberBytes: 2_000 }));
  assert.deepEqual(messages(), [
    'uploaded 2 files as packets/p1.zip, 4.00 kB packed into 5 B, in 1.50 s, verified and deleted',
  ]);
  assert.deepEqual(log.records[0]?.fields, {
    ...{ event: 'uploaded', file: ['cam/a.jpg', 'cam/b.jpg'], key: KEY },
    ...{ files: 2, bytes: 4_000, packetBytes: 5, durationMs: 1_500, verifiedBy: 'etag' },
    sha256: 'ab'.repeat(32),
  });
});

test('every file of a packet is found in the journal by its name, with the key of the packet', () => {
  const { reporter, log } = reporting();
  const names = Array.from({ length: 1_234 }, (_, n) => `f${n}`);
  reporter.hear(uploaded(names));
  const found: string[] = [];
  for (const { fields, message } of log.records) {
    const entry = journalEntry({ level: 'info', msg: message, ...fields }, 1);
    const count = entry.toString('latin1').split('HALFPIPE_FILE\n').length - 1;
    assert.ok(count <= 500 && entry.includes(KEY), `${count} names in one entry`);
    found.push(...(fields.file as string[]));
  }
  assert.deepEqual(found, names);
  assert.equal(log.records.length, 3);
});

test('long names are spread over more entries, because the journal takes 200 KB for each', () => {
  const { reporter, log } = reporting();
  reporter.hear(uploaded(Array.from({ length: 100 }, (_, n) => `${n}`.padStart(4_000, 'x'))));
  assert.ok(log.records.length > 5);
});

test('files of a packet count as files with their own size, and the packet by itself', () => {
  const counters = new Counters();
  counters.hear(uploaded(['a', 'b', 'c'], { memberBytes: 100 }));
  counters.hear(uploaded(['d', 'e'], { memberBytes: 100, outcome: 'already-there' }));
  const { packet } = packetEntry(KEY, ['f', 'g'], 100);
  counters.hear({ kind: 'membersUploaded', packet, members: packet.members });
  counters.hear({ kind: 'membersRepeated', packet, members: packet.members });
  counters.hear({ kind: 'packetSplit', packet, reason: 'no', repeated: 1 });
  counters.hear({ kind: 'packetDropped', id: 'p2', reason: 'files go elsewhere now', repeated: 7 });
  assert.deepEqual(
    { ...counters.totals },
    {
      ...{ uploadedFiles: 5, uploadedBytes: 500, alreadyThereFiles: 2, verifiedFiles: 7, deletedFiles: 7 },
      ...{ multipartFiles: 0, uploadedPackets: 1, packedFiles: 5, repeatedFiles: 10 },
      ...{ retries: 0, quarantinedFiles: 0 },
    },
  );
});

test('the day names files and packets', () => {
  const clock = new SimClock();
  const log = new KeptLog();
  const day = new DayLines(clock, log);
  day.hear(uploaded(['a', 'b'], { memberBytes: 1_000 }));
  day.stop();
  assert.match(log.records[0]?.message ?? '', /: uploaded 2 files, 2\.00 kB, with 1 packet, /);
  assert.equal(log.records[0]?.fields.packets, 1);
});

test('the last files show the packet that they are in, and their own size and digest', () => {
  const recent = new RecentFiles(new SimClock(), 3);
  recent.hear(uploaded(['a', 'b', 'c', 'd'], { memberBytes: 7 }));
  const [newest, ...others] = recent.uploads(10);
  assert.deepEqual(
    [newest?.path, newest?.key, newest?.member, newest?.sizeBytes, newest?.sha256?.slice(0, 8)],
    ['d', KEY, 'd', 7, '18ac3e73'],
  );
  assert.deepEqual(
    others.map(({ path }) => path),
    ['c', 'b'],
  );
});

test('files that left the spool before their packet was left are found by their names, with its key', () => {
  const { reporter, log, messages } = reporting();
  const names = Array.from({ length: 600 }, (_, n) => `f${n}`);
  const { packet } = packetEntry(KEY, names, 100);
  reporter.hear({ kind: 'membersUploaded', packet, members: packet.members });
  reporter.hear({ kind: 'membersRepeated', packet, members: packet.members.slice(0, 2) });
  assert.deepEqual(messages(), [
    'uploaded 600 files as packets/p1.zip, 60.0 kB, verified and deleted before the packet was left',
    '100 more files of packets/p1.zip',
    '2 files of packets/p1.zip cannot be removed yet, and may be stored a second time: they are open for writing, or their permissions change',
  ]);
  const found = log.records.slice(0, 2).flatMap(({ fields }) => fields.file as string[]);
  assert.deepEqual(found, names);
  assert.ok(log.records.every(({ fields }) => fields.key === KEY));
});

test('what becomes of a packet that is not sent is told in words', async () => {
  const { clock, reporter, messages } = reporting('debug');
  const { packet } = packetEntry(KEY, ['a', 'b'], 100);
  reporter.hear({ kind: 'packed', packet });
  reporter.hear({ kind: 'packetSplit', packet, reason: 'the store says no', repeated: 2 });
  reporter.hear({ kind: 'packetDropped', id: 'p1', reason: 'files go elsewhere now', repeated: 2 });
  const fault = faultOf('breaker', { code: 'ENOSPC' });
  reporter.hear({ kind: 'packingRests', why: 'unwritable', fault, forMs: 60_000 });
  await clock.advance(60_001);
  reporter.hear({ kind: 'packingRests', why: 'refused', fault, forMs: 600_000 });
  assert.deepEqual(messages(), [
    'packed 2 files, 200 B, into 5 B for packets/p1.zip',
    'the packet packets/p1.zip of 2 files is refused: the store says no; its files are packed again in halves, to find the one that is to blame; 2 files of it may be stored a second time',
    'packet p1 is not sent any more: files go elsewhere now; 2 files of it may be stored a second time',
    `files are sent by themselves for 1 min, because no packet can be written: ${fault.message}`,
    `files are sent by themselves for 10 min, because the store refuses packets: ${fault.message}`,
  ]);
});

test('of a packet that was never sent, no file is said to be stored twice', () => {
  const { reporter, messages } = reporting();
  reporter.hear({ kind: 'packetDropped', id: 'p1', reason: 'it was not complete', repeated: 0 });
  assert.deepEqual(messages(), ['packet p1 is not sent any more: it was not complete']);
});

test('a packet that is deferred is told by its key, not by its own file', () => {
  const { reporter, messages } = reporting();
  const fault = faultOf('transient', { code: 'ECONNRESET' });
  const entry = packetEntry(KEY, ['a', 'b']);
  reporter.hear({ kind: 'deferred', entry, fault, delayMs: 1_000, isNews: false });
  assert.deepEqual(messages(), ['deferred the packet packets/p1.zip of 2 files for 1 s: a transient fault']);
});

test('that no packet can be written is a problem until one is, or until nothing has failed for a while', async () => {
  const clock = new SimClock();
  const remarks = new Remarks(clock);
  const rest = () =>
    remarks.hear({ kind: 'packingRests', why: 'unwritable', fault: faultOf('breaker'), forMs: 60_000 });
  rest();
  assert.equal(remarks.restingPacking?.nextTryAtMs, clock.monotonicMs() + 60_000);
  remarks.hear({ kind: 'packed', packet: packetEntry(KEY, ['a']).packet });
  assert.equal(remarks.restingPacking, undefined);
  rest();
  await clock.advance(120_001);
  assert.equal(remarks.restingPacking, undefined);
});

test('that the store refuses packets is a problem until one is stored', () => {
  const remarks = new Remarks(new SimClock());
  remarks.hear({ kind: 'packingRests', why: 'refused', fault: faultOf('unknown'), forMs: 600_000 });
  remarks.hear({ kind: 'packed', packet: packetEntry(KEY, ['a']).packet });
  assert.equal(remarks.restingPacking?.why, 'refused');
  remarks.hear(uploaded(['a']));
  assert.equal(remarks.restingPacking, undefined);
});
