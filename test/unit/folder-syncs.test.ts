// Files that get their names in one folder at once share one sync of it, and none takes a sync for its own that began
// before it had its name.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import test, { type TestContext } from 'node:test';
import { FolderSyncs } from '../../src/spool/folder-syncs.ts';
import { SyncTurns } from '../../src/spool/sync-turns.ts';

/** Syncs end when they are told to. */
class Folder {
  readonly dev = 1n;
  readonly ino: bigint;
  readonly running: PromiseWithResolvers<void>[] = [];
  syncs = 0;

  constructor(ino: bigint) {
    this.ino = ino;
  }

  sync(): Promise<void> {
    this.syncs += 1;
    const sync = Promise.withResolvers<void>();
    this.running.push(sync);
    return sync.promise;
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Calls sync() so often, and tells which calls have resolved. */
function asked(syncs: FolderSyncs, folder: Folder, names: readonly string[], done: string[]) {
  return names.map((name) => syncs.sync(folder).then(() => done.push(name)));
}

test('files that get their names together share one sync of the folder', async () => {
  const [syncs, folder, done] = [new FolderSyncs(new SyncTurns(4)), new Folder(1n), [] as string[]];
  asked(syncs, folder, ['a', 'b', 'c'], done);
  await settle();
  assert.deepEqual([folder.syncs, done], [1, []]);
  folder.running.shift()?.resolve();
  await settle();
  assert.deepEqual([folder.syncs, done], [1, ['a', 'b', 'c']]);
});

test('a sync that began before a file had its name does not count for it', async () => {
  const [syncs, folder, done] = [new FolderSyncs(new SyncTurns(4)), new Folder(1n), [] as string[]];
  asked(syncs, folder, ['a'], done);
  await settle();
  asked(syncs, folder, ['b', 'c'], done);
  await settle();
  assert.equal(folder.syncs, 1, 'one at a time');
  folder.running.shift()?.resolve();
  await settle();
  assert.deepEqual([folder.syncs, done], [2, ['a']]);
  folder.running.shift()?.resolve();
  await settle();
  assert.deepEqual([folder.syncs, done], [2, ['a', 'b', 'c']]);
});

test('a sync that waits for its turn counts for the files that come until it begins', async () => {
  const [syncs, done] = [new FolderSyncs(new SyncTurns(1)), [] as string[]];
  const [first, second] = [new Folder(1n), new Folder(2n)];
  asked(syncs, first, ['a'], done);
  asked(syncs, second, ['b'], done);
  await settle();
  asked(syncs, second, ['c'], done);
  assert.deepEqual([first.syncs, second.syncs], [1, 0], 'only so many at once');
  first.running.shift()?.resolve();
  await settle();
  second.running.shift()?.resolve();
  await settle();
  assert.deepEqual([second.syncs, done], [1, ['a', 'b', 'c']]);
});

test('a sync that fails fails for all files that share it, and not for the next ones', async () => {
  const [syncs, folder] = [new FolderSyncs(new SyncTurns(4)), new Folder(1n)];
  const outcomes = Promise.allSettled([syncs.sync(folder), syncs.sync(folder)]);
  await settle();
  folder.running.shift()?.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
  assert.deepEqual(
    (await outcomes).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  const next = syncs.sync(folder);
  await settle();
  folder.running.shift()?.resolve();
  await next;
});

/** Two files on their way through a folder: how often the name of that folder is brought to the disk. */
async function syncsForTwo(t: TestContext, birthtimeNs: bigint): Promise<number> {
  t.mock.method(fs, 'fstatSync', () => ({ birthtimeNs }));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const [syncs, parent] = [new FolderSyncs(new SyncTurns(4)), new Folder(1n)];
  const child = Object.assign(new Folder(2n), { fd: 7 });
  for (let file = 0; file < 2; file += 1) {
    const kept = syncs.keepName(parent, child);
    await settle();
    parent.running.shift()?.resolve();
    await kept;
  }
  return parent.syncs;
}

test('the name of a folder is brought to the disk once', async (t) => {
  assert.equal(await syncsForTwo(t, 1n), 1);
});

// Regression: a folder that was removed and made again, with the same inode, was taken for the first one.
test('where the file system keeps no time of birth, each file has its folder synced', async (t) => {
  assert.equal(await syncsForTwo(t, 0n), 2);
});
