// The machine around the daemon misbehaves: it is suspended, its log has no reader, descriptors and watches run out, the
// clock is set. Nothing is lost, nothing is sent twice with other bytes, and no false alarm is raised.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, rename, utimes } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Config, DaemonFixture, type DaemonRun, SLOW, SLOW_BYTES } from '../support/daemon-fixture.ts';

const BROKEN_THREAD = new URL('../support/broken-thread.mjs', import.meta.url).href;
const STEPPED_CLOCK = new URL('../support/stepped-clock.mjs', import.meta.url).href;

async function draining(t: TestContext, config: Config = {}, wrapper: readonly string[] = []) {
  const fixture = await DaemonFixture.create(t, config);
  const daemon = fixture.start({}, wrapper);
  await daemon.says('ready');
  return { fixture, daemon };
}

async function putMany(fixture: DaemonFixture, count: number, bytes = 100): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `file${String(at).padStart(4, '0')}`);
  for (const name of names) await fixture.put(name, Buffer.alloc(bytes, name));
  return names;
}

async function checkAll(fixture: DaemonFixture, names: readonly string[], bytes = 100): Promise<void> {
  await fixture.untilDrained();
  assert.deepEqual(fixture.keys(), names);
  for (const name of names) assert.deepEqual(await fixture.object(name), Buffer.alloc(bytes, name));
}

/** The daemon has counted so many files. */
async function seen(fixture: DaemonFixture, files: number): Promise<void> {
  await fixture.until('they are seen', async () => (await fixture.snapshot()).backlog.files === files);
}

/** Nothing was wrong with the store, the link, or any file. */
function checkQuiet(daemon: DaemonRun): void {
  for (const event of ['paused', 'quarantined', 'stalled', 'degraded', 'scanFailed'])
    assert.deepEqual(daemon.of(event), [], `${event}: a false alarm`);
}

/** Whether this machine can run `command`, for tests that need it. */
function lacks(...command: readonly [string, ...string[]]): string | false {
  const [program, ...args] = command;
  return spawnSync(program, args).status !== 0 && `this machine cannot run ${command.join(' ')}`;
}

