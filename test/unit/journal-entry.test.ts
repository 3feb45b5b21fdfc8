import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journalEntry } from '../../src/log/journal-entry.ts';
import { journalFields } from '../support/journal-fields.ts';

const RECORD = { level: 'info', time: '2026-01-02T12:34:56.000Z', event: 'uploaded', msg: 'uploaded a.jpg' };

function fieldsOf(record: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(journalFields(journalEntry(record, 42)));
}

test('the message is for people, every field of the record is a field of the journal', () => {
  const more = { file: 'a.jpg', bytes: 12, durationMs: 310, sha256: 'ab', hint: null, link: { share: 0.5 } };
  assert.deepEqual(fieldsOf({ ...RECORD, ...more }), {
    MESSAGE: 'uploaded a.jpg',
    PRIORITY: '6',
    SYSLOG_IDENTIFIER: 'halfpipe',
    SYSLOG_PID: '42',
    HALFPIPE_EVENT: 'uploaded',
    HALFPIPE_FILE: 'a.jpg',
    HALFPIPE_BYTES: '12',
    HALFPIPE_DURATION_MS: '310',
    HALFPIPE_SHA256: 'ab',
    HALFPIPE_LINK: '{"share":0.5}',
  });
});

test('an entry that names many files has a field for each', () => {
  const files = Array.from({ length: 500 }, (_, at) => `cam/${at}.jpg`);
  const fields = journalFields(journalEntry({ ...RECORD, file: files, files: ['a', 'b'] }, 42));
  const values = fields.filter(([name]) => name === 'HALFPIPE_FILE').map(([, value]) => value);
  assert.deepEqual(values, files);
  assert.ok(fields.length < 1_024, 'journald accepts no more');
  assert.deepEqual(
    fields.filter(([name]) => name === 'HALFPIPE_FILES').map(([, value]) => value),
    ['["a","b"]'],
  );
});

for (const [level, priority] of [
  ['fatal', '2'],
  ['error', '3'],
  ['warn', '4'],
  ['info', '6'],
  ['debug', '7'],
]) {
  test(`${level} has the priority ${priority}`, () =>
    assert.equal(fieldsOf({ ...RECORD, level }).PRIORITY, priority));
}

test('what to do is part of the message unless the message says it', () => {
  const hint = 'create the bucket';
  const message = (msg: string) => fieldsOf({ ...RECORD, msg, hint }).MESSAGE;
  assert.equal(message('no bucket'), 'no bucket (create the bucket)');
  assert.equal(message('no bucket: create the bucket'), 'no bucket: create the bucket');
});

test('a hostile name begins no field of its own, and its exact bytes are kept', () => {
  const key = 'a\nPRIORITY=0\nMESSAGE\n\x01\0\0\0\0\0\0\0x\n_UID=0';
  const fields = journalFields(journalEntry({ ...RECORD, msg: `uploaded ${key}`, key }, 42));
  const names = fields.map(([name]) => name);
  assert.deepEqual(names, [
    ...['MESSAGE', 'PRIORITY', 'SYSLOG_IDENTIFIER', 'SYSLOG_PID'],
    ...['HALFPIPE_EVENT', 'HALFPIPE_KEY'],
  ]);
  assert.equal(new Map(fields).get('HALFPIPE_KEY'), key);
  assert.doesNotMatch(new Map(fields).get('MESSAGE') ?? '', /[\n\0]/);
});

test('whatever a field is called, journald takes its name', () => {
  const strange = { 'x-amz-Id 2': 1, ' =\n': 2, Ünïcode: 3, ['long'.repeat(50)]: 4 };
  const names = Object.keys(fieldsOf({ ...RECORD, ...strange })).filter((name) =>
    name.startsWith('HALFPIPE_'),
  );
  assert.equal(names.length, 5);
  for (const name of names) assert.match(name, /^[A-Z][A-Z0-9_]{0,63}$/);
});
