// The spool's root and the opening of files in it, on the real file system.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import {
  chmod,
  mkdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SpoolPath } from '../../src/spool/entry.ts';
import { NO_VIEW } from '../../src/spool/open-writers.ts';
import { PinnedDirectories } from '../../src/spool/pinned-directories.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { SPOOL_GONE } from '../../src/spool/spool-fault.ts';
import { systemClock } from '../../src/system/clock.ts';
import { failing } from '../support/failing-disk.ts';
import { test } from '../support/nothing-left.ts';
import { proofFor } from '../support/removal-proof.ts';
import { giveUp, scanAll, TemporarySpool } from '../support/temporary-spool.ts';

const isRoot = process.geteuid?.() === 0;

const AWKWARD_NAMES: readonly (readonly [string, string | Buffer])[] = [
  ['spaces', ' a b '],
  ['a newline', 'a\nb'],
  ['a percent sign and a plus', '100%+%2f'],
  ['emoji', '📷.jpg'],
  ['a leading dash', '-rf'],
  ['two leading dots', '..x'],
  ['an escape sequence', '\x1b[2J\x1b]0;x\x07'],
  ['255 bytes', 'n'.repeat(255)],
  ['bytes that are no UTF-8', Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x6a])],
];

for (const [what, name] of AWKWARD_NAMES) {
  test(`lists, reads and removes a name with ${what}`, async (t) => {
    const disk = await TemporarySpool.create(t);
    await disk.put(name, 'bytes');
    const spool = await disk.open(t);
    const [entry] = (await scanAll(spool)).entries;
    assert.deepEqual(entry?.path.bytes, Buffer.from(name));
    assert.match(String(entry?.path), /^[^\p{Cc}]*$/u);
    const file = await spool.openFile(entry.path);
    t.after(() => file.close());
    assert.equal(String(await file.read(0, file.sizeBytes)), 'bytes');
    await (await spool.setAside(file)).remove(proofFor(file), giveUp);
    assert.deepEqual(await disk.list(), []);
  });
}

test('opens a file of zero bytes', async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = await disk.put('empty', '');
  const file = await (await disk.open(t)).openFile(path);
  t.after(() => file.close());
  assert.equal((await file.read(0, 0)).length, 0);
});

test('reads exactly the bytes asked for', async (t) => {
  const disk = await TemporarySpool.create(t);
  const content = Buffer.from(Array.from({ length: 3_000 }, (_, index) => index % 251));
  const file = await (await disk.open(t)).openFile(await disk.put('f', content));
  t.after(() => file.close());
  assert.deepEqual(await file.read(1_000, 777), content.subarray(1_000, 1_777));
});

test('raises changed when the file becomes shorter while it is read', async (t) => {
  const disk = await TemporarySpool.create(t);
  const file = await (await disk.open(t)).openFile(await disk.put('f', 'x'.repeat(100)));
  t.after(() => file.close());
  await truncate(disk.at('f'), 10);
  await assert.rejects(file.read(0, 100), { faultClass: 'changed' });
});

test('tells that an open file has grown', async (t) => {
  const disk = await TemporarySpool.create(t);
  const file = await (await disk.open(t)).openFile(await disk.put('f', 'x'));
  t.after(() => file.close());
  await writeFile(disk.at('f'), 'xy');
  assert.equal((await file.currentIdentity()).sizeBytes, 2);
});

const NO_FILES: readonly (readonly [string, (disk: TemporarySpool, t: TestContext) => unknown])[] = [
  ['nothing', () => undefined],
  ['a symbolic link', (disk) => symlink('/etc/passwd', disk.at('x.jpg'))],
  ['a folder', (disk) => mkdir(disk.at('x.jpg'))],
  ['a FIFO', (disk) => execFileSync('mkfifo', [join(disk.path, 'x.jpg')])],
  [
    'a socket',
    async (disk, t) => {
      const server = createServer().listen(join(disk.path, 'x.jpg'));
      t.after(() => server.close());
      await new Promise((resolve) => server.once('listening', resolve));
    },
  ],
];

