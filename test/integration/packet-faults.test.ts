// Files do not wait for packets that the store refuses: the real daemon, real files, real requests.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Config, DaemonFixture } from '../support/daemon-fixture.ts';
import { S3Error } from '../support/s3-error.ts';
import { bytesOf } from '../support/store-fixture.ts';
import type { Quirks } from '../support/store-quirks.ts';

const PACKETS: Config = { packets: { enabled: true, maxDelay: '1 s', maxFiles: 4 } };

async function putFiles(fixture: DaemonFixture, from: number, to: number): Promise<string[]> {
  const names = Array.from({ length: to - from }, (_, at) => `${from + at}.bin`);
  for (const [at, name] of names.entries()) await fixture.put(name, bytesOf(500 + from + at, from + at));
  return names;
}

describe('packets that the store refuses', { concurrency: 2 }, () => {
  test('where it accepts none, files are sent by themselves, and no folder of theirs is held', async (t) => {
    const quirks: Quirks = {
      ask: ({ operation, key }) => {
        const isRefused = key.startsWith('packets/') || key.startsWith('.halfpipe/');
        if (operation === 'PutObject' && isRefused) throw new S3Error(403, 'AccessDenied', 'Access Denied');
      },
    };
    const fixture = await DaemonFixture.create(t, PACKETS, quirks);
    const names = await putFiles(fixture, 0, 40);
    const daemon = fixture.start();
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys().sort(), names.sort());
    assert.deepEqual(daemon.of('folderHeld'), []);
    assert.equal(await daemon.stop(), 0);
  });

  test('after some that are refused, packing rests, is told as a problem, and goes on after a reload', async (t) => {
    const refused = new Set<string>();
    let isMended = false;
    const quirks: Quirks = {
      ask: ({ operation, key }) => {
        if (operation !== 'PutObject' || !key.startsWith('packets/') || isMended) return;
        refused.add(key);
        throw new S3Error(403, 'AccessDenied', 'Access Denied');
      },
    };
    const fixture = await DaemonFixture.create(t, PACKETS, quirks);
    await putFiles(fixture, 0, 80);
    const daemon = fixture.start();
    const { why, forMs } = await daemon.says('packingRests');
    assert.deepEqual([why, forMs], ['refused', 600_000]);
    await fixture.untilDrained();
    assert.ok(refused.size <= 8, `${refused.size} packets were sent in vain`);
    const { problems } = await fixture.snapshot();
    const packing = problems.filter(({ kind }) => kind === 'packing').map(({ message }) => message);
    assert.match(packing.join(), /^the store refuses packets, so that each file is sent by itself: .*Denied/);
    const before = refused.size;
    await putFiles(fixture, 80, 90);
    await fixture.untilDrained();
    assert.equal(refused.size, before);
    isMended = true;
    daemon.signal('SIGHUP');
    await daemon.says('reloaded');
    await putFiles(fixture, 90, 100);
    await fixture.untilDrained();
    assert.ok(fixture.keys().some((key) => key.startsWith('packets/')));
    assert.deepEqual((await fixture.snapshot()).problems, []);
    assert.equal(await daemon.stop(), 0);
  });

  test('packets that wait for another attempt do not keep other files from being packed', async (t) => {
    const bad = new Set<string>();
    const quirks: Quirks = {
      ask: ({ operation, key }) => {
        if (operation !== 'PutObject' || !key.startsWith('packets/')) return;
        if (bad.size < 3) bad.add(key);
        if (bad.has(key)) throw new S3Error(500, 'InternalError', 'We encountered an internal error.');
      },
    };
    const retry = { initial: '10 min', max: '10 min' };
    const fixture = await DaemonFixture.create(t, { ...PACKETS, retry }, quirks);
    const waiting = await putFiles(fixture, 0, 12);
    const daemon = fixture.start();
    await fixture.until('three packets are refused', () => bad.size === 3);
    await putFiles(fixture, 12, 24);
    await fixture.untilDrained(waiting);
    assert.equal(fixture.keys().length, 3);
    assert.equal(await daemon.stop(), 0);
  });
});
