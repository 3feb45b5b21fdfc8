// What the log says about files that arrive over HTTP: each is named, in few lines.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { IngestEvent } from '../../src/ingest/ingest-event.ts';
import { journalEntry } from '../../src/log/journal-entry.ts';
import type { LogLevel } from '../../src/log/log.ts';
import { plainFields } from '../../src/log/log-record.ts';
import { Reporter } from '../../src/report/reporter.ts';
import { Fault } from '../../src/system/fault.ts';
import { redactorOf } from '../../src/system/redact.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { journalFields } from '../support/journal-fields.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

const GATHER_MS = 10_000;
const MINUTE_MS = 60_000;

function logging(level: LogLevel = 'info') {
  const clock = new SimClock();
  const log = new KeptLog();
  log.level = level;
  const reporter = new Reporter(clock, log);
  const messages = () => log.records.map(({ level, message }) => `${level}: ${message}`);
  return { clock, log, reporter, hear: reporter.hear, messages };
}

function accepted(path: string, token = 'camera-7'): IngestEvent {
  return { kind: 'ingested', path, sizeBytes: 1_000, token, outcome: 'created', elapsedMs: 12 };
}

const REFUSED = {
  ...{ kind: 'ingestRefused', status: 409, problem: 'name-taken', token: 'camera-7' },
  ...{ path: 'a.jpg', client: '192.0.2.9', detail: 'another file waits under this name' },
} as const satisfies IngestEvent;

test('files of one token share a line, ten seconds after the first', async () => {
  const { clock, hear, log, messages } = logging();
  for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) hear(accepted(name));
  hear(accepted('d.jpg', 'camera-8'));
  await clock.advance(GATHER_MS - 1);
  assert.deepEqual(messages(), []);
  await clock.advance(1);
  assert.deepEqual(messages(), [
    'info: received 3 files (3.00 kB) over HTTP with the token camera-7: a.jpg; others: b.jpg, c.jpg',
    'info: received 1 file (1.00 kB) over HTTP with the token camera-8: d.jpg',
  ]);
  assert.deepEqual(log.records[0]?.fields.tokenName, 'camera-7');
  await clock.advance(10 * MINUTE_MS);
  assert.equal(log.records.length, 2);
});

test('the journal finds by its name each file that came over HTTP, with the name of its token', async () => {
  const { clock, hear, log } = logging();
  for (const name of ['camera-7/a.jpg', 'camera-7/b.jpg']) hear(accepted(name));
  await clock.advance(GATHER_MS);
  const { fields, level, message } = log.records[0] ?? assert.fail('no line');
  const record = { level, msg: message, ...plainFields(fields, redactorOf({})) };
  const entry = journalFields(journalEntry(record, 1));
  const valuesOf = (name: string) => entry.filter(([field]) => field === name).map(([, value]) => value);
  assert.deepEqual(valuesOf('HALFPIPE_FILE'), ['camera-7/a.jpg', 'camera-7/b.jpg']);
  assert.deepEqual(valuesOf('HALFPIPE_TOKEN_NAME'), ['camera-7']);
  assert.deepEqual(valuesOf('HALFPIPE_EVENT'), ['ingested']);
});

test('of 10,000 files in ten seconds each is named once, in lines of at most 500', async () => {
  const { clock, hear, log } = logging();
  const names = Array.from({ length: 10_000 }, (_, at) => `camera-7/${at}.jpg`);
  for (const [at, name] of names.entries()) {
    hear(accepted(name));
    if (at % 1_000 === 999) await clock.advance(900);
  }
  await clock.advance(GATHER_MS);
  const files = log.records.map(({ fields }) => fields.file);
  assert.deepEqual(files.flat(), names);
  assert.equal(files.length, 20);
});

