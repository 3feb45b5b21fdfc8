// What is remembered of files that failed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { FailedFiles } from '../../src/drain/failed-files.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { faultOf } from '../support/drain-bench.ts';

const at = (name: string) => SpoolPath.from(name);
const because = (code: string) => faultOf('unknown', { code });
const kindsOf = (failed: FailedFiles) =>
  failed.kindsAt(0, () => true).map(({ reason, files, example }) => [reason, files, example]);

test('remembers no more files than it may, and forgets first whoever failed longest ago', () => {
  const failed = new FailedFiles(2);
  for (const name of ['a', 'b', 'a', 'c']) failed.of(SpoolPath.from(name)).failures += 1;
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => failed.has(SpoolPath.from(name))),
    [true, false, true],
  );
  assert.equal(failed.of(SpoolPath.from('a')).failures, 2);
});

test('a file that is forgotten beyond the bound does not count as one that waits', () => {
  const failed = new FailedFiles(1);
  for (const name of ['a', 'b']) failed.waitsFor(at(name), because('Odd'), 0);
  assert.deepEqual(kindsOf(failed), [['Odd', 1, 'b']]);
});

test('a file waits for one reason at a time: the last one', () => {
  const failed = new FailedFiles();
  for (const code of ['First', 'Second', 'Second']) failed.waitsFor(at('a'), because(code), 0);
  assert.deepEqual(kindsOf(failed), [['Second', 1, 'a']]);
  failed.forget(at('a'));
  failed.forget(at('a'));
  assert.deepEqual([kindsOf(failed), failed.waiting], [[], 0]);
});

test('the most frequent reason comes first, with the last file that waits for it', () => {
  const failed = new FailedFiles();
  failed.waitsFor(at('a'), because('Seldom'), 0);
  for (const name of ['b', 'c']) failed.waitsFor(at(name), because('Often'), 0);
  assert.deepEqual(kindsOf(failed), [
    ['Often', 2, 'c'],
    ['Seldom', 1, 'a'],
  ]);
  assert.equal(failed.waiting, 3);
});

test('tells some 30 reasons apart, and counts files of further ones together', () => {
  const failed = new FailedFiles();
  for (let code = 0; code < 40; code += 1) failed.waitsFor(at(`${code}`), because(`Code${code}`), 0);
  failed.waitsFor(at('one more'), because('Code3'), 0);
  const counted = new Map(failed.kindsAt(0, () => true).map(({ reason, files }) => [reason, files]));
  assert.deepEqual([counted.size, counted.get('other'), counted.get('Code3')], [33, 8, 2]);
  for (let code = 0; code < 40; code += 1) failed.forget(at(`${code}`));
  assert.deepEqual(kindsOf(failed), [['Code3', 1, 'one more']]);
});

test('what waits below a folder is forgotten with it, and nothing else', () => {
  const failed = new FailedFiles();
  for (const name of ['cam1/a', 'cam2/a', 'cam2/b']) failed.waitsFor(at(name), because('Odd'), 0);
  failed.forgetBelow((id) => id.startsWith('cam2/'));
  assert.deepEqual(
    ['cam1/a', 'cam2/a', 'cam2/b'].map((name) => failed.has(at(name))),
    [true, false, false],
  );
  assert.equal(failed.waiting, 1);
});

test('a file that has not failed begins with nothing: also its first strike is one', () => {
  const { failures, strikes, signsAtStrike, looks } = new FailedFiles().of(at('a'));
  assert.deepEqual([failures, strikes, looks], [0, 0, 0]);
  assert.ok(signsAtStrike < 0, 'there may have been no sign of a working store yet');
});

test('a file whose time has come waits no more, unless it is under way', () => {
  const failed = new FailedFiles();
  failed.waitsFor(at('due'), because('Odd'), 1_000);
  failed.waitsFor(at('later'), because('Odd'), 5_000);
  const told = (nowMs: number, running: string[] = []) =>
    failed.kindsAt(nowMs, (id) => running.includes(id)).map(({ files, nextTryAtMs }) => [files, nextTryAtMs]);
  assert.deepEqual(told(0), [[2, 1_000]]);
  assert.deepEqual(told(1_000), [[1, 5_000]]);
  assert.deepEqual(told(1_000, [at('due').id]), [[2, 1_000]]);
  assert.deepEqual(told(5_000), []);
});
