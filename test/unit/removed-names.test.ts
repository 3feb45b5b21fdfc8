// A file is opened only when no earlier one of its name can come back; where no name comes twice that costs nothing.
import assert from 'node:assert/strict';
import test from 'node:test';
import { SpoolPath } from '../../src/spool/entry.ts';
import { RemovedNames } from '../../src/spool/removed-names.ts';

const [A, B, IN_FOLDER] = [SpoolPath.from('a'), SpoolPath.from('b'), SpoolPath.from('folder/a')];
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

class Folder {
  syncs = 0;
  isSlow = false;
  readonly waiting: (() => void)[] = [];
  sync(): Promise<void> {
    this.syncs += 1;
    return this.isSlow ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve();
  }
}

test('syncs a folder once after the start, and then only for names that are used again', async () => {
  const [names, folder, other] = [new RemovedNames(), new Folder(), new Folder()];
  for (const path of [A, B]) await names.settle(path, folder);
  assert.equal(folder.syncs, 1);
  names.add(A);
  await names.settle(B, folder);
  assert.equal(folder.syncs, 1);
  await names.settle(A, folder);
  assert.equal(folder.syncs, 2);
  await names.settle(A, folder);
  await names.settle(IN_FOLDER, other);
  assert.deepEqual([folder.syncs, other.syncs], [2, 1]);
});

test('files of one folder share a sync, but none that was begun before the removal', async () => {
  const [names, folder] = [new RemovedNames(), new Folder()];
  folder.isSlow = true;
  const opened: string[] = [];
  const open = async (path: SpoolPath, what: string) => {
    await names.settle(path, folder);
    opened.push(what);
  };
  const first = [open(A, 'a'), open(B, 'b')];
  await settled();
  assert.deepEqual([folder.syncs, opened], [1, []]);
  names.add(A);
  const again = open(A, 'a again');
  assert.equal(folder.syncs, 2);
  folder.waiting[0]?.();
  await Promise.all(first);
  assert.deepEqual(opened, ['a', 'b']);
  names.add(B);
  folder.waiting[1]?.();
  await again;
  const late = open(B, 'b again');
  await settled();
  assert.equal(folder.syncs, 3, 'what was removed during a sync is not part of it');
  folder.waiting[2]?.();
  await late;
});

test('a sync that fails opens nothing and is made again', async () => {
  const [names, folder] = [new RemovedNames(), new Folder()];
  const broken = { sync: () => Promise.reject(new Error('EIO')) };
  await assert.rejects(async () => names.settle(A, broken), /EIO/);
  await names.settle(A, folder);
  assert.equal(folder.syncs, 1);
});

test('keeps so many names, and syncs once more when it has forgotten them', async () => {
  const [names, folder] = [new RemovedNames(), new Folder()];
  await names.settle(A, folder);
  for (let nth = 0; nth <= 20_000; nth += 1) names.add(SpoolPath.from(`file ${nth}`));
  await names.settle(A, folder);
  assert.equal(folder.syncs, 2);
});