test('long names of many tokens make more lines, so that the memory and an entry of the journal hold them', () => {
  const { hear, log, reporter } = logging();
  const names = Array.from({ length: 300 }, (_, at) => `${at}-`.padEnd(1_000, 'x'));
  for (const [at, name] of names.entries()) hear(accepted(name, `camera-${at % 7}`));
  assert.ok(log.records.length > 20, `${log.records.length} lines before the end`);
  reporter.stop();
  const lines = log.records.filter(({ fields }) => fields.event === 'ingested');
  const files = lines.map(({ fields }) => [fields.file].flat().map(String));
  const numbersOf = (all: readonly string[]) => all.map((name) => Number.parseInt(name, 10)).toSorted();
  assert.deepEqual(numbersOf(files.flat()), numbersOf(names));
  for (const inOne of files) assert.ok(inOne.join('').length <= 66 * 1024);
});

test('the end of the daemon names what no line has named', () => {
  const { clock, hear, messages, reporter } = logging();
  hear(accepted('a.jpg'));
  reporter.stop();
  assert.match(messages()[0] ?? '', /^info: received 1 file .* a\.jpg$/);
  assert.equal(clock.pending, 0, 'no timer is left behind');
});

test('the debug log tells each accepted file with its outcome and its time', () => {
  const { hear, messages } = logging('debug');
  hear({ ...accepted('a\nb.jpg'), outcome: 'same' } as IngestEvent);
  assert.deepEqual(messages(), [
    'debug: received a\\x0ab.jpg over HTTP with the token camera-7, 1.00 kB in 0.01 s, same',
  ]);
});

test('10,000 refusals of one kind in a minute are two lines, which name the token, the problem, the client and the file', async () => {
  const { clock, hear, log, messages } = logging();
  for (let at = 0; at < 10_000; at += 1) {
    hear({ ...REFUSED, path: `${at % 20}.jpg` });
    if (at % 100 === 99) await clock.advance(MINUTE_MS / 100);
  }
  assert.equal(log.records.length, 2);
  assert.equal(
    messages()[0],
    'warn: refused 0.jpg with the token camera-7 from 192.0.2.9: 409 name-taken: another file waits under this name',
  );
  assert.match(
    messages()[1] ?? '',
    /: 9,999 times in the last minute; others: 1\.jpg, .* and 13 more$|; 9,999 times/,
  );
  assert.deepEqual(log.records[0]?.fields, {
    file: '0.jpg',
    ...{ event: 'ingestRefused', problem: 'name-taken', status: 409, tokenName: 'camera-7' },
    ...{ client: '192.0.2.9', repeats: 0 },
  });
  const named = log.records.flatMap(({ fields }) => fields.file);
  assert.deepEqual(new Set(named), new Set(Array.from({ length: 20 }, (_, at) => `${at}.jpg`)));
});

test('other tokens and other problems have lines of their own', () => {
  const { hear, log } = logging();
  for (const token of ['camera-7', 'camera-8'])
    for (const problem of ['name-taken', 'too-large'] as const) hear({ ...REFUSED, token, problem });
  assert.equal(log.records.length, 4);
});

test('names that strangers send are not kept, and their lines are no warnings unless a token was refused', async () => {
  const { clock, hear, messages } = logging();
  const stranger = { ...REFUSED, token: undefined };
  for (let at = 0; at < 1_000; at += 1) {
    hear({
      ...stranger,
      path: `${at}`.padEnd(2_000, 'x'),
      status: 401,
      problem: 'unauthorized',
      detail: 'no',
    });
    hear({ ...stranger, path: undefined, status: 404, problem: 'not-found', detail: 'no' });
  }
  await clock.advance(MINUTE_MS);
  const refused = (name: string) =>
    `warn: refused ${name.padEnd(1_024, 'x')} without a valid token from 192.0.2.9: 401 unauthorized: no`;
  assert.deepEqual(messages(), [
    refused('0'),
    'info: refused a request without a valid token from 192.0.2.9: 404 not-found: no',
    `${refused('999')}; 999 times in the last minute`,
    'info: refused a request without a valid token from 192.0.2.9: 404 not-found: no; 999 times in the last minute',
  ]);
});

