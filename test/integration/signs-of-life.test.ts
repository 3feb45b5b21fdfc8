// Which signs of life the watchdog is told of, by the whole daemon in this process: each by itself, and nothing else.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadSettings } from '../../src/config/load.ts';
import { Daemon } from '../../src/daemon.ts';
import { thisHost } from '../../src/host.ts';
import { Health, type Heartbeat } from '../../src/service/health.ts';
import { systemClock } from '../../src/system/clock.ts';
import { type Config, SLOW, SLOW_BYTES } from '../support/daemon-fixture.ts';
import { KeptLog } from '../support/kept-log.ts';
import { test } from '../support/nothing-left.ts';

process.env.AWS_ACCESS_KEY_ID = 'test';
process.env.AWS_SECRET_ACCESS_KEY = 'test';
process.env.AWS_EC2_METADATA_DISABLED = 'true';

/** Keeps each sign of life: `m` of the control loop, `d` of the drain, and `md` where the control loop came round for both. */
class HeardHealth extends Health {
  readonly #signs: string[] = [];
  #isWithMeter = false;

  override register(name: string, maxSilenceMs: () => number): Heartbeat {
    const { beat, end } = super.register(name, maxSilenceMs);
    const hear = name === 'the control loop' ? () => this.#hearMeter() : () => this.#hearDrain();
    return {
      beat: () => {
        hear();
        beat();
      },
      end,
    };
  }

  /** Those since the mark. */
  since(mark: number): readonly string[] {
    return this.#signs.slice(mark);
  }

  get mark(): number {
    return this.#signs.length;
  }

  #hearMeter(): void {
    this.#signs.push('m');
    this.#isWithMeter = true;
    queueMicrotask(() => {
      this.#isWithMeter = false;
    });
  }

  #hearDrain(): void {
    if (this.#isWithMeter) this.#signs.splice(-1, 1, 'md');
    else this.#signs.push('d');
  }
}

/** A store that has nothing, takes whole bodies, and answers to them what a test lets it. */
class MuteStore {
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #taken: { readonly response: ServerResponse; readonly mark: number } | undefined;
  #mark = () => 0;
  begun = 0;
  /** Of its answer to a body a piece comes now and then, and never the end. */
  trickles = false;

  async start(t: TestContext): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    t.after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  markWith(health: HeardHealth): void {
    this.#mark = () => health.mark;
  }

  /** The mark of when a body had arrived whole, as long as the client waits for the answer. */
  get waitingSince(): number | undefined {
    return this.#taken?.mark;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'PUT') {
      response
        .writeHead(404, { 'content-type': 'application/xml' })
        .end('<Error><Code>NoSuchKey</Code></Error>');
      return;
    }
    this.begun += 1;
    await request.resume().toArray();
    this.#taken = { response, mark: this.#mark() };
    const trickle = setInterval(() => this.trickles && request.socket.write('HTTP/1.1 102 P\r\n\r\n'), 50);
    await once(response, 'close');
    clearInterval(trickle);
    this.#taken = undefined;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function started(t: TestContext, config: Config) {
  const base = await mkdtemp(join(tmpdir(), 'halfpipe-signs-'));
  const spool = join(base, 'spool');
  await mkdir(spool);
  const store = new MuteStore();
  const endpoint = await store.start(t);
  const configFile = join(base, 'halfpipe.json');
  const s3 = { bucket: 'inbox', region: 'us-east-1', endpoint, forcePathStyle: true };
  const link = { interface: 'lo', ...SLOW.link, ...config.link };
  const upload = { stopTimeout: '0 s', ...config.upload };
  await writeFile(
    configFile,
    JSON.stringify({ spool: { path: spool, settle: '0 s', rescan: '1 s' }, s3, link, upload }),
  );
  const log = new KeptLog();
  const clock = systemClock;
  const health = new HeardHealth({ clock, watchdogMs: undefined, ping: () => undefined, log });
  store.markWith(health);
  const redact = (text: string) => text;
  const settings = await loadSettings(configFile, {});
  const host = thisHost(undefined);
  const lookups = { count: 0 };
  const sendingOptions: typeof host.sendingOptions = (wanted) => {
    lookups.count += 1;
    return host.sendingOptions(wanted);
  };
  const daemon = new Daemon(settings, {
    host: { ...host, sendingOptions },
    ...{ redact, health, version: '1', listeners: [], shownOptions: () => [] },
    onHopeless: (fault) => assert.fail(fault),
  });
  await daemon.start();
  t.after(async () => {
    await daemon.stop();
    await rm(base, { recursive: true });
  });
  const put = async () => {
    await writeFile(join(base, 'file'), Buffer.alloc(SLOW_BYTES));
    await rename(join(base, 'file'), join(spool, 'file'));
  };
  return { health, store, put, daemon, settings, lookups };
}

test('an idle daemon, a read, and bytes that leave are signs of the drain; an upload that hangs is none', async (t) => {
  const { health, store, put } = await started(t, {});
  await until(() => health.since(0).length >= 5);
  assert.deepEqual([...new Set(health.since(0))], ['md'], 'idle');

  const found = health.mark;
  await put();
  await until(() => store.begun === 1);
  assert.ok(health.since(found).includes('d'), 'read');

  const sending = health.mark;
  await until(() => store.waitingSince !== undefined);
  assert.ok(health.since(sending).includes('md'), 'sent');

  // The last bytes may be reported after they have arrived.
  const late = () => health.since(store.waitingSince ?? 0).slice(3);
  await until(() => late().length >= 5);
  assert.deepEqual([...new Set(late())], ['m'], 'hangs');
  assert.equal(store.begun, 1);
});

test('an answer that trickles in is a sign of the drain', async (t) => {
  const { health, store, put } = await started(t, { upload: { idleTimeout: '1 s' } });
  store.trickles = true;
  await put();
  const isHeard = () =>
    store.waitingSince !== undefined && health.since(store.waitingSince).slice(3).includes('d');
  await until(isHeard);
});

test('a daemon that waits for its link is alive', async (t) => {
  const { health } = await started(t, { link: { interface: 'nosuch0' } });
  await until(() => health.since(0).length >= 1);
  assert.deepEqual(health.since(0), ['md']);
});

test('a reload of the share alone looks nothing up, and is in force at once', async (t) => {
  const { daemon, settings, lookups } = await started(t, {});
  const before = { ...lookups };
  await daemon.reload({ ...settings, link: { ...settings.link, share: 0.25, floor: { share: 0.01 } } });
  await until(() => daemon.snapshot().link?.targetBitsPerSec === 1e6);
  assert.equal(daemon.snapshot().link?.floorBitsPerSec, 40e3);
  assert.deepEqual(lookups, before);

  await daemon.reload({ ...settings, link: { ...settings.link, sampleIntervalMs: 100 } });
  await until(() => daemon.snapshot().link?.targetBitsPerSec === 2e6);
  assert.equal(lookups.count, before.count + 1, 'any other change of the link does');
});
