// What becomes of a packet whose own file is lost, and of a member that cannot be removed: the real daemon, real files.
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Config, DaemonFixture, SLOW } from '../support/daemon-fixture.ts';
import { S3Error } from '../support/s3-error.ts';
import { bytesOf } from '../support/store-fixture.ts';
import type { Quirks } from '../support/store-quirks.ts';

const PACKETS: Config = { packets: { enabled: true, maxDelay: '1 s' } };

async function putFiles(fixture: DaemonFixture, count: number, sizeBytes: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `${at}.bin`);
  for (const [at, name] of names.entries()) await fixture.put(name, bytesOf(sizeBytes, at));
  return names;
}

/** The zips of packets in the spool. */
async function zips(fixture: DaemonFixture): Promise<string[]> {
  const folder = join(fixture.spool, '.halfpipe', 'packets');
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.zip')).map((name) => join(folder, name));
}

const LOSSES = {
  missing: (zip: string) => rm(zip),
  damaged: (zip: string) => truncate(zip, 100),
} as const;

describe('a packet whose own file is lost', { concurrency: 2 }, () => {
  for (const [how, lose] of Object.entries(LOSSES)) {
    test(`${how} after a crash: the store has the packet, and its files are removed`, async (t) => {
      const fixture = await DaemonFixture.create(t, PACKETS);
      await putFiles(fixture, 400, 1_000);
      const before = fixture.start();
      await fixture.until('the packet is stored', () =>
        fixture.keys().some((key) => key.startsWith('packets/')),
      );
      before.kill();
      await before.exit;
      const left = await zips(fixture);
      assert.equal(left.length, 1, 'it was not killed in time');
      for (const zip of left) await lose(zip);
      const daemon = fixture.start();
      await fixture.untilDrained();
      await fixture.until('nothing is left', async () => (await fixture.kept()).length === 0);
      assert.equal(fixture.keys().length, 1, 'its files are not stored again');
      await daemon.says('alreadyThere');
      assert.equal(await daemon.stop(), 0);
    });

    test(`${how} after a crash: the store does not have it, and its files go again`, async (t) => {
      const fixture = await DaemonFixture.create(t, { ...PACKETS, ...SLOW });
      await putFiles(fixture, 60, 10_000);
      const before = fixture.start();
      await fixture.untilBegun(/^PUT .*packets/);
      before.kill();
      await before.exit;
      for (const zip of await zips(fixture)) await lose(zip);
      const daemon = fixture.start();
      await fixture.untilDrained();
      await fixture.until('nothing is left', async () => (await fixture.kept()).length === 0);
      const { reason, repeated } = await daemon.says('packetDropped');
      assert.match(`${reason}`, /not found in the store/);
      assert.equal(repeated, 60);
      assert.equal(await daemon.stop(), 0);
    });

    test(`${how} between two attempts: its files do not wait for a restart`, async (t) => {
      let isRefusing = true;
      const quirks: Quirks = {
        ask: ({ operation, key }) => {
          if (isRefusing && operation === 'PutObject' && key.startsWith('packets/'))
            throw new S3Error(500, 'InternalError', 'We encountered an internal error.');
        },
      };
      const fixture = await DaemonFixture.create(t, { ...PACKETS, retry: { initial: '1 s' } }, quirks);
      await putFiles(fixture, 10, 100);
      const daemon = fixture.start();
      await daemon.says('deferred');
      for (const zip of await zips(fixture)) await lose(zip);
      isRefusing = false;
      await fixture.untilDrained();
      await daemon.says('packetDropped');
      assert.equal(await daemon.stop(), 0);
    });
  }
});

test('a member that cannot be removed keeps no other waiting, and is not sent again', async (t) => {
  let locked = '';
  const quirks: Quirks = {
    ask: ({ operation, key }) => {
      if (operation === 'PutObject' && key.startsWith('packets/')) chmodSync(locked, 0o555);
    },
  };
  const fixture = await DaemonFixture.create(t, PACKETS, quirks);
  locked = join(fixture.spool, 'locked');
  await mkdir(locked);
  for (const folder of [fixture.base, fixture.spool, locked]) await chmod(folder, 0o777);
  await putFiles(fixture, 10, 100);
  await fixture.put('locked/a', bytesOf(77, 1));
  // root may do all, so that the daemon runs as another user.
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const daemon = fixture.start({}, process.getuid?.() === 0 ? nobody : []);
  await fixture.untilDrained(['locked', 'locked/a']);
  await daemon.says('deferred', ({ file }) => `${file}`.includes('locked/a'));
  assert.deepEqual(await zips(fixture), []);
  assert.deepEqual((await daemon.says('uploaded')).files, 10);
  await chmod(locked, 0o777);
  daemon.signal('SIGHUP');
  await fixture.untilDrained(['locked']);
  const [packet = '', ...others] = fixture.keys();
  assert.deepEqual(others, [], 'it was stored with its packet');
  const { key, bytes } = await daemon.says('uploaded', ({ file }) => file === 'locked/a');
  assert.deepEqual([key, bytes], [packet, 77]);
  assert.equal(await daemon.stop(), 0);
});
