// A file that could not be removed is known before it is sent, in whichever way removing is forbidden.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SpoolPath } from '../../src/spool/entry.ts';
import type { Fault } from '../../src/system/fault.ts';
import { test } from '../support/nothing-left.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

const USER = 12_345;
const skip = process.geteuid?.() !== 0 && 'needs root to be several users';

/** Runs as the service's user; what it does not own is of root. */
async function asService<T>(use: () => Promise<T>): Promise<T> {
  process.setegid?.(USER);
  process.seteuid?.(USER);
  try {
    return await use();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

async function prepare(t: TestContext) {
  const disk = await TemporarySpool.create(t);
  await disk.put('in/f');
  await disk.put('good/f');
  await chmod(disk.base, 0o755);
  await chown(disk.path, USER, USER);
  await chown(disk.at('good'), USER, USER);
  await chmod(disk.at('in'), 0o2775);
  await chown(disk.at('in'), 0, USER);
  return disk;
}

const attribute = (change: string, name: string) => (disk: TemporarySpool) =>
  spawnSync('chattr', [change, join(disk.path, name)], { stdio: 'pipe' }).status === 0;

for (const [what, code, hint, forbid, permit] of [
  [
    'in a folder without write permission',
    'EACCES',
    /chmod g\+rwx/,
    (disk) => chmod(disk.at('in'), 0o755),
    undefined,
  ],
  [
    'in a sticky folder, both of another user',
    'EPERM',
    /sticky/,
    (disk) => chmod(disk.at('in'), 0o1777),
    undefined,
  ],
  ['in an immutable folder', 'EPERM', /chattr/, attribute('+i', 'in'), attribute('-i', 'in')],
  ['in an append-only folder', 'EPERM', /chattr/, attribute('+a', 'in'), attribute('-a', 'in')],
  ['that is immutable', 'EPERM', /immutable/, attribute('+i', 'in/f'), attribute('-i', 'in/f')],
  [
    'in a folder that is mounted there',
    'EXDEV',
    /bind mount/,
    (disk) => spawnSync('mount', ['--bind', join(disk.path, 'in'), join(disk.path, 'in')]).status === 0,
    (disk) => execFileSync('umount', ['-l', join(disk.path, 'in')]),
  ],
] as readonly (readonly [
  string,
  string,
  RegExp,
  (disk: TemporarySpool) => unknown,
  ((disk: TemporarySpool) => unknown) | undefined,
])[]) {
  test(`refuses to open a file ${what}, and opens others`, { skip }, async (t) => {
    const disk = await prepare(t);
    if ((await forbid(disk)) === false) return t.skip('not possible on this file system');
    try {
      await asService(async () => {
        const spool = await disk.open(t);
        const opening = spool.openFile(SpoolPath.from('in/f'));
        await assert.rejects(opening, (fault: Fault) => {
          assert.deepEqual([fault.faultClass, fault.code], ['blocked', code]);
          assert.match(fault.message, hint);
          return true;
        });
        await (await spool.openFile(SpoolPath.from('good/f'))).close();
      });
    } finally {
      permit?.(disk);
    }
    assert.deepEqual(await readdir(disk.at('good')), ['f'], 'the probe is gone');
    assert.deepEqual(await disk.kept(), []);
  });
}
