// A file that is set aside comes back whatever the disk says to it, and never over another; its place is free again.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AsideSlots } from '../../src/spool/aside-slots.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import { LateLook } from '../../src/spool/late-look.ts';
import { isClaimed, type OpenDirectory } from '../../src/spool/open-directory.ts';
import { OpenWriters } from '../../src/spool/open-writers.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { systemClock } from '../../src/system/clock.ts';
import { beforeEach, failing, refusing, systemError } from '../support/failing-disk.ts';
import { test } from '../support/nothing-left.ts';
import { proofFor } from '../support/removal-proof.ts';
import { giveUp, TemporarySpool } from '../support/temporary-spool.ts';

async function prepare(t: TestContext) {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  const open = async (name: string, content = 'uploaded') => {
    const file = await spool.openFile(await disk.put(name, content));
    t.after(() => file.close());
    return file;
  };
  return { disk, spool, open, content: (name: string) => readFile(disk.at(name), 'utf8') };
}

for (const code of ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])
  test(`a file comes back where it cannot be linked (${code}), and no other is replaced`, async (t) => {
    const { disk, spool, open, content } = await prepare(t);
    const [free, taken] = [
      await spool.setAside(await open('free')),
      await spool.setAside(await open('taken')),
    ];
    await disk.put('taken', 'newcomer');
    failing(t, 'link', code);
    await free.putBack();
    await taken.putBack();
    assert.deepEqual([await content('free'), await content('taken')], ['uploaded', 'newcomer']);
    assert.deepEqual(await disk.kept(), ['aside/0/taken']);
  });

test('a file comes back over the claim that a crash left, where it cannot be linked', async (t) => {
  const { disk, spool, content } = await prepare(t);
  await disk.put('.halfpipe/aside/0/f', 'kept');
  await writeFile(disk.at('f'), '', { mode: 0 });
  failing(t, 'link', 'EPERM');
  assert.deepEqual(await spool.recoverAside(), { restored: 1, waiting: 0 });
  assert.equal(await content('f'), 'kept');
});

test('a file does not come back over the claim of an upload that is about to get its name', async (t) => {
  const { disk, spool } = await prepare(t);
  await disk.put('.halfpipe/aside/0/f', 'kept');
  await disk.put('.halfpipe/pid', '1');
  await writeFile(disk.at('f'), '', { mode: 0 });
  assert.deepEqual(await spool.recoverAside(), { restored: 0, waiting: 1 });
  assert.deepEqual(await disk.kept(), ['aside/0/f', 'pid']);
});

test('the claim on a name may be opened by no other while the file moves there', async (t) => {
  const { spool, open } = await prepare(t);
  const aside = await spool.setAside(await open('f'));
  const modes: number[] = [];
  const { renameSync } = fs;
  t.mock.method(fs, 'renameSync', (from: Buffer, to: Buffer) => {
    modes.push(fs.statSync(to).mode & 0o777);
    renameSync(from, to);
  });
  failing(t, 'link', 'EPERM');
  await aside.putBack();
  assert.deepEqual(modes, [0]);
});

test('a claim is ours while its name leads to it and nothing was written to it', async (t) => {
  const { disk } = await prepare(t);
  const claim = fs.openSync(disk.at('f'), 'wx');
  t.after(() => fs.closeSync(claim));
  assert.equal(isClaimed(disk.at('f'), claim), true);
  fs.writeSync(claim, 'x');
  assert.equal(isClaimed(disk.at('f'), claim), false);
  fs.ftruncateSync(claim);
  fs.rmSync(disk.at('f'));
  assert.equal(isClaimed(disk.at('f'), claim), false);
  await disk.put('f', '');
  assert.equal(isClaimed(disk.at('f'), claim), false);
});

test('a file stays where it was when its folder cannot be made as it was, and no descriptor is left', async (t) => {
  const { disk, spool, open } = await prepare(t);
  const aside = await spool.setAside(await open('camera/today/f'));
  await rm(disk.at('camera/today'), { recursive: true });
  await refusing(t, 'chmod', 'EIO');
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  await assert.rejects(aside.putBack(), { code: 'EIO' });
  assert.deepEqual(await disk.kept(), ['aside/0/camera%2ftoday%2ff']);
});

