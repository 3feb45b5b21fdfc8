import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packing, type PackingOptions } from '../../src/packets/packing.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';

const OPTIONS: PackingOptions = {
  match: () => true,
  maxFileBytes: 1_000,
  sizeBytes: 5_000,
  maxFiles: 4,
  maxDelayMs: 30_000,
  groupBy: 'none',
};

function entry(name: string, sizeBytes = 10, modifiedAtMs = Date.UTC(2026, 10, 28, 14, 25)): Entry {
  const identity = { dev: 1n, ino: 1n, sizeBytes, mtimeNs: 0n, ctimeNs: 0n };
  return { path: new SpoolPath(Buffer.from(name, 'latin1')), identity, modifiedAtMs };
}

const packing = (options: Partial<PackingOptions> = {}) => new Packing({ ...OPTIONS, ...options });
const names = (group: { entries: readonly Entry[] } | undefined) =>
  group?.entries.map(({ path }) => `${path}`);

function addAll(to: Packing, files: readonly Entry[], nowMs = 0): void {
  for (const file of files) to.add(file, nowMs);
}

/** All groups that are complete at this time. */
function taken(from: Packing, nowMs: number): (string[] | undefined)[] {
  const groups: (string[] | undefined)[] = [];
  for (let group = from.take(nowMs); group !== undefined; group = from.take(nowMs)) groups.push(names(group));
  return groups;
}

test('packs small files that match and whose names are UTF-8, and none while packets are off', () => {
  const logs = packing({ match: (path) => `${path}`.endsWith('.log') });
  assert.ok(logs.isPackable(entry('a.log', 1_000)));
  assert.ok(logs.isPackable(entry('a.log', 0)));
  assert.ok(!logs.isPackable(entry('a.log', 1_001)));
  assert.ok(!logs.isPackable(entry('a.jpg')));
  assert.ok(!packing().isPackable(entry('\xff.log')));
  // Some readers of zips refuse such names, or find the file elsewhere.
  for (const name of ['a\\b.log', 'C:a.log']) assert.ok(!packing().isPackable(entry(name)), name);
  assert.ok(!new Packing(undefined).isPackable(entry('a.log')));
});

test('a group is complete with its last file, and the next file begins another', () => {
  const files = packing();
  addAll(
    files,
    ['a', 'b', 'c', 'd', 'e'].map((name) => entry(name)),
  );
  assert.deepEqual(taken(files, 0), [['a', 'b', 'c', 'd']]);
  assert.deepEqual(files.waiting, { files: 1, bytes: 10, groups: 1 });
});

test('a group has no more bytes than it may; a file that does not fit begins the next', () => {
  const files = packing({ sizeBytes: 1_000 });
  addAll(files, [entry('a', 600), entry('b', 600), entry('c', 400)]);
  assert.deepEqual(taken(files, 0), [['a'], ['b', 'c']]);
});

test('one byte too many is too many', () => {
  const files = packing({ sizeBytes: 1_000 });
  addAll(files, [entry('a', 600), entry('b', 401), entry('c', 599)]);
  assert.deepEqual(taken(files, 0), [['a'], ['b', 'c']]);
});

test('no file waits longer for company than maxDelay', () => {
  const files = packing();
  assert.equal(files.nextDueAtMs, undefined);
  files.add(entry('a'), 1_000);
  files.add(entry('b'), 30_000);
  assert.equal(files.nextDueAtMs, 31_000);
  assert.equal(files.take(30_999), undefined);
  assert.deepEqual(taken(files, 31_000), [['a', 'b']]);
  assert.equal(files.nextDueAtMs, undefined);
});

test('a complete group is due at once', () => {
  const files = packing({ maxFiles: 1 });
  files.add(entry('a'), 1_000);
  assert.ok((files.nextDueAtMs ?? 0) < 0);
});