for (const [what, make] of NO_FILES) {
  test(`raises changed, without blocking, when the name leads to ${what}`, async (t) => {
    const disk = await TemporarySpool.create(t);
    const spool = await disk.open(t);
    await make(disk, t);
    await assert.rejects(spool.openFile(SpoolPath.from('x.jpg')), { faultClass: 'changed' });
  });
}

test('does not follow a parent folder that was swapped for a symbolic link', async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = await disk.put('folder/secret', 'ours');
  const spool = await disk.open(t);
  await rename(disk.at('folder'), join(disk.base, 'elsewhere'));
  await symlink(join(disk.base, 'elsewhere'), disk.at('folder'));
  await assert.rejects(spool.openFile(path), { faultClass: 'changed' });
});

test('refuses a path that leads out of the spool', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  for (const path of ['../x', 'a/../../x', '', '/etc/passwd', 'a//b', './x']) {
    await assert.rejects(spool.openFile(SpoolPath.from(path)), { faultClass: 'file' }, path);
  }
});

test('raises blocked for a file it may not read', {
  skip: isRoot && 'root may read everything',
}, async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = await disk.put('f');
  await chmod(disk.at('f'), 0);
  const spool = await disk.open(t);
  await assert.rejects(spool.openFile(path), { faultClass: 'blocked', code: 'EACCES' });
});

test('refuses a spool that does not exist, with its path and what to do', async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = join(disk.base, 'missing');
  await assert.rejects(SpoolDirectory.open(path), {
    faultClass: 'breaker',
    // What follows names the unit's setting, because the folder is below /tmp.
    message: new RegExp(
      `^the spool ${path} does not exist: create the folder, owned by the service user; under systemd, PrivateTmp=`,
    ),
  });
});

test('refuses a spool that is a file or a symbolic link', async (t) => {
  const disk = await TemporarySpool.create(t);
  await writeFile(join(disk.base, 'file'), '');
  await symlink(disk.path, join(disk.base, 'link'));
  for (const name of ['file', 'link']) {
    await assert.rejects(
      SpoolDirectory.open(join(disk.base, name)),
      /is not a folder .* name the folder itself/,
    );
  }
});

test('refuses a spool it cannot write to', { skip: isRoot && 'root may write everywhere' }, async (t) => {
  const disk = await TemporarySpool.create(t);
  await chmod(disk.path, 0o555);
  await assert.rejects(SpoolDirectory.open(disk.path), /cannot create .*\.halfpipe: EACCES/);
});

test('refuses a private folder that is a symbolic link', async (t) => {
  const disk = await TemporarySpool.create(t);
  await mkdir(join(disk.base, 'elsewhere'));
  await symlink(join(disk.base, 'elsewhere'), disk.at('.halfpipe'));
  await assert.rejects(SpoolDirectory.open(disk.path), /\.halfpipe is a symbolic link or a file/);
});

test('refuses a private folder of another user', {
  skip: !isRoot && 'needs root to give a folder away',
}, async (t) => {
  const disk = await TemporarySpool.create(t);
  await mkdir(disk.at('.halfpipe'));
  execFileSync('chown', ['65534', join(disk.path, '.halfpipe')]);
  await assert.rejects(SpoolDirectory.open(disk.path), /belongs to user 65534/);
});

test('a private folder that root left, and lets no other in, is told as such with what hands it over', {
  skip: !isRoot && 'needs root to become another user',
}, async (t) => {
  const disk = await TemporarySpool.create(t);
  await mkdir(disk.at('.halfpipe'), { mode: 0o700 });
  execFileSync('chown', ['65534', disk.path]);
  execFileSync('chmod', ['755', disk.base]);
  process.seteuid?.(65534);
  try {
    await assert.rejects(
      SpoolDirectory.open(disk.path),
      /\.halfpipe belongs to user 0, and this is user 65534: root has run halfpipe there: chown -R 65534: \/.*\.halfpipe$/,
    );
  } finally {
    process.seteuid?.(0);
  }
});

test('closes a private folder that others could look into', async (t) => {
  const disk = await TemporarySpool.create(t);
  await mkdir(disk.at('.halfpipe'), { mode: 0o777 });
  await disk.open(t);
  assert.equal((await stat(disk.at('.halfpipe'))).mode & 0o777, 0o700);
});

