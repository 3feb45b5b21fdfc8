// Folders stay open from one file to the next. What happens to a folder meanwhile must count as if it was opened anew.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SpoolPath } from '../../src/spool/entry.ts';
import type { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { test } from '../support/nothing-left.ts';
import { proofFor } from '../support/removal-proof.ts';
import { giveUp, TemporarySpool } from '../support/temporary-spool.ts';

async function prepare(t: TestContext) {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  return { disk, spool, in: (name: string) => join(disk.path, name) };
}

async function remove(spool: SpoolDirectory, path: SpoolPath): Promise<void> {
  const file = await spool.openFile(path);
  try {
    await (await spool.setAside(file)).remove(proofFor(file), giveUp);
  } finally {
    await file.close();
  }
}

/** How many descriptors lead below this folder. */
function descriptorsBelow(folder: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(`${folder}/`);
    } catch {
      return false;
    }
  }).length;
}

/** What happens to the folder `a/b` of the file `a/b/f` between its opening and its removal. */
const CHANGES: Readonly<Record<string, (spool: string, outside: string) => string>> = {
  'is moved out of the spool': (spool, outside) => {
    renameSync(join(spool, 'a/b'), join(outside, 'b'));
    return join(outside, 'b/f');
  },
  'gets another name': (spool) => {
    renameSync(join(spool, 'a/b'), join(spool, 'a/c'));
    return join(spool, 'a/c/f');
  },
  'is moved, and a link leads to it': (spool, outside) => {
    renameSync(join(spool, 'a/b'), join(outside, 'b'));
    symlinkSync(join(outside, 'b'), join(spool, 'a/b'));
    return join(outside, 'b/f');
  },
  'is moved with the folder above it, and a link leads there': (spool, outside) => {
    renameSync(join(spool, 'a'), join(outside, 'a'));
    symlinkSync(join(outside, 'a'), join(spool, 'a'));
    return join(outside, 'a/b/f');
  },
  'is moved, and another has its name': (spool, outside) => {
    renameSync(join(spool, 'a/b'), join(outside, 'b'));
    mkdirSync(join(spool, 'a/b'));
    writeFileSync(join(spool, 'a/b/f'), 'newer');
    return join(outside, 'b/f');
  },
};

for (const [what, change] of Object.entries(CHANGES))
  test(`nothing is removed from a folder that ${what}`, async (t) => {
    const { disk, spool } = await prepare(t);
    const path = await disk.put('a/b/f');
    const file = await spool.openFile(path);
    t.after(() => file.close());
    const place = change(disk.path, disk.base);
    await assert.rejects(spool.setAside(file), { faultClass: 'changed' });
    assert.ok(existsSync(place));
  });

test('a folder that was removed and made again is the new one for its next file', async (t) => {
  const { disk, spool, in: at } = await prepare(t);
  await remove(spool, await disk.put('a/f'));
  rmSync(at('a'), { recursive: true });
  await remove(spool, await disk.put('a/f'));
  assert.deepEqual(await disk.list(), ['a']);
});

test('only so many folders stay open, and those of files under way', async (t) => {
  const { disk, spool } = await prepare(t);
  const names = Array.from({ length: 100 }, (_, at) => `${at}/f`);
  for (const name of names) await disk.put(name);
  await Promise.all(names.map((name) => remove(spool, SpoolPath.from(name))));
  const kept = descriptorsBelow(disk.path);
  assert.ok(kept > 10 && kept < 80, `${kept}`);
  for (const name of names) await disk.put(name);
  await Promise.all(
    [...names, ...names].map((name) => remove(spool, SpoolPath.from(name)).catch(() => undefined)),
  );
  assert.deepEqual(
    (await disk.list()).filter((name) => name.endsWith('/f')),
    [],
  );
  assert.ok(descriptorsBelow(disk.path) < 80);
});

test('a folder that is removed because it is empty does not stay open', async (t) => {
  const { disk, spool } = await prepare(t);
  await remove(spool, await disk.put('a/f'));
  const before = descriptorsBelow(disk.path);
  assert.equal(await spool.removeFolder(SpoolPath.from('a'), 0, Date.now() + 10_000), 'removed');
  assert.equal(descriptorsBelow(disk.path), before - 1);
});
