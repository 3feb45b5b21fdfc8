// A real process whose spool is missing, started by an operator and repeated by systemd.
import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { DaemonFixture } from '../support/daemon-fixture.ts';

/** A systemctl that answers how often systemd has restarted the unit. */
async function systemdSays(fixture: DaemonFixture, restarts: number): Promise<NodeJS.ProcessEnv> {
  const folder = join(fixture.base, `bin-${restarts}`);
  await mkdir(folder);
  await writeFile(join(folder, 'systemctl'), `#!/bin/sh\necho ${restarts}\n`, { mode: 0o755 });
  return { HALFPIPE_UNIT: 'halfpipe', PATH: `${folder}:/usr/bin:/bin` };
}

test('a start that an operator types fails at once, and one that systemd repeats waits until the spool is there', async (t) => {
  const fixture = await DaemonFixture.create(t);
  const away = `${fixture.spool}-away`;
  await rename(fixture.spool, away);
  const typed = fixture.start(await systemdSays(fixture, 0));
  assert.equal(await typed.exit, 1);
  assert.match(`${typed.of('cannotStart')[0]?.msg}`, /^cannot start: the spool .* does not exist/);

  const repeated = fixture.start(await systemdSays(fixture, 1));
  assert.match(`${(await repeated.says('cannotStart')).msg}`, /; halfpipe tries again by itself$/);
  await rename(away, fixture.spool);
  await repeated.says('ready');
  assert.deepEqual(
    repeated.records.map(({ event }) => event).filter((event) => event !== 'link'),
    ['starting', 'cannotStart', 'ready'],
  );
  await fixture.put('a', 'the bytes');
  await fixture.untilDrained();
  assert.equal(await repeated.stop(), 0);
});

test('a start that waits ends at SIGTERM, and at SIGHUP for another one that reads the config', async (t) => {
  const fixture = await DaemonFixture.create(t, { spool: { path: '/no/such/spool' } });
  const env = await systemdSays(fixture, 3);
  for (const { signal, code } of [
    { signal: 'SIGTERM', code: 0 },
    { signal: 'SIGHUP', code: 1 },
  ] as const) {
    const run = fixture.start(env);
    await run.says('cannotStart');
    run.signal(signal);
    assert.equal(await run.exit, code);
  }
});
