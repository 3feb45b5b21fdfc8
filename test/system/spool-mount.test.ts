// The spool is a mounted file system that is unmounted under the daemon: the empty mount point is neither drained nor
// taken for a spool, and the file system is taken up again when it is back.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonFixture } from '../support/daemon-fixture.ts';
import { DeadMount } from '../support/dead-mount.ts';
import { ingesting } from '../support/ingest-fixture.ts';

const skip = process.getuid?.() !== 0 && 'needs root to mount';

test('an unmounted spool is waited for, and drained once it is mounted again', { skip }, async (t) => {
  const fixture = await DaemonFixture.create(t);
  const disk = join(fixture.base, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'halfpipe-test', disk]);
  const mount = () => execFileSync('mount', ['--bind', disk, fixture.spool]);
  const unmount = () => execFileSync('umount', ['-l', fixture.spool]);
  const mounted = () =>
    [fixture.spool, disk].filter((path) => spawnSync('mountpoint', ['-q', path]).status === 0);
  try {
    mount();
    const daemon = fixture.start();
    await daemon.says('ready');
    await writeFile(fixture.at('before'), 'x');
    await fixture.untilDrained();
    unmount();
    await daemon.says('scanFailed');
    await writeFile(join(fixture.spool, 'on the mount point'), 'not ours');
    const { msg } = await daemon.says('fault');
    assert.match(String(msg), /is the spool not mounted\?/);
    await delay(4_000);
    assert.ok(existsSync(join(fixture.spool, 'on the mount point')));
    assert.ok(!existsSync(join(fixture.spool, '.halfpipe')), 'nothing is made on the mount point');
    assert.deepEqual(fixture.keys(), ['before']);
    const asked = fixture.command(['status', '--config', fixture.configFile, '--json']);
    assert.equal(await asked.exit, 2, 'its socket is on the file system that is away');
    await writeFile(join(disk, 'meanwhile'), 'y');
    mount();
    await daemon.says('spoolBack');
    await fixture.until('it is drained', () => fixture.keys().includes('meanwhile'));
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(fixture.keys(), ['before', 'meanwhile']);
  } finally {
    // Before the fixture removes its folder: hooks run in the order in which they were asked for.
    for (const path of mounted()) execFileSync('umount', ['-l', path]);
  }
});

test('a file system that never answers, mounted over the spool, is told of; a stop is prompt and clean', {
  skip,
}, async (t) => {
  const { fixture, put } = await ingesting(t);
  const daemon = fixture.start();
  await daemon.says('ready');
  const dead = DeadMount.over(fixture.spool);
  if (dead === undefined) return t.skip('no FUSE here');
  try {
    const answer = put('in/a.txt', 'over HTTP');
    const { msg } = await daemon.says('scanFailed');
    assert.match(String(msg), /^the scan waits for .*, which does not answer$/);
    assert.equal(await answer, 503);
    assert.equal(await daemon.stop(), 'SIGTERM', 'for systemd the end of a service that ends well');
  } finally {
    dead.end();
  }
});
