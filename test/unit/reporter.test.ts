// What the log says about the drain's events: one record a file, one line for a storm, one for each change of state.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isProof, verify } from '../../src/drain/verify.ts';
import { Counters } from '../../src/report/counters.ts';
import type { DaemonEvent } from '../../src/report/daemon-event.ts';
import { Reporter } from '../../src/report/reporter.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';

import { faultOf, localContent } from '../support/drain-bench.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

function reporting() {
  const clock = new SimClock();
  const log = new KeptLog();
  const counters = new Counters();
  const reporter = new Reporter(clock, log);
  const tell = (event: DaemonEvent) => {
    counters.hear(event);
    reporter.hear(event);
  };
  const messages = () => log.records.map(({ level, message }) => `${level}: ${message}`);
  return { clock, log, counters, tell, messages };
}

function entryOf(name: string): Entry {
  const identity = { dev: 1n, ino: 1n, sizeBytes: 5, mtimeNs: 1n, ctimeNs: 1n };
  return { path: SpoolPath.from(name), identity, modifiedAtMs: 0 };
}

function transferred(key: string, outcome: 'stored' | 'already-there', multipart = false) {
  const local = localContent(Buffer.from('hello'));
  const proof = verify(local, { key, etag: local.parts[0]?.md5Hex ?? '' });
  assert.ok(isProof(proof));
  return { proof, outcome, multipart, sha256Hex: local.parts[0]?.sha256Hex };
}

test('a file uploaded is one record, and counts as verified and deleted', () => {
  const { tell, log, counters, messages } = reporting();
  tell({
    kind: 'uploaded',
    entry: entryOf('a.jpg'),
    transferred: transferred('a.jpg', 'stored'),
    durationMs: 1_234.5,
  });
  assert.deepEqual(messages(), ['info: uploaded a.jpg, 5 B in 1.23 s, verified and deleted']);
  assert.equal(log.records[0]?.fields.event, 'uploaded');
  const { uploadedFiles, uploadedBytes, verifiedFiles, deletedFiles, alreadyThereFiles } = counters.totals;
  assert.deepEqual(
    [uploadedFiles, uploadedBytes, verifiedFiles, deletedFiles, alreadyThereFiles],
    [1, 5, 1, 1, 0],
  );
});

test('a file that cannot be put back is told once a minute, for as long as it is', async () => {
  const { clock, tell, log, messages } = reporting();
  for (let second = 0; second < 90; second += 1) {
    tell({ kind: 'unsaved', path: SpoolPath.from('a.jpg'), fault: faultOf('breaker', { code: 'ENOSPC' }) });
    await clock.advance(1_000);
  }
  assert.equal(messages().length, 2);
  assert.match(
    messages()[0] ?? '',
    /^error: a\.jpg was written to while it was removed, and cannot be put back: /,
  );
  assert.equal(log.records[0]?.fields.event, 'unsaved');
});

test('a name that needs escapes is not another one for it', () => {
  const { tell, messages } = reporting();
  tell({
    kind: 'uploaded',
    entry: entryOf('a\nb.jpg'),
    transferred: transferred('a\nb.jpg', 'stored'),
    durationMs: 0,
  });
  assert.match(messages()[0] ?? '', /^info: uploaded a\\x0ab\.jpg, /);
});

test('a key other than the name is told', () => {
  const { tell, messages } = reporting();
  tell({
    kind: 'uploaded',
    entry: entryOf('sub/a.jpg'),
    transferred: transferred('sub/a.2cf24dba.jpg', 'stored'),
    durationMs: 0,
  });
  assert.match(messages()[0] ?? '', /uploaded sub\/a\.jpg as sub\/a\.2cf24dba\.jpg,/);
});

test('a file that was in the bucket already counts as no upload', () => {
  const { tell, counters, messages } = reporting();
  tell({
    kind: 'uploaded',
    entry: entryOf('a'),
    transferred: transferred('a', 'already-there', true),
    durationMs: 0,
  });
  assert.match(messages()[0] ?? '', /^info: a was in the bucket already/);
  const { uploadedFiles, uploadedBytes, alreadyThereFiles, deletedFiles, multipartFiles } = counters.totals;
  assert.deepEqual(
    [uploadedFiles, uploadedBytes, alreadyThereFiles, deletedFiles, multipartFiles],
    [0, 0, 1, 1, 1],
  );
});

test('a storm of one fault is one line a minute, with its count', async () => {
  const { tell, clock, counters, messages } = reporting();
  const fault = faultOf('transient', { code: 'ECONNRESET' });
  for (let file = 0; file < 500; file += 1)
    tell({ kind: 'deferred', entry: entryOf(`f${file}`), fault, delayMs: 1_000, isNews: false });
  assert.deepEqual(messages(), ['warn: deferred f0 for 1 s: a transient fault']);
  await clock.advance(60_000);
  assert.equal(messages().length, 2);
  assert.match(messages()[1] ?? '', /deferred f499 .*; 499 times in the last minute/);
  assert.equal(counters.totals.retries, 500);
});

test('faults of different codes are lines of their own', () => {
  const { tell, messages } = reporting();
  for (const code of ['ECONNRESET', 'NotProven', 'ECONNRESET'])
    tell({
      kind: 'deferred',
      entry: entryOf('a'),
      fault: faultOf('transient', { code }),
      delayMs: 1_000,
      isNews: false,
    });
  assert.equal(messages().length, 2);
});