test('a folder that cannot be looked at leaves no descriptor', async (t) => {
  const { spool } = await prepare(t);
  const home = await spool.openPrivate();
  t.after(() => home.close());
  await refusing(t, 'stat', 'EIO');
  await assert.rejects(home.openDirectory('tmp'), { code: 'EIO' });
});

test('a folder that is gone, or not empty, is not removed', async (t) => {
  const { disk, spool } = await prepare(t);
  const home = await spool.openPrivate();
  t.after(() => home.close());
  await disk.put('.halfpipe/tmp/some/f');
  assert.deepEqual(
    [await home.removeIfEmpty('tmp/none'), await home.removeIfEmpty('tmp/some')],
    [false, false],
  );
});

test('a file that is written to between the last look and its move comes back', async (t) => {
  const { disk, spool, open, content } = await prepare(t);
  const file = await open('f');
  beforeEach(t, 'rename', () => fs.appendFileSync(disk.at('f'), '+late'));
  await assert.rejects(spool.setAside(file), { faultClass: 'changed' });
  assert.equal(await content('f'), 'uploaded+late');
  assert.deepEqual(await disk.kept(), []);
});

test('recoveries at the same time bring each file back once', async (t) => {
  const { disk, spool } = await prepare(t);
  for (let file = 0; file < 20; file += 1) await disk.put(`.halfpipe/aside/0/f${file}`);
  const recoveries = await Promise.all([spool.recoverAside(), spool.recoverAside()]);
  assert.deepEqual(recoveries, [
    { restored: 20, waiting: 0 },
    { restored: 0, waiting: 0 },
  ]);
  assert.equal((await disk.list()).length, 20);
});

for (const { code, faultClass } of [
  { code: 'EIO', faultClass: 'unknown' },
  { code: 'EROFS', faultClass: 'breaker' },
])
  test(`a recovery that the disk refuses (${code}) says so, and the next one brings the file back`, async (t) => {
    const { disk, spool } = await prepare(t);
    await disk.put('.halfpipe/aside/0/f');
    const mend = failing(t, 'link', code);
    await assert.rejects(spool.recoverAside(), { faultClass, code });
    mend();
    assert.deepEqual(await spool.recoverAside(), { restored: 1, waiting: 0 });
  });

test('a removal has succeeded though the file that waited for its name cannot come back yet', async (t) => {
  const { disk, spool, open, content } = await prepare(t);
  const older = await spool.setAside(await open('f', 'older'));
  const newer = await open('f', 'newer');
  await older.putBack();
  const mend = failing(t, 'link', 'EIO');
  await (await spool.setAside(newer)).remove(proofFor(newer), giveUp);
  assert.deepEqual(await disk.list(), []);
  mend();
  await spool.recoverAside();
  assert.equal(await content('f'), 'older');
});

test('a file that cannot be removed is told with its name and what keeps it, and is back in its place', async (t) => {
  const { spool, open, content } = await prepare(t);
  const file = await open('f');
  const aside = await spool.setAside(file);
  const mend = failing(t, 'unlink', 'EACCES');
  const told = { faultClass: 'blocked', code: 'EACCES', operation: 'remove', subject: 'f' };
  await assert.rejects(aside.remove(proofFor(file), giveUp), told);
  mend();
  await spool.recoverAside();
  assert.equal(await content('f'), 'uploaded');
});

test('files of two names that need the same place for a file and for a folder are both set aside', async (t) => {
  const { disk, spool, open } = await prepare(t);
  const short = await spool.setAside(await open('n'.repeat(250)));
  const long = await spool.setAside(await open(`${'n'.repeat(250)}more`));
  await short.putBack();
  await long.putBack();
  assert.deepEqual(await disk.list(), ['n'.repeat(250), `${'n'.repeat(250)}more`]);
});

test('a place at which the disk does not let us look is free again, however often', async () => {
  let isBroken = true;
  const home = {
    lookUpNow: () => {
      if (isBroken) throw systemError('EIO');
    },
  } as unknown as OpenDirectory;
  const slots = new AsideSlots(home);
  for (let attempt = 0; attempt < 20; attempt += 1)
    assert.throws(() => slots.claim(SpoolPath.from('f')), { code: 'EIO' });
  isBroken = false;
  assert.equal(`${slots.claim(SpoolPath.from('f'))}`, 'aside/0/f');
});

