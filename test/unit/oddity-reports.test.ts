// Odd things in the spool: each is told once, a kind of them at most once a minute, and counted in every scan.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Oddity } from '../../src/backlog/oddity.ts';
import { OddityReports } from '../../src/backlog/oddity-reports.ts';
import { SpoolPath } from '../../src/spool/entry.ts';

const CLOSED: Oddity = { kind: 'closed folder', code: 'EACCES' };

/** One scan that comes across `names`. */
function scan(reports: OddityReports, nowMs: number, names: readonly string[], oddity = CLOSED) {
  reports.scanBegan();
  for (const name of names) reports.sighted(SpoolPath.from(name), oddity);
  return reports.scanEnded(nowMs).map(({ paths, count }) => [paths.map(String), count]);
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `folder-${at}`);

test('tells of a thing when it is first found, and not again', () => {
  const reports = new OddityReports();
  assert.deepEqual(scan(reports, 0, ['a']), [[['a'], 1]]);
  assert.deepEqual(scan(reports, 100_000, ['a']), []);
});

test('gathers further things of a kind for a minute', () => {
  const reports = new OddityReports();
  scan(reports, 0, ['a']);
  assert.deepEqual(scan(reports, 30_000, ['a', 'b']), []);
  assert.deepEqual(scan(reports, 50_000, ['a', 'b', 'c']), []);
  assert.deepEqual(scan(reports, 60_000, ['a', 'b', 'c']), [[['b', 'c'], 3]]);
});

test('tells of another kind at once', () => {
  const reports = new OddityReports();
  scan(reports, 0, ['a']);
  reports.scanBegan();
  reports.sighted(SpoolPath.from('a'), CLOSED);
  reports.sighted(SpoolPath.from('b'), { kind: 'broken folder', code: 'EIO' });
  assert.deepEqual(
    reports.scanEnded(1_000).map(({ oddity }) => oddity.code),
    ['EIO'],
  );
});

test('names each of very many in the end, 200 a minute', () => {
  const reports = new OddityReports();
  const told = new Set<string>();
  for (let minute = 0; minute < 5; minute += 1) {
    const found = scan(reports, minute * 60_000, names(1_000));
    assert.equal(found.length, 1);
    for (const [paths] of found) for (const name of paths as string[]) told.add(name);
    assert.equal(told.size, 200 * (minute + 1));
  }
  assert.deepEqual(scan(reports, 300_000, names(1_000)), []);
});

test('counts what it no longer names', () => {
  const reports = new OddityReports();
  scan(reports, 0, names(100_000));
  assert.equal(reports.counts[0]?.count, 100_000);
});

test('forgets what is mended, and tells of it again when it is back', () => {
  const reports = new OddityReports();
  scan(reports, 0, ['a']);
  scan(reports, 100_000, []);
  assert.deepEqual(reports.counts, []);
  assert.deepEqual(scan(reports, 200_000, ['a']), [[['a'], 1]]);
});

test('tells once a minute of a folder that comes and goes', () => {
  const reports = new OddityReports();
  let told = 0;
  for (let second = 0; second < 120; second += 1)
    told += scan(reports, second * 1_000, second % 2 === 0 ? ['a'] : []).length;
  assert.equal(told, 2);
});

test('counts a thing once that a scan comes across twice', () => {
  const reports = new OddityReports();
  scan(reports, 0, ['a', 'a']);
  assert.equal(reports.counts[0]?.count, 1);
});

test('says what and how many in words, with what to do', () => {
  const reports = new OddityReports();
  scan(reports, 0, ['a', 'b']);
  const [kind] = reports.counts;
  assert.equal(kind?.what, 'folders that cannot be read or entered (EACCES)');
  assert.match(kind?.remedy ?? '', /^give the service user read, write and execute permission/);
});
