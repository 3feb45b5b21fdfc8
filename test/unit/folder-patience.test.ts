// Which folders wait as a whole, and when one file of them is tried.
import assert from 'node:assert/strict';
import test from 'node:test';
import { FolderPatience } from '../../src/drain/folder-patience.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { faultOf } from '../support/drain-bench.ts';

const DENIED = faultOf('unknown', { code: 'AccessDenied' });
const at = (path: string) => SpoolPath.from(path);
const MINUTE = 60_000;

function refusedThrice(patience: FolderPatience, path: string, nowMs = 0): string | undefined {
  patience.refused(at(path), nowMs);
  patience.refused(at(path), nowMs);
  return patience.refused(at(path), nowMs);
}

for (const [path, folder] of [
  ['cam2/2026/a.jpg', 'cam2/'],
  ['cam2/a.jpg', 'cam2/'],
  ['a.jpg', ''],
] as const) {
  test(`after three refusals the topmost folder of ${path} is to be tested`, () => {
    assert.equal(refusedThrice(new FolderPatience(), path), folder);
  });
}

test('a file that passes below a folder begins the count of its refusals anew', () => {
  const patience = new FolderPatience();
  patience.refused(at('cam/a'), 0);
  patience.refused(at('cam/a'), 0);
  patience.passed(at('cam/b'), 0);
  assert.equal(patience.refused(at('cam/a'), 20 * MINUTE), undefined);
});

test('a folder that took something is not tested again for ten minutes, and its subfolders are', () => {
  const patience = new FolderPatience();
  assert.equal(refusedThrice(patience, 'cam/bad/a'), 'cam/');
  patience.works('cam/', 0);
  assert.equal(patience.refused(at('cam/bad/a'), 0), 'cam/bad/');
  assert.equal(refusedThrice(patience, 'cam/bad/a', 10 * MINUTE), 'cam/');
});

test('a held folder holds what is below it and nothing else', () => {
  const patience = new FolderPatience();
  patience.hold('cam2/', DENIED, 0, 1_000);
  const held = ['cam2/a', 'cam2/x/y/b', 'cam20/a', 'cam1/a', 'cam2'].filter((path) =>
    patience.holds(at(path)),
  );
  assert.deepEqual(held, ['cam2/a', 'cam2/x/y/b']);
  patience.hold('', DENIED, 0, 1_000);
  assert.ok(patience.holds(at('cam2')) && !patience.holds(at('cam1/a')));
});

test('one file of a held folder is tried after waits that double up to eight times the first', () => {
  const patience = new FolderPatience();
  patience.hold('cam2/', DENIED, 0, 1_000);
  const tries = [];
  for (let nowMs = 0; nowMs < 40_000; nowMs += 500)
    if (patience.takeDue(nowMs, 1_000) !== undefined) tries.push(nowMs);
  assert.deepEqual(tries, [1_000, 3_000, 7_000, 15_000, 23_000, 31_000, 39_000]);
});

test('a file that passes frees every held folder it is below', () => {
  const patience = new FolderPatience();
  patience.hold('cam2/', DENIED, 0, 1_000);
  patience.hold('cam2/x/', DENIED, 0, 1_000);
  assert.deepEqual(patience.passed(at('cam2/x/a'), 0), ['cam2/', 'cam2/x/']);
  assert.deepEqual(patience.held, []);
});

test('holds no more folders than it may', () => {
  const patience = new FolderPatience();
  const held = Array.from({ length: 201 }, (_, folder) => patience.hold(`${folder}/`, DENIED, 0, 1_000));
  assert.deepEqual(held.slice(199), [true, false]);
});

test('what a folder takes begins the count of its refusals anew', () => {
  const patience = new FolderPatience();
  refusedThrice(patience, 'cam/a');
  patience.works('cam/', 0);
  assert.equal(patience.refused(at('cam/a'), 10 * MINUTE), undefined, 'the first of three');
  assert.equal(patience.refused(at('cam/a'), 10 * MINUTE), undefined);
  assert.equal(patience.refused(at('cam/a'), 10 * MINUTE), 'cam/');
});

test('a folder that is freed is not tested again for ten minutes', () => {
  const patience = new FolderPatience();
  refusedThrice(patience, 'cam/a');
  patience.hold('cam/', DENIED, 0, 1_000);
  assert.deepEqual(patience.free('cam/', 5_000), ['cam/']);
  assert.deepEqual(patience.free('cam/', 5_000), [], 'it is freed once');
  assert.equal(refusedThrice(patience, 'cam/a', 5_000), undefined);
});

test('with new settings nothing is held, and no refusal counts any more', () => {
  const patience = new FolderPatience();
  refusedThrice(patience, 'cam/a');
  patience.hold('cam/', DENIED, 0, 1_000);
  assert.deepEqual(patience.clear(), ['cam/']);
  assert.deepEqual([patience.held, patience.holds(at('cam/a'))], [[], false]);
  assert.equal(patience.refused(at('cam/a'), 0), undefined);
});

test('remembers the refusals of so many folders, and forgets first the one that was refused longest ago', () => {
  const patience = new FolderPatience();
  for (const path of ['kept/a', 'old/a', 'old/a']) patience.refused(at(path), 0);
  for (let folder = 0; folder < 1_998; folder += 1) patience.refused(at(`${folder}/a`), 0);
  patience.refused(at('kept/a'), 0);
  patience.refused(at('one more/a'), 0);
  assert.equal(patience.refused(at('kept/a'), 0), 'kept/');
  assert.equal(patience.refused(at('old/a'), 0), undefined, 'the first of three again');
});

test('a file that passes is not noted of folders that were never refused', () => {
  const patience = new FolderPatience();
  patience.refused(at('cam1/a'), 0);
  patience.passed(at('cam2/a'), 0);
  assert.equal(refusedThrice(patience, 'cam2/b'), 'cam2/');
});
