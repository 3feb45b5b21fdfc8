// What the log and the counters say of packets that a crash, a lost file or a doubtful store has interrupted: the real
// daemon, real files, real requests.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Config, DaemonFixture, type DaemonRun, SLOW } from '../support/daemon-fixture.ts';
import { S3Error } from '../support/s3-error.ts';
import { bytesOf } from '../support/store-fixture.ts';
import type { Asked, Quirks } from '../support/store-quirks.ts';

const PACKETS: Config = { packets: { enabled: true, maxDelay: '1 s', maxFiles: 5_000 } };

async function putFiles(fixture: DaemonFixture, count: number, sizeBytes: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `${at}.bin`);
  for (const [at, name] of names.entries()) await fixture.put(name, bytesOf(sizeBytes, at));
  return names;
}

/** Every name that a line about this key tells as stored. */
function toldFor(daemon: DaemonRun, key: string): string[] {
  const lines = [...daemon.of('uploaded'), ...daemon.of('alreadyThere')].filter((line) => line.key === key);
  return lines.flatMap(({ file }) => file as string[]).sort();
}

function filesOf(fixture: DaemonFixture): string[] {
  return readdirSync(fixture.spool).filter((name) => name.endsWith('.bin'));
}

/** Looks without a pause: all files of a packet leave within a moment. Some of those that left are only set aside. */
async function untilRemoving(fixture: DaemonFixture, files: number): Promise<void> {
  while (filesOf(fixture).length > files - 500) await turn();
}

function untilForgotten(fixture: DaemonFixture): Promise<void> {
  return fixture.until('nothing is left of the packets', async () => (await fixture.kept()).length === 0);
}

/** The daemon, killed when some of the `files` have been removed. */
async function killedWhileRemoving(fixture: DaemonFixture, files: number) {
  const daemon = fixture.start();
  await untilRemoving(fixture, files);
  daemon.kill();
  await daemon.exit;
  return daemon;
}

describe('packets over a restart', { concurrency: 3 }, () => {
  test('files that were removed before a kill are told and counted after it, with their packet', async (t) => {
    const fixture = await DaemonFixture.create(t, PACKETS);
    const names = await putFiles(fixture, 3_000, 10);
    const before = await killedWhileRemoving(fixture, names.length);
    const left = filesOf(fixture).length;
    assert.ok(left > 0 && left < names.length, `it was killed with ${left} files`);
    assert.deepEqual(before.of('uploaded'), []);
    const daemon = fixture.start();
    await fixture.untilDrained();
    await untilForgotten(fixture);
    const [key = '', ...others] = fixture.keys();
    assert.deepEqual(others, []);
    await fixture.until('all are told', () => toldFor(daemon, key).length >= names.length);
    assert.deepEqual(toldFor(daemon, key), names.toSorted());
    const { totals } = await fixture.snapshot();
    assert.equal(totals.deletedFiles, names.length);
    assert.equal(totals.repeatedFiles, 0);
    assert.equal(await daemon.stop(), 0);
  });

  test('where all files had been removed before a kill, they are told and counted after it', async (t) => {
    const fixture = await DaemonFixture.create(t, PACKETS);
    const names = await putFiles(fixture, 3_000, 10);
    await killedWhileRemoving(fixture, names.length);
    const [key = ''] = fixture.keys();
    for (const name of filesOf(fixture)) await rm(join(fixture.spool, name));
    for (const name of await fixture.kept())
      if (name.startsWith('aside/')) await rm(join(fixture.spool, '.halfpipe', name));
    const daemon = fixture.start();
    await daemon.says('ready');
    await untilForgotten(fixture);
    await fixture.until('all are told', () => toldFor(daemon, key).length >= names.length);
    assert.deepEqual(toldFor(daemon, key), names.toSorted());
    assert.equal((await fixture.snapshot()).totals.packedFiles, names.length);
    assert.deepEqual(daemon.of('packetDropped'), []);
    assert.equal(await daemon.stop(), 0);
  });

  test('where the file of a packet is gone, its files are sent again, and counted as maybe stored twice', async (t) => {
    const fixture = await DaemonFixture.create(t, { ...PACKETS, ...SLOW });
    const names = await putFiles(fixture, 60, 10_000);
    const before = fixture.start();
    await fixture.untilBegun(/^PUT .*packets/);
    before.kill();
    await before.exit;
    for (const name of await fixture.kept())
      if (name.endsWith('.zip')) await rm(join(fixture.spool, '.halfpipe', name));
    const daemon = fixture.start();
    await fixture.untilDrained();
    await untilForgotten(fixture);
    assert.deepEqual(
      daemon.of('packetDropped').map(({ repeated }) => repeated),
      [names.length],
    );
    assert.equal((await fixture.snapshot()).totals.repeatedFiles, names.length);
    assert.equal(await daemon.stop(), 0);
  });

  test('where the store has a packet and does not prove it, its files count as stored twice', async (t) => {
    const isPacket = ({ key }: Asked) => key.startsWith('packets/');
    const quirks: Quirks = {
      ask: (asked) => {
        if (asked.operation === 'GetObject' && isPacket(asked)) throw new S3Error(403, 'AccessDenied', 'no');
      },
      head: (headers, asked) => {
        if (!isPacket(asked)) return;
        for (const name of Object.keys(headers)) if (/checksum/i.test(name)) delete headers[name];
        if ('ETag' in headers) headers.ETag = '"opaque"';
        if ('etag' in headers) headers.etag = '"opaque"';
      },
    };
    const fixture = await DaemonFixture.create(t, PACKETS, quirks);
    await putFiles(fixture, 8, 100);
    const daemon = fixture.start();
    await fixture.untilDrained();
    const [split] = daemon.of('packetSplit');
    assert.deepEqual([split?.files, split?.repeated], [8, 8]);
    assert.ok((await fixture.snapshot()).totals.repeatedFiles >= 8);
    assert.equal(await daemon.stop(), 0);
  });
});