test('says once where files are received, and that they are not any more', () => {
  const { hear, messages } = logging();
  for (let reload = 0; reload < 3; reload += 1)
    hear({ kind: 'ingestListening', urls: ['https://192.0.2.7:8443'], isTls: true });
  hear({ kind: 'ingestListening', urls: [], isTls: false });
  assert.deepEqual(messages(), [
    'info: files are received over HTTP at https://192.0.2.7:8443',
    'info: ingest.listen is off: no file is received over HTTP',
  ]);
});

for (const { url, isTls, warns } of [
  { url: 'http://192.0.2.7:8080', isTls: false, warns: true },
  { url: 'http://[2001:db8::1]:8080', isTls: false, warns: true },
  { url: 'https://192.0.2.7:8443', isTls: true, warns: false },
  { url: 'http://127.0.0.1:8080', isTls: false, warns: false },
  { url: 'http://[::1]:8080', isTls: false, warns: false },
  { url: 'http://localhost:8080', isTls: false, warns: false },
  { url: 'http://localhost.example:8080', isTls: false, warns: true },
  { url: 'unix:/run/halfpipe/ingest.sock', isTls: false, warns: false },
])
  test(`${warns ? 'warns' : 'does not warn'} that tokens travel unencrypted to ${url}`, () => {
    const { hear, log } = logging();
    hear({ kind: 'ingestListening', urls: [url], isTls });
    assert.deepEqual(log.events, warns ? ['ingestListening', 'ingestUnencrypted'] : ['ingestListening']);
  });

test('a breakdown is an error, and its end is told', () => {
  const { hear, messages } = logging();
  hear({ kind: 'ingestListening', urls: ['http://127.0.0.1:8080'], isTls: false });
  hear({ kind: 'ingestBroke', problem: 'out of memory' });
  hear({ kind: 'ingestListening', urls: ['http://127.0.0.1:8080'], isTls: false });
  assert.deepEqual(messages().slice(1), [
    'error: receiving files over HTTP has broken down, and is started again: out of memory',
    'info: files are received over HTTP again at http://127.0.0.1:8080',
  ]);
});

for (const failure of [
  { kind: 'ingestBroke', problem: 'out of memory' },
  { kind: 'ingestDown', error: new Error('EADDRINUSE') },
] as const)
  test(`the last line about ${failure.kind} is true, however often it came before`, async () => {
    const { clock, hear, log } = logging();
    for (let at = 0; at < 10; at += 1) hear(failure);
    hear({ kind: 'ingestListening', urls: ['http://127.0.0.1:8080'], isTls: false });
    await clock.advance(2 * MINUTE_MS);
    assert.deepEqual(log.events, [failure.kind, 'ingestBack']);
  });

test('a start that cannot listen is an error with its remedy, and its end is told', () => {
  const { hear, messages } = logging();
  const hint = 'end the other program, or set another port';
  const error = new Fault('blocked', 'port 8080 is taken', { operation: 'listen', subject: '8080', hint });
  hear({ kind: 'ingestDown', error });
  hear({ kind: 'ingestListening', urls: ['http://127.0.0.1:8080'], isTls: false });
  assert.deepEqual(messages(), [
    `error: no file is received over HTTP, and it is tried again: port 8080 is taken. ${hint}`,
    'info: files are received over HTTP at http://127.0.0.1:8080',
  ]);
});

test('the summary says how much comes over HTTP, if any may', () => {
  const { hear, log } = logging();
  const snapshot = { ...DRAINING, ingest: fullSnapshot(1).ingest };
  hear({ kind: 'state', snapshot });
  assert.match(
    log.records[0]?.message ?? '',
    / · over HTTP [\d,]+ files\/s \(.*\/s\) · [\d,]+ files \(.*\) accepted · receiving/,
  );
  assert.deepEqual(log.records[0]?.fields.ingest, snapshot.ingest);
});