test('leaves nothing of its probe behind', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.open(t);
  assert.deepEqual(await disk.list(), []);
  assert.deepEqual(await disk.kept(), []);
});

test('tells a spool that was removed, or replaced, from an empty one', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  await rm(disk.path, { recursive: true });
  await assert.rejects(scanAll(spool), { faultClass: 'breaker', code: SPOOL_GONE });
  await mkdir(disk.path);
  await assert.rejects(scanAll(spool), { code: SPOOL_GONE });
});

test('works in a spool that was re-created once reattached', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  t.after(() => spool.close());
  await rm(disk.path, { recursive: true });
  await assert.rejects(spool.reattach(), /does not exist/);
  await mkdir(disk.path);
  await spool.reattach();
  const file = await spool.openFile(await disk.put('f', 'again'));
  assert.equal(String(await file.read(0, 5)), 'again');
  await file.close();
  assert.equal((await scanAll(spool)).files, 1);
});

test('refuses to reattach to what looks like an empty mount point', {
  skip: !isRoot && 'needs root to mount',
}, async (t) => {
  const disk = await TemporarySpool.create(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', disk.path], { stdio: 'pipe' });
  } catch {
    return t.skip('mounting is not permitted here');
  }
  let mounted = true;
  t.after(() => mounted && execFileSync('umount', ['-l', disk.path]));
  const spool = await SpoolDirectory.open(disk.path);
  execFileSync('umount', ['-l', disk.path]);
  mounted = false;
  await assert.rejects(scanAll(spool), { code: SPOOL_GONE });
  await assert.rejects(spool.reattach(), /is the spool not mounted/);
  await spool.close();
});

test('does nothing through a descriptor that is closed', async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = await disk.put('f');
  const spool = await disk.open(t);
  const file = await spool.openFile(path);
  t.after(() => file.close());
  const aside = await spool.setAside(file);
  await spool.close();
  await assert.rejects(aside.remove(proofFor(file), giveUp), { faultClass: 'changed', code: 'closed' });
  assert.deepEqual(await disk.kept(), ['aside/0/f']);
});

test('removes a folder only when it is empty and has been quiet', async (t) => {
  const disk = await TemporarySpool.create(t);
  const file = await disk.put('folder/f');
  const spool = await disk.open(t);
  const folder = SpoolPath.from('folder');
  const later = Date.now() + 10_000;
  assert.equal(await spool.removeFolder(folder, 5_000, later), 'in-use');
  await rm(disk.at(file.bytes));
  assert.equal(await spool.removeFolder(folder, 5_000, Date.now()), 'too-young');
  assert.equal(await spool.removeFolder(folder, 5_000, later), 'removed');
  assert.equal(await spool.removeFolder(folder, 5_000, later), 'in-use');
  assert.deepEqual(await disk.list(), []);
});

test('moves a file to quarantine with the reason beside it', async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = await disk.put('deep/reason.json', 'bad');
  const spool = await disk.open(t);
  const reason = { reason: 'key too long', code: 'KeyTooLong', at: '2026-01-02T03:04:05.678Z' };
  const { id } = await spool.quarantine(path, reason);
  assert.equal(await readFile(join(disk.path, '.halfpipe/quarantine', id, 'reason.json'), 'utf8'), 'bad');
  const listed = [];
  for await (const quarantined of spool.listQuarantine()) listed.push(quarantined);
  assert.deepEqual(listed, [{ ...reason, id, path }]);
  assert.equal(await spool.quarantinedCount(), 1);
  assert.deepEqual(await disk.list(), ['deep']);
});

test('sets aside and moves to quarantine though the empty folders for that were removed', async (t) => {
  const disk = await TemporarySpool.create(t);
  const [bad, sent] = [await disk.put('bad'), await disk.put('sent')];
  const spool = await disk.open(t);
  for (const folder of ['tmp', 'aside/0', 'aside', 'quarantine'])
    await rmdir(join(disk.path, '.halfpipe', folder));
  assert.equal(await spool.quarantinedCount(), 0);
  const { id } = await spool.quarantine(bad, { reason: 'unreadable', at: '2026-01-02T03:04:05.678Z' });
  const file = await spool.openFile(sent);
  await (await spool.setAside(file)).remove(proofFor(file), giveUp);
  await file.close();
  assert.deepEqual(await disk.kept(), [`quarantine/${id}.json`, `quarantine/${id}/bad`]);
  assert.deepEqual(await disk.list(), []);
});

