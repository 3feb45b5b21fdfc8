// Hints of the real chokidar on real folders. That one comes is tested by waiting for it; nothing depends on when.
import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SpoolWatcher } from '../../src/backlog/watcher.ts';
import { test } from '../support/nothing-left.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

/** A watcher that is in place. `hinted(name)` resolves with the first hint about that path. */
async function watching(t: TestContext) {
  const disk = await TemporarySpool.create(t);
  await mkdir(disk.at('folder'));
  await mkdir(disk.at('.halfpipe'));
  const hints: string[] = [];
  const kinds: string[] = [];
  const waiting = new Set<() => void>();
  let watcher: SpoolWatcher | undefined;
  const ready = new Promise<void>((onReady) => {
    watcher = new SpoolWatcher(disk.path, {
      onHint: (path, what) => {
        hints.push(path === undefined ? '?' : path.toString());
        if (what !== undefined) kinds.push(`${path} ${what}`);
        for (const check of waiting) check();
      },
      onReady,
      onUnavailable: (code) => assert.fail(code),
    });
  });
  watcher?.start();
  await ready;
  t.after(() => watcher?.stop());
  const hinted = (name: string) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!hints.includes(name)) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { disk, hints, kinds, hinted, watcher };
}

test('hints at a file written, also in a subfolder and in a new folder', async (t) => {
  const { disk, hinted } = await watching(t);
  await writeFile(disk.at('a'), '');
  await hinted('a');
  await writeFile(disk.at('folder/b'), '');
  await hinted('folder/b');
  await mkdir(disk.at('new'));
  await hinted('new');
});

test('hints at a file renamed in', async (t) => {
  const { disk, hinted } = await watching(t);
  await writeFile(join(disk.base, 'finished'), 'x');
  await rename(join(disk.base, 'finished'), disk.at('finished'));
  await hinted('finished');
});

test('tells a file renamed in from one that is written in place', async (t) => {
  const { disk, kinds, hinted } = await watching(t);
  await writeFile(disk.at('written'), 'x');
  await writeFile(disk.at('.making'), 'x');
  await rename(disk.at('.making'), disk.at('renamed'));
  await mkdir(disk.at('last'));
  await hinted('last');
  assert.ok(kinds.includes('written written'));
  assert.ok(kinds.includes('renamed renamed'));
  assert.ok(!kinds.includes('renamed written'));
});

test('gives no hint about what happens in the private folder', async (t) => {
  const { disk, hints, hinted } = await watching(t);
  await writeFile(disk.at('.halfpipe/journal'), '');
  await mkdir(disk.at('.halfpipe/aside'));
  await writeFile(disk.at('last'), '');
  await hinted('last');
  assert.deepEqual(
    hints.filter((hint) => hint.startsWith('.halfpipe')),
    [],
  );
});

test('gives no hint any more from the moment it is stopped', async (t) => {
  const { disk, hints, watcher } = await watching(t);
  await writeFile(disk.at('a'), '');
  const stopped = watcher?.stop();
  const before = hints.length;
  await writeFile(disk.at('b'), '');
  await stopped;
  assert.equal(hints.length, before);
});