describe('halfpipe run', { concurrency: 2 }, () => {
  test('suspended with uploads in flight, goes on where it was: no burst, nothing twice, no alarm', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const relay = await Relay.start(t, Number(new URL(fixture.endpoint).port));
    // 500 kB/s, whatever else is sent over lo.
    const link = { capacity: '8 Mbit/s', floor: '50 %' };
    await fixture.configure({ link, s3: { endpoint: relay.endpoint, partSize: '5 MiB' } });
    const daemon = fixture.start();
    await daemon.says('ready');
    const names = await putMany(fixture, 20, 100_000);
    await fixture.until('bytes flow', () => relay.bytes > 200_000);
    daemon.signal('SIGSTOP');
    // Connections do not live through a long suspension.
    relay.breakAll();
    await delay(3_000);
    const before = relay.bytes;
    daemon.signal('SIGCONT');
    await delay(100);
    const burstBytes = relay.bytes - before;
    // A tenth of a second is worth 50 kB; what has waited in the kernel is lost with its connection.
    assert.ok(burstBytes < 100_000, `${burstBytes} bytes in the first tenth of a second`);
    await checkAll(fixture, names, 100_000);
    for (const name of names) assert.ok(fixture.timesStored(name) === 1, name);
    checkQuiet(daemon);
    assert.equal(await daemon.stop(), 0);
  });

  test('goes on draining when nobody reads its output any more', async (t) => {
    const { fixture, daemon } = await draining(t);
    daemon.closeOutput();
    const names = await putMany(fixture, 50);
    await checkAll(fixture, names);
    assert.equal(await daemon.stop(), 0);
  });

  const noPrlimit = lacks('prlimit', '--version');
  // With fewer than some 110 Node cannot load the program.
  test('drains with 128 descriptors, and says once that there are too few', {
    skip: noPrlimit,
  }, async (t) => {
    const fixture = await DaemonFixture.create(t, { upload: { concurrency: 100 } });
    const names = await putMany(fixture, 300);
    const daemon = fixture.start({}, ['prlimit', '--nofile=128:128']);
    await checkAll(fixture, names);
    assert.deepEqual(daemon.of('quarantined'), []);
    assert.deepEqual(daemon.of('paused'), []);
    const [told, ...more] = daemon.of('deferred');
    assert.match(String(told?.msg), /EMFILE \(raise LimitNOFILE of the service\)/);
    assert.deepEqual(more, [], 'a storm of one fault is one line a minute');
    assert.equal(await daemon.stop(), 0);
  });

  const noNamespaces = lacks('unshare', '--user', '--map-root-user', 'true');
  for (const { what, limit, value } of [
    { what: 'watches', limit: 'max_inotify_watches', value: 50 },
    { what: 'inotify instances', limit: 'max_inotify_instances', value: 0 },
  ]) {
    test(`finds everything by scanning when there are no ${what} left, and says so once`, {
      skip: noNamespaces,
    }, async (t) => {
      const limited = `echo ${value} > /proc/sys/user/${limit} && exec "$@"`;
      // A user namespace has its own count. The watches taken are as many as a shallow spool has folders.
      const wrapper = ['unshare', '--user', '--map-root-user', 'sh', '-c', limited, 'sh'];
      const fixture = await DaemonFixture.create(t);
      for (let folder = 0; folder < 99; folder += 1) await mkdir(join(fixture.spool, `folder${folder}`));
      const daemon = fixture.start({}, wrapper);
      await daemon.says('watchUnavailable');
      for (let folder = 0; folder < 99; folder += 1) await fixture.put(`folder${folder}/file`, 'x');
      await fixture.until('it is drained', () => fixture.keys().length === 99);
      assert.equal(daemon.of('watchUnavailable').length, 1);
      checkQuiet(daemon);
      assert.equal(await daemon.stop(), 0);
    });
  }

  test('a sending thread that breaks down ends the process, and the next one goes on', async (t) => {
    const fixture = await DaemonFixture.create(t, SLOW);
    const names = await putMany(fixture, 3, SLOW_BYTES);
    const broken = fixture.start({ NODE_OPTIONS: `--import=${BROKEN_THREAD}` });
    assert.equal(await broken.exit, 1);
    assert.match(broken.stderr, /the sending thread broke down.*out of order/s);
    const next = fixture.start();
    await checkAll(fixture, names, SLOW_BYTES);
    assert.equal(await next.stop(), 0);
  });

  for (const { step, seconds } of [
    { step: 'an hour ahead', seconds: 3_600 },
    { step: 'an hour back', seconds: -3_600 },
  ]) {
    test(`a clock that steps ${step} loses nothing, takes nothing early and makes no storm`, async (t) => {
      const fixture = await DaemonFixture.create(t, { spool: { settle: '5 s' } });
      const daemon = fixture.start({
        NODE_OPTIONS: `--import=${STEPPED_CLOCK}`,
        STEP_SECONDS: String(seconds),
      });
      await daemon.says('ready');
      const putMs = performance.now();
      const before = await putMany(fixture, 20);
      await seen(fixture, before.length);
      daemon.signal('SIGUSR2');
      await fixture.until('one is taken', () => fixture.begun.some((request) => /^PUT/.test(request)));
      assert.ok(performance.now() - putMs >= 4_900, 'what was seen has settled by the monotonic clock');
      await checkAll(fixture, before);
      // The machine's clock stamps files, too; only what a producer sets of itself can be stepped here.
      const stamp = new Date(Date.now() + seconds * 1000);
      await fixture.put('.late', 'x');
      await utimes(fixture.at('.late'), stamp, stamp);
      const lateMs = performance.now();
      await rename(fixture.at('.late'), fixture.at('late'));
      await fixture.untilDrained();
      assert.ok(performance.now() - lateMs >= 4_900, 'nor is a newcomer taken early');
      checkQuiet(daemon);
      assert.ok(daemon.records.length < 60, `${daemon.records.length} lines`);
      assert.equal(await daemon.stop(), 0);
    });
  }
});

/** Stands before the server and counts what comes. */
class Relay {
  bytes = 0;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  static async start(t: TestContext, upstreamPort: number): Promise<Relay> {
    const relay = new Relay();
    const server = createServer((near) => {
      const far = connect(upstreamPort, '127.0.0.1');
      near.on('data', (chunk: Buffer) => {
        relay.bytes += chunk.length;
      });
      near.pipe(far).pipe(near);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        relay.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          relay.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.close();
      relay.breakAll();
    });
    const address = server.address();
    relay.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return relay;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  breakAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
