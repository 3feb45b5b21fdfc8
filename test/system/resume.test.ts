// What a large upload costs when it is interrupted, measured in bytes on the wire: what was sent stays sent.
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Build, BuiltDaemon } from '../support/built-daemon.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { startS3Server } from '../support/s3-server.ts';

const KEYS = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'secret-of-this-test' };
const MIB = 1024 ** 2;
const PART_BYTES = 8 * MIB;
/** As src/store sends them; see DEFAULT_PARTS_AT_ONCE. */
const PARTS_AT_ONCE = 4;
/** `RESUME_MIB=1024` for the large run by hand. */
const SIZE_BYTES = Number(process.env.RESUME_MIB ?? 256) * MIB;
const PATIENCE_MS = 120_000;

describe('an upload in parts', () => {
  const build = new Build();
  before(() => build.make());
  after(() => build.remove());

  /** A daemon in the middle of one large file, once `share` of its bytes have come. */
  async function midway(t: TestContext, share: number, capacity: string, files = 1) {
    const base = mkdtempSync(join(tmpdir(), 'halfpipe-resume-'));
    const server = await startS3Server({ ...KEYS, directory: join(base, 's3'), port: 0, buckets: ['inbox'] });
    const proxy = new FaultProxy(server.endpoint, KEYS);
    await proxy.start();
    t.after(async () => {
      await proxy.stop();
      await server.close();
      rmSync(base, { recursive: true, force: true });
    });
    const path = join(base, 'spool');
    mkdirSync(path);
    const large = Array.from({ length: files }, (_, at) => join(path, `large-${at}.bin`));
    for (const file of large) {
      const handle = openSync(file, 'w');
      for (let written = 0; written < SIZE_BYTES / files; written += MIB)
        writeSync(handle, randomFillSync(Buffer.alloc(MIB)));
      closeSync(handle);
    }
    const settings = {
      spool: { path, settle: '0 s', rescan: '1 s' },
      link: { interface: 'lo', capacity, floor: '50 %' },
      s3: { bucket: 'inbox', endpoint: proxy.endpoint, region: 'us-east-1', forcePathStyle: true },
      log: { format: 'json' },
      packets: { enabled: files > 1, size: '2 GiB', maxFileSize: '2 MiB', maxFiles: Math.max(2, files) },
    };
    writeFileSync(join(base, 'halfpipe.json'), JSON.stringify(settings));
    const launch = () => {
      const daemon = new BuiltDaemon(build.main, ['run', '--config', join(base, 'halfpipe.json')], KEYS);
      t.after(() => daemon.end());
      return daemon;
    };
    const partBytes = () =>
      proxy.seen
        .filter(({ url }) => url.includes('partNumber='))
        .reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    const daemon = launch();
    await until('part of it was sent', daemon, () => partBytes() >= share * SIZE_BYTES);
    const areGone = () => !large.some((file) => existsSync(file));
    return { daemon, launch, partBytes, areGone, proxy };
  }

  test('killed at 70 %, sends at most one part per uploader again', async (t) => {
    const { daemon, launch, partBytes, areGone } = await midway(t, 0.7, '2 Gbit/s');
    await daemon.end();
    const next = launch();
    await until('the file is gone', next, areGone);
    assert.equal((await next.stop()).exit, 0);
    const againBytes = partBytes() - SIZE_BYTES;
    t.diagnostic(`${(againBytes / MIB).toFixed(1)} MiB of ${SIZE_BYTES / MIB} MiB sent again`);
    assert.ok(againBytes <= PARTS_AT_ONCE * PART_BYTES, `${againBytes} bytes were sent again`);
  });

  test('of a packet in parts that is killed at 70 %, the parts that the store has are not sent again', async (t) => {
    const { daemon, launch, partBytes, areGone, proxy } = await midway(t, 0.7, '2 Gbit/s', SIZE_BYTES / MIB);
    await daemon.end();
    const next = launch();
    await until('the files are gone', next, areGone);
    assert.equal((await next.stop()).exit, 0);
    // The packet has headers and an index.
    const againBytes = partBytes() - SIZE_BYTES - MIB;
    t.diagnostic(`${(againBytes / MIB).toFixed(1)} MiB of ${SIZE_BYTES / MIB} MiB sent again`);
    assert.ok(againBytes <= PARTS_AT_ONCE * PART_BYTES, `${againBytes} bytes were sent again`);
    const begun = proxy.seen.filter(({ method, url }) => method === 'POST' && /[?&]uploads/.test(url));
    assert.equal(begun.length, 1, 'one upload');
  });

  test('a stop ends the bytes within a second, and the process with 0', async (t) => {
    const { daemon, partBytes, areGone } = await midway(t, 0.2, '400 Mbit/s');
    const stopped = daemon.stop();
    await delay(1_000);
    const afterASecond = partBytes();
    assert.equal((await stopped).exit, 0);
    await delay(500);
    assert.equal(partBytes(), afterASecond, 'not a byte more after the first second');
    assert.ok(!areGone());
    t.diagnostic(`stopped in ${(await stopped).tookMs.toFixed(0)} ms`);
  });
});

async function until(what: string, daemon: BuiltDaemon, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(performance.now() < endMs && !daemon.ended, `waited in vain until ${what}:\n${daemon.tail()}`);
    await delay(10);
  }
}