test('a recovery brings back every version that waits, and leaves no empty folder', async (t) => {
  const { disk, spool } = await prepare(t);
  const long = ['n'.repeat(250), 'm'.repeat(3)] as const;
  for (const place of ['9/last', `0/${long.join('/')}`, `3/${long.join('/')}x`]) {
    const folder = join(disk.path, '.halfpipe/aside', place, '..');
    await mkdir(folder, { recursive: true });
    await writeFile(join(disk.path, '.halfpipe/aside', place), place);
  }
  assert.deepEqual(await spool.recoverAside(), { restored: 3, waiting: 0 });
  assert.deepEqual(await disk.list(), ['last', long.join(''), `${long.join('')}x`]);
  assert.deepEqual(await readdir(join(disk.path, '.halfpipe/aside'), { recursive: true }), ['0']);
});

test('a file of which ten earlier versions wait stays, and is a human’s business', async (t) => {
  const { disk, spool, open, content } = await prepare(t);
  for (let layer = 0; layer < 10; layer += 1)
    await disk.put(`.halfpipe/aside/${layer}/f`, `version ${layer}`);
  await assert.rejects(spool.setAside(await open('f')), { faultClass: 'blocked' });
  assert.equal(await content('f'), 'uploaded');
});

/** A spool that looks once more at removed files of which the writers cannot be told. */
async function lookingLate(t: TestContext, writers?: OpenWriters) {
  const disk = await TemporarySpool.create(t);
  const lateLook = new LateLook({ clock: systemClock, onLate: () => undefined });
  const spool = await SpoolDirectory.open(disk.path, { lateLook, writers });
  t.after(() => spool.close());
  const removed = async () => {
    await writeFile(disk.at('f'), 'uploaded');
    const file = await spool.openFile(SpoolPath.from('f'));
    await (await spool.setAside(file)).remove(proofFor(file), giveUp);
    return file;
  };
  return { disk, spool, lateLook, removed };
}

test('what is brought back late leaves its place to the next, however often', async (t) => {
  const { disk, lateLook, removed } = await lookingLate(t);
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const file = await removed();
    const place = `/proc/self/fd/${(await lastDescriptor(disk.path)) ?? ''}`;
    await appendFile(place, '+late');
    await file.close();
    await lateLook.flush();
    assert.equal(await readFile(disk.at('f'), 'utf8'), 'uploaded+late');
  }
});

test('the descriptor of a file of which no writer can be left is not kept', async (t) => {
  const view = new OpenWriters({ clock: systemClock, onChange: () => undefined });
  t.after(() => view.stop());
  const { lateLook, removed } = await lookingLate(t, view);
  await (await removed()).close();
  assert.equal(lateLook.size, 0);
});

/** The one that is open on the removed file. */
async function lastDescriptor(spool: string): Promise<string | undefined> {
  for (const descriptor of await readdir('/proc/self/fd')) {
    const target = await fs.promises.readlink(`/proc/self/fd/${descriptor}`).catch(() => '');
    if (target.startsWith(spool) && target.endsWith(' (deleted)')) return descriptor;
  }
  return undefined;
}

test('a spool looks once more at what it removed before it closes', async (t) => {
  const { disk, spool, lateLook, removed } = await lookingLate(t);
  const file = await removed();
  await appendFile(`/proc/self/fd/${(await lastDescriptor(disk.path)) ?? ''}`, '+late');
  await file.close();
  await spool.close();
  assert.deepEqual([lateLook.size, await readFile(disk.at('f'), 'utf8')], [0, 'uploaded+late']);
});

test('a journal that cannot get its name leaves nothing half-written', async (t) => {
  const { disk, spool, open } = await prepare(t);
  const journal = spool.journal<string>(await open('f'));
  failing(t, 'rename', 'EIO');
  await assert.rejects(journal.save('value'), { code: 'EIO' });
  assert.deepEqual(await disk.kept(), []);
});
