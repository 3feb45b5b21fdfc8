// A power cut after an act has ended, or at any moment of it, takes no file's only name and no content that has a name.

import assert from 'node:assert/strict';
import { link, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { InstanceLock } from '../../src/spool/instance-lock.ts';
import { salvage } from '../../src/spool/salvage.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { errnoOf } from '../../src/system/fault.ts';
import { failing, refusing, refusingSync } from '../support/failing-disk.ts';
import { test } from '../support/nothing-left.ts';
import { RecordedDisk } from '../support/recorded-disk.ts';
import { proofFor } from '../support/removal-proof.ts';
import { giveUp, TemporarySpool } from '../support/temporary-spool.ts';

const REASON = { reason: 'unreadable', at: '2026-01-02T03:04:05.678Z' };

interface Stage {
  readonly disk: TemporarySpool;
  readonly spool: SpoolDirectory;
}

async function asideOf({ disk, spool }: Stage, t: TestContext, name = 'folder/f') {
  const file = await spool.openFile(await disk.put(name, 'uploaded'));
  t.after(() => file.close());
  return { file, aside: await spool.setAside(file) };
}

/** What is done, after the stage for it has been set. */
type Act = (stage: Stage, t: TestContext) => Promise<(recorded?: RecordedDisk) => Promise<unknown>>;

const ACTS: readonly (readonly [string, Act])[] = [
  [
    'a file is put back',
    async (stage, t) => {
      const { aside } = await asideOf(stage, t);
      return () => aside.putBack();
    },
  ],
  [
    'a file is put back where its folders are gone',
    async (stage, t) => {
      const { aside } = await asideOf(stage, t, 'camera/today/f');
      await rm(stage.disk.at('camera'), { recursive: true });
      return () => aside.putBack();
    },
  ],
  [
    'a file is put back where files cannot be linked',
    async (stage, t) => {
      const { aside } = await asideOf(stage, t);
      return () => {
        failing(t, 'link', 'EPERM');
        return aside.putBack();
      };
    },
  ],
  [
    'a file is put back of which a crash left both names',
    async ({ disk, spool }) => {
      await disk.put('folder/f', 'kept');
      await link(disk.at('folder/f'), disk.at('.halfpipe/aside/0/folder%2ff'));
      return (recorded) => {
        recorded?.crashLeft(disk.at('folder/f'));
        return spool.recoverAside();
      };
    },
  ],
  [
    'a file is put back over the claim that a crash left',
    async ({ disk, spool }) => {
      await disk.put('.halfpipe/aside/0/f', 'kept');
      await writeFile(disk.at('f'), '', { mode: 0 });
      return () => spool.recoverAside();
    },
  ],
  [
    'what a descriptor holds is saved',
    async ({ disk, spool }, t) => {
      const file = await spool.openFile(await disk.put('f', 'content'));
      t.after(() => file.close());
      await unlink(disk.at('f'));
      const home = await spool.openPrivate();
      t.after(() => home.close());
      return () => salvage(file, home, Buffer.from('aside/0/f'), giveUp);
    },
  ],
  [
    'a file goes to quarantine',
    async ({ disk, spool }) => {
      const path = await disk.put('folder/f', 'bad');
      return () => spool.quarantine(path, REASON);
    },
  ],
  [
    'a file comes back from quarantine',
    async ({ disk, spool }) => {
      const quarantined = await spool.quarantine(await disk.put('folder/f', 'bad'), REASON);
      return () => spool.retryQuarantined(quarantined);
    },
  ],
  [
    'a file whose name a newer one has goes to quarantine',
    async ({ disk }, t) => {
      const spool = await SpoolDirectory.open(disk.path, { newestStays: () => true });
      t.after(() => spool.close());
      const { aside } = await asideOf({ disk, spool }, t);
      await disk.put('folder/f', 'newer');
      return () => aside.putBack();
    },
  ],
  [
    'a journal is saved, and saved again',
    async ({ disk, spool }, t) => {
      const file = await spool.openFile(await disk.put('f'));
      t.after(() => file.close());
      const journal = spool.journal<string>(file);
      return async () => {
        for (const value of ['one', 'two']) await journal.save(value);
      };
    },
  ],
  [
    'a spool is opened for the first time',
    async ({ disk }, t) => {
      await rename(join(disk.path, '.halfpipe'), join(disk.base, 'former'));
      return async () => {
        const spool = await SpoolDirectory.open(disk.path);
        t.after(() => spool.close());
      };
    },
  ],
  [
    'an instance takes the spool',
    async ({ spool }, t) =>
      async () => {
        const lock = await InstanceLock.acquire(spool);
        t.after(() => lock.release());
      },
  ],
];

/** Room for a full disk, which is made anew where it is missing. */
const SPARE = /\.halfpipe\/spare(\/|$)/;

for (const [what, prepare] of ACTS) {
  test(`a power cut takes nothing when ${what}`, async (t) => {
    const disk = await TemporarySpool.create(t);
    const act = await prepare({ disk, spool: await disk.open(t) }, t);
    const recorded = await RecordedDisk.watch(t);
    await act(recorded);
    const undurable = recorded.undurable.filter((path) => !SPARE.test(path));
    assert.deepEqual([recorded.mistakes, undurable], [[], []]);
  });

  test(`when ${what}, a disk that cannot write it down is no success`, async (t) => {
    for (let nth = 1, isRefused = true; isRefused; nth += 1) {
      const disk = await TemporarySpool.create(t);
      const act = await prepare({ disk, spool: await disk.open(t) }, t);
      const end = await refusingSync(t, nth);
      const error = await act().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      isRefused = end();
      assert.equal(errnoOf(error), isRefused ? 'EIO' : undefined, `sync ${nth}`);
      assert.ok(nth > 1 || isRefused, 'nothing is written down');
    }
  });
}

test('the folders that a long name needs aside are durable before a file is moved there', async (t) => {
  const disk = await TemporarySpool.create(t);
  const stage = { disk, spool: await disk.open(t) };
  const recorded = await RecordedDisk.watch(t);
  const name = `${'n'.repeat(200)}/${'m'.repeat(200)}.jpg`;
  await asideOf(stage, t, name);
  assert.deepEqual(recorded.mistakes, []);
  const folders = recorded.undurable.filter((path) => !path.endsWith('jpg'));
  assert.deepEqual(folders, []);
});

test('what a producer has written is on the disk once its file is synced', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  const file = await spool.openFile(await disk.put('f'));
  t.after(() => file.close());
  const recorded = await RecordedDisk.watch(t);
  recorded.producerWrote(disk.at('f'));
  await file.sync(new AbortController().signal);
  assert.deepEqual(recorded.undurable, []);
});

test('a file is opened only when no earlier one of its name can come back', async (t) => {
  const disk = await TemporarySpool.create(t);
  const stage = { disk, spool: await disk.open(t) };
  const { file, aside } = await asideOf(stage, t, 'f');
  await aside.remove(proofFor(file), giveUp);
  const path = await disk.put('f', 'newer');
  await refusing(t, 'sync', 'EIO');
  await assert.rejects(stage.spool.openFile(path), { code: 'EIO' });
});