test('counts what is in quarantine after another process took something out', async (t) => {
  const disk = await TemporarySpool.create(t);
  const daemon = await disk.open(t);
  const reason = { reason: 'key too long', at: '2026-01-02T03:04:05.678Z' };
  for (const name of ['a', 'b']) await daemon.quarantine(await disk.put(name), reason);
  assert.equal(await daemon.quarantinedCount(), 2);
  const command = await disk.open(t);
  for await (const quarantined of command.listQuarantine()) await command.dropQuarantined(quarantined);
  // The count was kept for ever, though a command is another process.
  assert.equal(await daemon.quarantinedCount(), 0);
});

test('counts nothing as quarantined when the file is gone', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  const reason = { reason: 'unreadable', at: '2026-01-02T03:04:05.678Z' };
  await assert.rejects(spool.quarantine(SpoolPath.from('f'), reason), { faultClass: 'changed' });
  assert.equal(await spool.quarantinedCount(), 0);
  assert.deepEqual(await disk.kept(), []);
});

test('a spool that is taken by another when it is there again leaves no descriptor, and stays as it was', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  const taken = new Error('another has it');
  await assert.rejects(
    spool.reattach(() => Promise.reject(taken)),
    taken,
  );
  const file = await spool.openFile(await disk.put('f'));
  await file.close();
});

test('what is set aside in a spool that was re-created is in the new one', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  await rm(disk.path, { recursive: true });
  await mkdir(disk.path);
  await spool.reattach();
  const file = await spool.openFile(await disk.put('f'));
  await (await spool.setAside(file)).remove(proofFor(file), giveUp);
  await file.close();
  assert.deepEqual(await disk.list(), []);
});

test('a scan of a spool that is taken away meanwhile is no scan', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.put('f');
  const spool = await disk.open(t);
  const judge = () => {
    renameSync(disk.path, `${disk.path}-away`);
    return 'waiting' as const;
  };
  await assert.rejects(scanAll(spool, { judge }), { code: SPOOL_GONE });
});

test('use of a spool that is closed meanwhile ends before its descriptors are closed', async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = await disk.put('f');
  const spool = await disk.open(t);
  const opened = spool.openFile(path);
  await Promise.all([spool.close(), opened]);
  await (await opened).close();
});

test('a spool in which nothing can be moved is refused, and nothing of it stays open', async (t) => {
  const disk = await TemporarySpool.create(t);
  const mended = failing(t, 'rename', 'EPERM');
  await assert.rejects(SpoolDirectory.open(disk.path), { faultClass: 'breaker', code: 'EPERM' });
  mended();
  await disk.open(t);
});

test('a spool is closed when the last that uses it has ended, and once', async (t) => {
  const disk = await TemporarySpool.create(t);
  const held = await PinnedDirectories.attach(disk.path, NO_VIEW, systemClock);
  const ends: (() => void)[] = [];
  const uses = [1, 2].map(() => held.run(() => new Promise<void>((resolve) => ends.push(resolve))));
  const closings = [held.close(), held.close()];
  const isOpen = () =>
    held.privateFolder.stat().then(
      () => true,
      () => false,
    );
  for (const end of ends) {
    assert.ok(await isOpen());
    end();
    await new Promise(setImmediate);
  }
  await Promise.all([...closings, ...uses]);
  assert.ok(!(await isOpen()));
  await assert.rejects(
    held.run(async () => undefined),
    { faultClass: 'changed', code: 'closed' },
  );
});

test('a probe that a crash has left is removed, also while the spool is being closed', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.put('a/b/c/.halfpipe-probe-removal', '');
  const spool = await disk.open(t);
  let cleared: Promise<void> | undefined;
  await spool.whileThere(async ({ clearProbes }) => {
    cleared = clearProbes(SpoolPath.from('a/b/c'));
  });
  await spool.close();
  assert.deepEqual(await disk.list('a/b/c'), []);
  await cleared;
});
