import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const UNIT = 'systemd/halfpipe.service';
const SYSTEM_UNITS = '/usr/lib/systemd/system';

const skip = lacks('systemd-analyze');

function lacks(tool: string): string | false {
  return spawnSync(tool, ['--version']).status === 0 ? false : `${tool} is not installed`;
}

/** A root directory in which the unit and what it needs are installed. */
function installedRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'halfpipe-root-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  mkdirSync(join(root, 'etc'));
  for (const program of ['halfpipe', 'sh', 'install']) {
    writeFileSync(join(root, 'usr/bin', program), '#!/bin/sh\n');
    chmodSync(join(root, 'usr/bin', program), 0o755);
  }
  cpSync(SYSTEM_UNITS, join(root, SYSTEM_UNITS), { recursive: true, verbatimSymlinks: true });
  cpSync(UNIT, join(root, SYSTEM_UNITS, 'halfpipe.service'));
  return root;
}

/** What systemd-analyze says of our units. It checks all units that ours pull in, too. */
function complaintsIn(output: string): string[] {
  // systemd before 254 says of these two that it does not know them, and goes on without.
  const newer = /Unknown key (name )?'Restart(Steps|MaxDelaySec)' in section \W?Service\W?, ignoring/;
  return output.split('\n').filter((line) => /halfpipe|ingest/.test(line) && !newer.test(line));
}

test('systemd finds nothing to object to in the unit', {
  skip: skip || (!existsSync(SYSTEM_UNITS) && 'no system units'),
}, (t) => {
  const root = installedRoot(t);
  const { status, stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', `--root=${root}`, 'halfpipe.service'],
    { encoding: 'utf8' },
  );
  const ours = complaintsIn(`${stdout}${stderr}`);
  assert.deepEqual(ours, []);
  assert.equal(status, 0, stderr);
});

for (const [unit, others] of [
  ['halfpipe-metrics.service', ['halfpipe-metrics.timer']],
  ['halfpipe-metrics.timer', ['halfpipe-metrics.service']],
  ['halfpipe-failed@halfpipe.service', ['halfpipe-failed@.service']],
] as const)
  test(`systemd finds nothing to object to in the example ${unit}`, {
    skip: skip || (!existsSync(SYSTEM_UNITS) && 'no system units'),
  }, (t) => {
    const root = installedRoot(t);
    for (const file of new Set([unit.replace('@halfpipe', '@'), ...others]))
      cpSync(join('systemd/examples', file), join(root, SYSTEM_UNITS, file));
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', `--root=${root}`, unit], {
      encoding: 'utf8',
    });
    const ours = `${stdout}${stderr}`.split('\n').filter((line) => /halfpipe-(metrics|failed)/.test(line));
    assert.deepEqual(ours, []);
  });

for (const dropIns of [['ingest.conf'], ['ingest-tls.conf'], ['ingest-socket.conf']])
  test(`systemd finds nothing to object to in the unit with ${dropIns}, nor in the socket of the examples`, {
    skip: skip || (!existsSync(SYSTEM_UNITS) && 'no system units'),
  }, (t) => {
    const root = installedRoot(t);
    cpSync('systemd/examples/halfpipe-ingest.socket', join(root, SYSTEM_UNITS, 'halfpipe-ingest.socket'));
    const folder = join(root, SYSTEM_UNITS, 'halfpipe.service.d');
    mkdirSync(folder);
    for (const file of dropIns) cpSync(join('systemd/examples', file), join(folder, file));
    const args = ['verify', '--man=no', `--root=${root}`, 'halfpipe-ingest.socket', 'halfpipe.service'];
    const { stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    assert.deepEqual(complaintsIn(`${stdout}${stderr}`), []);
  });

test('the sandbox is as tight as promised', { skip }, () => {
  const { stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['security', '--offline=true', '--no-pager', UNIT],
    { encoding: 'utf8' },
  );
  const score = Number(/Overall exposure level for halfpipe\.service: (\d+\.\d+)/.exec(stdout)?.[1]);
  // 0.3 for CAP_LEASE and the users of the host that it needs, 0.1 for capset(2), without which ip(8) refuses to run.
  assert.ok(score <= 1.7, `exposure is ${score}\n${stderr}`);
});

for (const [tool, fragment, ...options] of [
  ['systemd-sysusers', 'systemd/halfpipe.sysusers.conf', '--dry-run'],
  ['systemd-tmpfiles', 'systemd/halfpipe.tmpfiles.conf', '--create', '--prefix=/nowhere'],
] as const) {
  test(`${tool} accepts its fragment`, { skip: lacks(tool) }, () => {
    const { status, stderr } = spawnSync(tool, [...options, join(process.cwd(), fragment)], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /halfpipe\.\w+\.conf:\d+/);
  });
}