test('every file that is at fault itself is named, in the next line of the minute', async () => {
  const { tell, clock, log, messages } = reporting();
  const fault = faultOf('unknown', { code: 'AccessDenied' });
  for (const isNews of [true, false])
    for (const name of ['a', 'b', 'c'])
      tell({ kind: 'deferred', entry: entryOf(name), fault, delayMs: 1_000, isNews });
  await clock.advance(60_000);
  assert.deepEqual(messages(), [
    'warn: deferred a for 1 s: a unknown fault',
    'warn: deferred c for 1 s: a unknown fault; 5 times in the last minute; others: b',
  ]);
  assert.deepEqual(log.records[1]?.fields.file, ['b', 'c']);
});

test('a folder that waits as a whole is named in one alarm, and when it is free', () => {
  const { tell, messages } = reporting();
  tell({ kind: 'folderHeld', folder: 'cam2/', fault: faultOf('unknown', { code: 'AccessDenied' }) });
  tell({ kind: 'folderFreed', folder: 'cam2/' });
  tell({ kind: 'folderHeld', folder: '', fault: faultOf('unknown', { code: 'AccessDenied' }) });
  assert.match(
    messages()[0] ?? '',
    /^error: the files below cam2\/ wait, because the store refuses all of them: /,
  );
  assert.equal(messages()[1], 'info: the store accepts files below cam2/ again');
  assert.match(messages()[2] ?? '', /^error: the files right in the spool wait/);
});

test('every file in quarantine is named, with where it is', () => {
  const { tell, counters, messages } = reporting();
  tell({ kind: 'quarantined', entry: entryOf('a'), fault: faultOf('file') });
  tell({ kind: 'quarantined', entry: entryOf('b'), fault: faultOf('file') });
  assert.deepEqual(messages(), [
    'error: quarantined a: a file fault; it is in .halfpipe/quarantine',
    'error: quarantined b: a file fault; it is in .halfpipe/quarantine',
  ]);
  assert.equal(counters.totals.quarantinedFiles, 2);
});

test('a store that asks for less halves the uploads each time, and is told of once', () => {
  const { tell, messages } = reporting();
  for (let answer = 0; answer < 10; answer += 1) tell({ kind: 'slowDown' });
  assert.equal(messages().length, 1);
});

test('a reload tells what is in force and what waits for a restart', () => {
  const { tell, messages } = reporting();
  tell({
    kind: 'reloaded',
    changed: [
      { key: 'link.share', live: true, origin: '/etc/halfpipe/conf.d/10-share.yaml:2' },
      { key: 's3.region', live: true, origin: 'not set' },
      { key: 'spool.path', live: false, origin: 'HALFPIPE_SPOOL_PATH' },
    ],
  });
  tell({ kind: 'reloaded', changed: [] });
  assert.deepEqual(messages(), [
    'info: reloaded: changed link.share (/etc/halfpipe/conf.d/10-share.yaml:2), s3.region (not set)',
    'warn: spool.path (HALFPIPE_SPOOL_PATH) changed as well, and takes effect only after a restart',
    'info: reloaded: nothing changed',
  ]);
});

test('what a crash left is told only where there was something', () => {
  const { tell, messages } = reporting();
  tell({ kind: 'putBack', recovery: { restored: 0, waiting: 0 } });
  tell({ kind: 'swept', uploads: 0 });
  assert.deepEqual(messages(), []);
  tell({ kind: 'putBack', recovery: { restored: 2, waiting: 1 } });
  assert.match(
    messages()[0] ?? '',
    /put 2 files back into the spool; in \.halfpipe\/aside 1 file waits until its name is free/,
  );
});

test('what is skipped is named by what it is, with what to do', () => {
  const { tell, messages } = reporting();
  const paths = ['priv', 'b', 'c'].map(SpoolPath.from);
  tell({
    kind: 'oddities',
    oddity: { kind: 'closed folder', code: 'EACCES' },
    paths,
    count: 9,
  });
  tell({
    kind: 'oddities',
    oddity: { kind: 'FIFO' },
    paths: paths.slice(0, 1),
    count: 1,
  });
  assert.deepEqual(messages(), [
    'warn: skipped priv and 2 more: b, c: folders that cannot be read or entered (EACCES); 9 of this kind are in the spool' +
      ' (give the service user read, write and execute permission on it: chmod g+rwx, and umask 0007 for the program that makes these folders)',
    'warn: skipped priv: a FIFO (put the file itself there: only regular files are uploaded)',
  ]);
});

test('a pause is told at once and, ever more rarely, with its reason; work once a minute', async () => {
  const { tell, clock, messages } = reporting();
  const fault = faultOf('breaker');
  tell({ kind: 'paused', fault });
  for (let second = 10; second <= 120; second += 10) {
    await clock.advance(10_000);
    tell({ kind: 'state', snapshot: { ...DRAINING, state: 'paused', waitingFor: fault.message } });
  }
  const told = messages();
  assert.match(told[0] ?? '', /^error: draining is paused: a breaker fault/);
  assert.deepEqual(told.slice(1), Array(2).fill('info: paused: a breaker fault; 3,000 files wait'));
  for (let second = 1; second <= 120; second += 1) {
    await clock.advance(1_000);
    tell({ kind: 'state', snapshot: DRAINING });
  }
  assert.equal(messages().length, 5);
});
