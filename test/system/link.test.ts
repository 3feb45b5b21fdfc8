// The link on real interfaces, in network namespaces of its own: which one is found on machines of many kinds, what is
// said of it, that the total on the line is held whoever else sends, and what happens when it goes and comes.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ACCESS_KEY_ID, FarSide, SECRET_ACCESS_KEY } from '../bench/far-side.ts';
import {
  FAR_ADDRESS,
  FAR_ADDRESS_V6,
  LAN_ADDRESS,
  LINK_INTERFACE,
  LinkTestbed,
  missingForTestbed,
} from '../bench/link-testbed.ts';
import { INGEST_PORT, Producers } from '../bench/producers.ts';
import { authorizationFor } from '../bench/upload-servers.ts';
import { compiledMain } from '../support/compiled.ts';
import { startFlags } from '../support/start-flags.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PATIENCE_MS = 30_000;
const missing = missingForTestbed(['iperf3']);

interface Found {
  readonly name: string;
  readonly via?: string;
  readonly warnings: readonly string[];
}

interface Run {
  readonly endpoint: string;
  readonly link: object;
  readonly files?: number;
  readonly ingest?: object;
}

/** A machine behind a line of 100 Mbit/s: `near`, with the daemon in it. */
class Machine {
  readonly testbed = new LinkTestbed();
  readonly folder = mkdtempSync(join(tmpdir(), 'halfpipe-link-'));
  readonly #far = new FarSide(this.testbed, 'null', this.folder);
  readonly #children: ChildProcess[] = [];
  log = '';

  static start(t: TestContext): Machine {
    const machine = new Machine();
    t.after(() => machine.#stop());
    machine.testbed.start(100);
    return machine;
  }

  ip(...args: string[]): void {
    this.testbed.run('near', 'ip', args);
  }

  /** Moves the address and the default route to another device. */
  moveAddressTo(device: string): void {
    this.ip('link', 'set', device, 'up');
    this.ip('addr', 'flush', 'dev', LINK_INTERFACE);
    this.ip('addr', 'add', '10.77.0.2/24', 'dev', device);
    this.ip('route', 'replace', 'default', 'via', FAR_ADDRESS);
  }

  find(host: string, wanted = 'auto'): Found {
    const script = `import { LinkFinder } from '${ROOT}src/link/link-finder.ts';
      const endpoint = { host: '${host}', port: 9000 };
      const link = await new LinkFinder().find({ interface: '${wanted}', capacity: 1e8, endpoint });
      process.stdout.write(JSON.stringify(link));`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    return JSON.parse(this.testbed.run('near', process.execPath, args));
  }

  /** Starts the daemon with `files` of 200 KB to send, on the server at the far end. */
  async drain(link: object, files: number, host = FAR_ADDRESS): Promise<void> {
    const endpoint = (await this.#far.start(0)).replace(FAR_ADDRESS, host);
    this.run({ endpoint, link, files });
  }

  /** As drain(), while so many producers upload to the daemon from the network `lan`. */
  async drainAndTake(files: number, clients: number, seconds: number): Promise<Producers> {
    this.testbed.addLan();
    const endpoint = await this.#far.start(0);
    const ingest = {
      listen: `${LAN_ADDRESS}:${INGEST_PORT}`,
      tokensFile: join(this.folder, 'tokens.json'),
    };
    const daemon = this.run({ endpoint, link: { capacity: '100 Mbit/s' }, files, ingest });
    const authorization = authorizationFor(join(this.folder, 'halfpipe.yaml'));
    await this.logged('ready');
    const load = { clients, fileBytes: 20_000, seconds, authorization };
    const producers = new Producers(this.testbed, [daemon.pid ?? 0, undefined], load);
    producers.mark();
    return producers;
  }

  run({ endpoint, link, files = 0, ingest }: Run): ChildProcess {
    const path = join(this.folder, 'spool');
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < files; file += 1)
      writeFileSync(join(path, `${file}.bin`), Buffer.alloc(200_000, file));
    const config = join(this.folder, 'halfpipe.yaml');
    const s3 = { bucket: 'bench', endpoint, region: 'us-east-1', forcePathStyle: true };
    writeFileSync(
      config,
      JSON.stringify({ spool: { path, settle: '0 s' }, link, s3, ingest, log: { format: 'json' } }),
    );
    const args = [...startFlags(), compiledMain(), 'run', '--config', config];
    const daemon = this.testbed.spawn('near', process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, AWS_ACCESS_KEY_ID: ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY },
    });
    daemon.stdout?.on('data', (chunk) => {
      this.log += chunk;
    });
    this.#children.push(daemon);
    return daemon;
  }

  /** Others send so much to the far end, from inside the host. */
  async others(host: 'near' | 'sink', mbitPerSec: number, address = FAR_ADDRESS): Promise<void> {
    this.#children.push(this.testbed.spawn('far', 'iperf3', ['-s'], { stdio: 'ignore' }));
    await delay(500);
    const udp = ['-u', '-c', address, '-b', `${mbitPerSec}M`, '-l', '1400', '-t', '120'];
    this.#children.push(this.testbed.spawn(host, 'iperf3', udp, { stdio: 'ignore' }));
  }

  count(event: string): number {
    return this.log.split(`"event":"${event}"`).length - 1;
  }

  async logged(event: string, times = 1): Promise<void> {
    for (
      const endMs = performance.now() + PATIENCE_MS;
      this.count(event) < times && performance.now() < endMs;
    )
      await delay(50);
    assert.equal(this.count(event), times, `${event} in\n${this.log}`);
  }

  /** What these interfaces send together over four seconds, in Mbit/s. */
  async total(...interfaces: string[]): Promise<number> {
    const bytes = () =>
      interfaces
        .map((name) =>
          Number(this.testbed.run('near', 'cat', [`/sys/class/net/${name}/statistics/tx_bytes`])),
        )
        .reduce((sum, one) => sum + one, 0);
    const [startBytes, startMs] = [bytes(), performance.now()];
    await delay(4_000);
    return ((bytes() - startBytes) * 8) / 1_000 / (performance.now() - startMs);
  }

  async #stop(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#far.close();
    this.testbed.stop();
    await delay(100);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Half of 100 Mbit/s; how far a busy machine falls short of it says nothing of the link. */
