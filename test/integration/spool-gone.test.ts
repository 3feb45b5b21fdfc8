// The spool is taken away while the daemon runs, and comes back: nothing is concluded from its absence, and draining
// goes on by itself under a lock of its own.
import assert from 'node:assert/strict';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { DaemonFixture } from '../support/daemon-fixture.ts';

async function draining(t: TestContext) {
  const fixture = await DaemonFixture.create(t);
  const daemon = fixture.start();
  await daemon.says('ready');
  await fixture.put('before', 'x');
  await fixture.untilDrained();
  return { fixture, daemon };
}

describe('halfpipe run', { concurrency: 2 }, () => {
  test('says that the spool was removed, and drains the one that is made in its place', async (t) => {
    const { fixture, daemon } = await draining(t);
    await rm(fixture.spool, { recursive: true });
    const { msg } = await daemon.says('scanFailed');
    assert.match(String(msg), /the spool .* is gone: the folder is not there/);
    await mkdir(fixture.spool);
    await fixture.put('after', 'y');
    await daemon.says('spoolBack');
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), ['after', 'before']);
    const asked = fixture.command(['status', '--config', fixture.configFile]);
    assert.equal(await asked.exit, 0, 'it answers at the new folder');
    const second = fixture.start();
    assert.equal(await second.exit, 1);
    assert.match(String(second.of('cannotStart')[0]?.msg), /another halfpipe \(pid \d+\) drains the spool/);
    assert.equal(await daemon.stop(), 0);
  });

  test('is paused, and says why, while the spool is away; moved back, it is drained under the same lock', async (t) => {
    const { fixture, daemon } = await draining(t);
    const away = join(fixture.base, 'away');
    await rename(fixture.spool, away);
    await daemon.says('scanFailed');
    await fixture.until('it said once more why it waits', () => daemon.of('fault').length > 0);
    await rename(away, fixture.spool);
    await fixture.put('after', 'y');
    await daemon.says('spoolBack');
    await fixture.untilDrained();
    const asked = fixture.command(['status', '--config', fixture.configFile]);
    assert.equal(await asked.exit, 0);
    assert.equal(await daemon.stop(), 0);
  });

  test('leaves a re-created spool to the instance that took it meanwhile', async (t) => {
    const { fixture, daemon } = await draining(t);
    await rm(fixture.spool, { recursive: true });
    await daemon.says('scanFailed');
    await mkdir(fixture.spool);
    const second = fixture.start();
    const first = Promise.race([
      second.exit.then(() => 'first' as const),
      second.says('ready').then(
        () => 'second' as const,
        () => 'first' as const,
      ),
    ]);
    const owner = (await first) === 'second' ? second : daemon;
    await fixture.put('after', 'y');
    await owner.says('uploaded', ({ file }) => file === 'after');
    await fixture.untilDrained();
    assert.equal(fixture.timesStored('after'), 1);
    assert.equal(await daemon.stop(), 0);
  });
});
