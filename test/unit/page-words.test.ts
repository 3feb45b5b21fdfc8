import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileView } from '../../src/view/file-list.ts';
import { pageWords } from '../../src/view/page-words.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { skippedText, statusText } from '../../src/view/status-text.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { DRAINING, NO_LISTS, NONE_REFUSED, withBacklog } from '../support/snapshot-fixture.ts';

const wordsOf = (change: Partial<Snapshot>) => pageWords({ ...DRAINING, ...change }, NO_LISTS);

test('the page says the state in the words of the status line', () => {
  const snapshot = fullSnapshot(1);
  const { headline, details } = pageWords(snapshot, NO_LISTS).texts;
  assert.ok(statusText(snapshot).startsWith(`${headline} · ${details}`), statusText(snapshot));
  const { rows } = pageWords(snapshot, NO_LISTS);
  assert.deepEqual(
    rows['backlog.skipped'],
    snapshot.backlog.skipped.map((kind) => ({ what: skippedText(kind) })),
  );
});

for (const { nextTryAtMs, says } of [
  { nextTryAtMs: null, says: '' },
  { nextTryAtMs: 8_000, says: 'in 8 s' },
  { nextTryAtMs: 119_000, says: 'in 1 min 59 s' },
  { nextTryAtMs: 20 * 60_000, says: 'at 12:20' },
])
  test(`a next try ${nextTryAtMs} ms ahead is told as "${says}"`, () => {
    const takenAtMs = new Date(2026, 0, 5, 12).getTime();
    const problem = {
      ...({ kind: 'store', severity: 'degraded', message: 'm', remedy: null, files: null } as const),
      sinceAtMs: takenAtMs - 60_000,
      nextTryAtMs: nextTryAtMs === null ? null : takenAtMs + nextTryAtMs,
    };
    const { rows } = wordsOf({ takenAtMs, problems: [problem] });
    assert.deepEqual(rows.problems, [{ since: '11:59', nextTry: says }]);
  });

test('the title of the tab has the files that wait', () => {
  assert.equal(pageWords(DRAINING, NO_LISTS).texts.title, '3,000 · draining');
  assert.equal(pageWords({ ...withBacklog({ files: 0 }), state: 'idle' }, NO_LISTS).texts.title, 'idle');
});

test('a screen reader is told when the state or the verdict changes, not when a figure does', () => {
  const { announcement } = pageWords(DRAINING, NO_LISTS).texts;
  assert.equal(announcement, 'draining, catching up');
  assert.equal(
    pageWords({ ...withBacklog({ files: 7 }), uptimeMs: 9 }, NO_LISTS).texts.announcement,
    announcement,
  );
  assert.equal(wordsOf({ state: 'paused', waitingFor: 'no bucket' }).texts.announcement, 'paused: no bucket');
});

test('files are told with their times, and a list that is cut says so', () => {
  const takenAtMs = new Date(2026, 0, 5, 12).getTime();
  const path = { bytes: Buffer.from('a'), toString: () => 'a' };
  const file = fileView(path, 'deferred', { sinceAtMs: takenAtMs - 60_000, nextTryAtMs: takenAtMs + 5_000 });
  const deferred = { list: 'deferred', files: [file], total: 1_001 } as const;
  const recent = { uploads: [fileView(path, 'uploaded')], failures: [file] };
  const { texts, rows } = pageWords({ ...DRAINING, takenAtMs, recent }, { ...NO_LISTS, deferred });
  assert.deepEqual(rows['lists.deferred.files'], [{ since: '11:59', nextTry: 'in 5 s' }]);
  assert.deepEqual(rows['recent.failures'], rows['lists.deferred.files']);
  assert.deepEqual(rows['recent.uploads'], [{ since: '', nextTry: '' }]);
  assert.deepEqual([texts.moreDeferred, texts.moreQuarantined], ['… and 1,000 more', '']);
});

test('the words about ingest are there while it is on', () => {
  const { ingest } = fullSnapshot(1);
  const { texts } = wordsOf({
    ingest: ingest && { ...ingest, lastAcceptedAtMs: null, refused: NONE_REFUSED },
  });
  assert.deepEqual(
    [texts.ingestAt, texts.lastAccepted, texts.refused],
    ['https://192.0.2.7:8443', 'never', 'none'],
  );
  assert.match(wordsOf({ ingest }).texts.refused ?? '', /^[\d,]+ refused \(/);
  assert.equal(
    wordsOf({ ingest: ingest && { ...ingest, isUp: false } }).texts.ingestAt,
    'receives nothing now',
  );
  assert.equal(wordsOf({}).texts.ingestAt, undefined);
});