test('files of one folder, or of one hour, travel together', () => {
  const byFolder = packing({ groupBy: 'folder' });
  addAll(
    byFolder,
    ['cam1/x/a', 'cam2/b', 'c', 'cam1/x/d'].map((name) => entry(name)),
  );
  const groups = [byFolder.take(30_000), byFolder.take(30_000), byFolder.take(30_000)];
  assert.deepEqual(
    groups.map((group) => [group?.name, names(group)]),
    [
      ['cam1/x', ['cam1/x/a', 'cam1/x/d']],
      ['cam2', ['cam2/b']],
      ['', ['c']],
    ],
  );
  const byHour = packing({ groupBy: 'hour' });
  addAll(byHour, [
    entry('a', 1, Date.UTC(2026, 10, 28, 14, 59)),
    entry('b', 1, Date.UTC(2026, 10, 28, 15, 0)),
    entry('c', 1, Number.POSITIVE_INFINITY),
  ]);
  assert.deepEqual(
    [byHour.take(30_000), byHour.take(30_000), byHour.take(30_000)].map((group) => group?.name),
    ['2026-11-28/14', '2026-11-28/15', ''],
  );
});

test('of more than 16 open groups, the oldest is complete', () => {
  const files = packing({ groupBy: 'folder' });
  addAll(
    files,
    Array.from({ length: 17 }, (_, folder) => entry(`${folder}/a`)),
  );
  assert.deepEqual(taken(files, 0), [['0/a']]);
});

test('no more than 20,000 files wait in open groups', () => {
  const files = packing({ groupBy: 'folder', maxFiles: 15_000, sizeBytes: 1e6 });
  addAll(
    files,
    Array.from({ length: 20_001 }, (_, n) => entry(`${n % 2}/${n}`)),
  );
  assert.equal(taken(files, 0)[0]?.length, 10_001);
});

test('a file that is marked travels alone until its content changes', () => {
  const files = packing();
  files.alone(entry('a', 10));
  assert.ok(!files.isPackable(entry('a', 10)));
  assert.ok(files.isPackable(entry('b', 10)));
  assert.ok(files.isPackable(entry('a', 11)));
});

test('a refused packet comes again in halves, down to single files', () => {
  const files = packing();
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => entry(name));
  files.split(all);
  const [first, rest] = [all.slice(0, 3), all.slice(3)];
  addAll(files, [...rest, entry('new'), ...first]);
  assert.deepEqual(taken(files, 0), [
    ['d', 'e'],
    ['a', 'b', 'c'],
  ]);
  assert.deepEqual(taken(files, 30_000), [['new']]);
  files.split(all.slice(0, 3));
  assert.ok(files.isPackable(entry('a')) && files.isPackable(entry('b')) && !files.isPackable(entry('c')));
});

test('a half whose other files are gone waits one second, not maxDelay', () => {
  const files = packing();
  files.split(['a', 'b', 'c', 'd'].map((name) => entry(name)));
  files.add(entry('a'), 500);
  assert.equal(files.nextDueAtMs, 1_500);
  assert.deepEqual(taken(files, 1_500), [['a']]);
});

test('gives all files back, and packs by the new options from then on', () => {
  const files = packing({ maxFiles: 2 });
  files.alone(entry('single'));
  addAll(
    files,
    ['a', 'b', 'c'].map((name) => entry(name)),
  );
  assert.deepEqual(names({ entries: files.reconfigure({ ...OPTIONS, maxFiles: 3 }) }), ['a', 'b', 'c']);
  assert.deepEqual(files.waiting, { files: 0, bytes: 0, groups: 0 });
  assert.ok(!files.isPackable(entry('single')));
  addAll(
    files,
    ['a', 'b', 'c'].map((name) => entry(name)),
  );
  assert.deepEqual(taken(files, 0), [['a', 'b', 'c']]);
  assert.throws(() => new Packing(undefined).add(entry('a'), 0), TypeError);
});
