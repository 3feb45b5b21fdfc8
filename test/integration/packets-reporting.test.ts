// What operators see of packets: what waits for company, what became of each file, and what a reload changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DaemonFixture } from '../support/daemon-fixture.ts';

const WAITING = { enabled: true, maxDelay: '1 h' };

async function filled(fixture: DaemonFixture, files: number, prefix = 'f'): Promise<string[]> {
  const names = Array.from({ length: files }, (_, n) => `${prefix}${n}`);
  for (const name of names) await fixture.put(name, `content of ${name}`);
  return names;
}

async function printed(fixture: DaemonFixture, ...args: string[]): Promise<string> {
  const run = fixture.command([...args, '--config', fixture.configFile]);
  await run.exit;
  return run.stdout;
}

test('files that wait for company are shown, and a reload that switches packets off sends them', async (t) => {
  const fixture = await DaemonFixture.create(t, { packets: WAITING });
  const names = await filled(fixture, 30);
  const daemon = fixture.start();
  await daemon.says('ready');
  const gathered = async () => (await fixture.snapshot()).packets?.gatheredFiles === names.length;
  await fixture.until('all are gathered', gathered);
  assert.match(await printed(fixture, 'status'), /30 files wait for company in a packet/);
  assert.match(await printed(fixture, 'list', 'waiting'), /^30 files .*\n {2}f\d+ {2}waits for company, /);
  assert.match(await printed(fixture, 'metrics'), /^halfpipe_gathered_files\S* 30$/m);
  await fixture.configure({ packets: { ...WAITING, enabled: false } });
  daemon.signal('SIGHUP');
  assert.deepEqual((await daemon.says('reloaded')).changed, ['packets.enabled']);
  await fixture.untilDrained();
  assert.deepEqual(fixture.keys(), names.toSorted());
  assert.equal((await fixture.snapshot()).packets, null);
  assert.equal(await daemon.stop(), 0);
});

test('after a reload that switches packets on, each file is found by its name, with its packet', async (t) => {
  const fixture = await DaemonFixture.create(t);
  const daemon = fixture.start();
  await daemon.says('ready');
  const packets = { enabled: true, maxFiles: 30, key: 'p/{group}/{host}-{digest}.zip' };
  await fixture.configure({ packets });
  daemon.signal('SIGHUP');
  await daemon.says('reloaded');
  const names = await filled(fixture, 30);
  await fixture.untilDrained();
  const { key, file, files, bytes, packetBytes } = await daemon.says('uploaded');
  assert.match(String(key), /^p\/[^/]+-[0-9a-f]{32}\.zip$/);
  assert.deepEqual(fixture.keys(), [key]);
  assert.deepEqual([...(file as string[])].toSorted(), names.toSorted());
  const sizeBytes = names.reduce((sum, name) => sum + `content of ${name}`.length, 0);
  assert.deepEqual([files, bytes, packetBytes], [30, sizeBytes, (await fixture.object(String(key))).length]);
  assert.ok((await printed(fixture, 'list', 'recent')).includes(`in ${key}, sha256 `));
  const metrics = await printed(fixture, 'metrics');
  for (const [name, value] of [
    ['uploaded_files', 30],
    ['packed_files', 30],
    ['uploaded_packets', 1],
    ['repeated_files', 0],
  ])
    assert.match(metrics, new RegExp(`^halfpipe_${name}_total\\S* ${value}$`, 'm'));
  assert.equal(await daemon.stop(), 0);
});