function assertHeld(mbitPerSec: number, log: string): void {
  assert.ok(
    mbitPerSec > 10 && mbitPerSec < 51.5,
    `${mbitPerSec.toFixed(1)} Mbit/s, and\n${log.slice(-3_000)}`,
  );
}

describe('the link', { skip: missing.length === 0 ? false : missing.join(' '), concurrency: 1 }, () => {
  for (const host of [FAR_ADDRESS, FAR_ADDRESS_V6])
    test(`is the interface of the route to ${host}`, (t) => {
      assert.equal(Machine.start(t).find(host).name, LINK_INTERFACE);
    });

  test('is the device of the route, whichever interface holds the local address', (t) => {
    const machine = Machine.start(t);
    machine.ip('addr', 'add', '10.99.0.1/32', 'dev', 'lo');
    machine.ip('route', 'replace', 'default', 'via', FAR_ADDRESS, 'src', '10.99.0.1');
    assert.equal(machine.find('192.0.2.1').name, LINK_INTERFACE);
  });

  test('follows a policy rule', (t) => {
    const machine = Machine.start(t);
    machine.ip('link', 'add', 'other', 'type', 'veth', 'peer', 'name', 'end');
    for (const name of ['other', 'end']) machine.ip('link', 'set', name, 'up');
    machine.ip('addr', 'add', '10.88.0.1/24', 'dev', 'other');
    machine.ip('route', 'add', 'default', 'via', '10.88.0.2', 'dev', 'other', 'table', '77');
    machine.ip('rule', 'add', 'to', '192.0.2.0/24', 'lookup', '77');
    assert.equal(machine.find('192.0.2.1').name, 'other');
    assert.equal(machine.find('198.51.100.1').name, LINK_INTERFACE);
  });

  test('says that a container sees its own traffic only', (t) => {
    assert.match(Machine.start(t).find(FAR_ADDRESS).warnings.join(), /use host networking/);
  });

  test('says that an endpoint of this machine leads nowhere', (t) => {
    const { name, warnings } = Machine.start(t).find('127.0.0.1');
    assert.equal(name, 'lo');
    assert.match(warnings.join(), /set link\.interface to the card that leads out/);
  });

  test('is the card below macvlan', (t) => {
    const machine = Machine.start(t);
    machine.ip('link', 'add', 'mac0', 'link', LINK_INTERFACE, 'type', 'macvlan', 'mode', 'bridge');
    machine.moveAddressTo('mac0');
    const { name, via } = machine.find(FAR_ADDRESS);
    assert.deepEqual([name, via], [LINK_INTERFACE, 'mac0']);
  });

  test('is the port of a bridge, and holds the total beside a guest', async (t) => {
    const machine = Machine.start(t);
    machine.ip('link', 'add', 'br0', 'type', 'bridge');
    machine.ip(
      'link',
      'add',
      'guest0',
      'type',
      'veth',
      'peer',
      'name',
      'g0',
      'netns',
      machine.testbed.namespace('sink'),
    );
    for (const port of [LINK_INTERFACE, 'guest0']) machine.ip('link', 'set', port, 'master', 'br0', 'up');
    machine.testbed.run('sink', 'ip', ['addr', 'add', '10.77.0.3/24', 'dev', 'g0']);
    machine.testbed.run('sink', 'ip', ['link', 'set', 'g0', 'up']);
    machine.moveAddressTo('br0');
    const { name, via } = machine.find(FAR_ADDRESS);
    assert.deepEqual([name, via], [LINK_INTERFACE, 'br0']);
    assert.match(machine.find(FAR_ADDRESS, 'br0').warnings.join(), /set link\.interface to up0, or to auto/);
    await machine.drain({ capacity: '100 Mbit/s' }, 400);
    await machine.others('sink', 30);
    await machine.logged('ready');
    await delay(3_000);
    assertHeld(await machine.total(LINK_INTERFACE), machine.log);
  });

  test('is the card below a tunnel, and holds the total beside traffic outside the tunnel', async (t) => {
    const machine = Machine.start(t);
    const vxlan = ['type', 'vxlan', 'id', '7', 'dstport', '4789'];
    machine.ip('link', 'add', 'wg0', 'mtu', '1420', ...vxlan, 'local', '10.77.0.2', 'remote', FAR_ADDRESS);
    const far = (...args: string[]) => machine.testbed.run('far', 'ip', args);
    far('link', 'add', 'wg0', 'mtu', '1420', ...vxlan, 'local', FAR_ADDRESS, 'remote', '10.77.0.2');
    machine.ip('addr', 'add', '10.200.0.2/24', 'dev', 'wg0');
    far('addr', 'add', '10.200.0.1/24', 'dev', 'wg0');
    machine.ip('link', 'set', 'wg0', 'up');
    far('link', 'set', 'wg0', 'up');
    const { name, via } = machine.find('10.200.0.1');
    assert.deepEqual([name, via], [LINK_INTERFACE, 'wg0']);
    await machine.drain({ capacity: '100 Mbit/s' }, 400, '10.200.0.1');
    await machine.others('near', 30);
    await machine.logged('ready');
    await delay(3_000);
    assertHeld(await machine.total(LINK_INTERFACE), machine.log);
  });

  test('is the sum of two uplinks of equal cost, and does not flap between them', async (t) => {
    const machine = Machine.start(t);
    machine.ip(
      'link',
      'add',
      'up1',
      'type',
      'veth',
      'peer',
      'name',
      'far2',
      'netns',
      machine.testbed.namespace('far'),
    );
    machine.ip('addr', 'add', '10.79.0.2/24', 'dev', 'up1');
    machine.ip('link', 'set', 'up1', 'gso_max_segs', '1', 'up');
    machine.testbed.run('far', 'ip', ['addr', 'add', '10.79.0.1/24', 'dev', 'far2']);
    machine.testbed.run('far', 'ip', ['link', 'set', 'far2', 'up']);
    machine.testbed.run('far', 'ip', ['addr', 'add', '203.0.113.1/32', 'dev', 'lo']);
    for (const host of ['near', 'far'] as const)
      machine.testbed.run(host, 'sh', [
        '-c',
        'for i in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $i; done',
      ]);
    machine.testbed.run('near', 'sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy']);
    machine.ip('route', 'replace', 'default', 'nexthop', 'via', FAR_ADDRESS, 'nexthop', 'via', '10.79.0.1');
    const { name, warnings } = machine.find('203.0.113.1');
    assert.equal(name, 'up0+up1');
    assert.match(warnings.join(), /more than one interface: the sum of up0 and up1/);
    await machine.drain({ capacity: '100 Mbit/s' }, 400, '203.0.113.1');
    await machine.logged('ready');
    await delay(3_000);
    assertHeld(await machine.total('up0', 'up1'), machine.log);
    assert.equal(machine.count('link'), 1);
  });

  test('takes the other capacity when the route moves', async (t) => {
    const machine = Machine.start(t);
    machine.ip(
      'link',
      'add',
      'up1',
      'type',
      'veth',
      'peer',
      'name',
      'far2',
      'netns',
      machine.testbed.namespace('far'),
    );
    machine.ip('addr', 'add', '10.79.0.2/24', 'dev', 'up1');
    machine.ip('link', 'set', 'up1', 'up');
    const capacity = { up0: '100 Mbit/s', up1: '5 Mbit/s' };
    machine.run({ endpoint: 'http://203.0.113.1:9', link: { capacity } });
    await machine.logged('ready');
    machine.ip('route', 'replace', 'default', 'via', '10.79.0.1');
    await machine.logged('link', 2);
    assert.match(machine.log, /the link is up0 with 100 Mbit\/s.*the link is up1 with 5\.00 Mbit\/s/s);
  });

  test('is waited for while there is no address, and begins by itself', async (t) => {
    const machine = Machine.start(t);
    machine.ip('addr', 'flush', 'dev', LINK_INTERFACE);
    await machine.drain({ capacity: '100 Mbit/s' }, 5);
    await machine.logged('ready');
    await machine.logged('waitingForLink');
    machine.ip('addr', 'add', '10.77.0.2/24', 'dev', LINK_INTERFACE);
    await machine.logged('uploaded', 5);
  });

  test('lets a copy in the local network be', async (t) => {
    const machine = Machine.start(t);
    machine.testbed.setRate(1_000);
    await machine.drain({ capacity: '20 Mbit/s' }, 400);
    await machine.logged('ready');
    await delay(5_000);
    await machine.others('near', 60);
    await delay(4_000);
    const [before, uploaded] = [performance.now(), machine.count('uploaded')];
    await delay(8_000);
    const ownMbit = ((machine.count('uploaded') - uploaded) * 1.6) / ((performance.now() - before) / 1_000);
    assert.ok(ownMbit > 5 && ownMbit < 11, `${ownMbit.toFixed(1)} Mbit/s, and\n${machine.log.slice(-3_000)}`);
    assert.match(machine.log, /stays in the local network \(LAN\).*set link\.counter/);
  });

  test('is held while producers upload to the daemon from another network', async (t) => {
    const machine = Machine.start(t);
    const producers = await machine.drainAndTake(400, 32, 8);
    await delay(3_000);
    assertHeld(await machine.total(LINK_INTERFACE), machine.log);
    const { uploadsPerSec, others } = await producers.end();
    assert.ok(uploadsPerSec > 1 && others === 0, `${uploadsPerSec} uploads a second, ${others} refused`);
  });

  test('is missed when it vanishes, and measured again when it returns', async (t) => {
    const machine = Machine.start(t);
    machine.ip('link', 'add', 'uplink0', 'type', 'veth', 'peer', 'name', 'uplink1');
    machine.run({
      endpoint: `http://${FAR_ADDRESS}:9`,
      link: { interface: 'uplink0', capacity: '100 Mbit/s' },
    });
    await machine.logged('ready');
    machine.ip('link', 'del', 'uplink0');
    await machine.logged('degraded');
    machine.ip('link', 'add', 'uplink0', 'type', 'veth', 'peer', 'name', 'uplink1');
    await machine.logged('measured');
  });

  test('that goes while nothing is sent is told in a line or two, not in two a second', async (t) => {
    const machine = Machine.start(t);
    machine.run({ endpoint: `http://${FAR_ADDRESS}:9`, link: { capacity: '100 Mbit/s' } });
    await machine.logged('ready');
    machine.ip('link', 'set', LINK_INTERFACE, 'down');
    await machine.logged('linkUnsure');
    await delay(10_000);
    assert.deepEqual([machine.count('linkUnsure'), machine.count('degraded')], [1, 0]);
    machine.ip('link', 'set', LINK_INTERFACE, 'up');
    machine.ip('route', 'replace', 'default', 'via', FAR_ADDRESS);
    await machine.logged('linkFound');
  });
});
