import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type InterfaceSource,
  Uplink,
  type UplinkIdentity,
  type UplinkOptions,
} from '../../src/link/uplink.ts';
import { Fault } from '../../src/system/fault.ts';
import { SimClock } from '../support/sim-clock.ts';

const MBIT = 1_000_000;
const ENDPOINT = { host: 's3.example', port: 443 };

/** Interfaces that tests can plug and unplug. */
class FakeInterfaces implements InterfaceSource {
  route = 'eth0';
  present: Record<string, { index: number; txBytes: number; speed?: number }> = {
    eth0: { index: 2, txBytes: 1_000, speed: 1_000 * MBIT },
    wlan0: { index: 3, txBytes: 5_000 },
  };

  towards(): Promise<string> {
    return Promise.resolve(this.route);
  }

  index(name: string): number {
    return this.#get(name).index;
  }

  txBytes(name: string): number {
    return this.#get(name).txBytes;
  }

  driverSpeed(name: string): Promise<number | undefined> {
    return Promise.resolve(this.#get(name).speed);
  }

  #get(name: string) {
    const found = this.present[name];
    if (found === undefined)
      throw new Fault('transient', `network interface ${name} does not exist`, {
        operation: 'read',
        subject: name,
      });
    return found;
  }
}

function uplinkOf(options: Partial<UplinkOptions> = {}) {
  const clock = new SimClock();
  const interfaces = new FakeInterfaces();
  const changes: UplinkIdentity[] = [];
  const problems: (string | undefined)[] = [];
  const uplink = new Uplink(
    clock,
    { interface: 'auto', capacityBitsPerSec: 'auto', endpoint: ENDPOINT, ...options },
    { onChange: (identity) => changes.push(identity), onMeasurable: (problem) => problems.push(problem) },
    interfaces,
  );
  return { clock, interfaces, changes, problems, uplink };
}

describe('uplink', () => {
  it('is the interface of the route to the endpoint, with the capacity its driver reports', async () => {
    const { uplink } = uplinkOf();
    assert.deepEqual(await uplink.start(), {
      name: 'eth0',
      index: 2,
      capacityBitsPerSec: 1_000 * MBIT,
      capacityFrom: 'driver',
    });
  });

  it('goes by the config where it says something', async () => {
    const { uplink } = uplinkOf({ interface: 'wlan0', capacityBitsPerSec: 20 * MBIT });
    const { name, capacityBitsPerSec, capacityFrom } = await uplink.start();
    assert.deepEqual([name, capacityBitsPerSec, capacityFrom], ['wlan0', 20 * MBIT, 'link.capacity']);
  });

  it('refuses a capacity nobody knows, naming the key to set', async () => {
    const { uplink } = uplinkOf({ interface: 'wlan0' });
    await assert.rejects(
      uplink.start(),
      (error) =>
        error instanceof Fault &&
        error.code === 'CAPACITY_UNKNOWN' &&
        /link\.capacity/.test(error.hint ?? ''),
    );
  });

  it('refuses an interface that does not exist', async () => {
    await assert.rejects(uplinkOf({ interface: 'eth7' }).uplink.start(), /eth7 does not exist/);
  });

  it('measures what the interface sends', async () => {
    const { uplink, interfaces } = uplinkOf();
    await uplink.start();
    assert.equal(uplink.measure(0, 0).kind, 'none');
    interfaces.present.eth0 = { index: 2, txBytes: 4_000 };
    assert.deepEqual(uplink.measure(50, 1_000), {
      kind: 'sample',
      sentBytes: 3_000,
      ownBytes: 1_000,
      intervalMs: 50,
    });
  });

  it('follows the route to another interface within a quarter of a minute', async () => {
    const { uplink, interfaces, clock, changes } = uplinkOf({ capacityBitsPerSec: 50 * MBIT });
    await uplink.start();
    uplink.measure(0, 0);
    interfaces.route = 'wlan0';
    await clock.advance(15_000);
    assert.deepEqual(
      changes.map(({ name }) => name),
      ['wlan0'],
    );
    // Another counter: no sample may span both.
    assert.equal(uplink.measure(15_050, 0).kind, 'none');
  });

  it('says once that the interface is gone, and once that it is back', async () => {
    const { uplink, interfaces, clock, problems } = uplinkOf();
    await uplink.start();
    uplink.measure(0, 0);
    const { eth0 } = interfaces.present;
    interfaces.present = {};
    assert.equal(uplink.measure(50, 0).kind, 'lost');
    assert.equal(uplink.measure(100, 0).kind, 'lost');
    await clock.advance(5_000);
    assert.equal(problems.length, 1);
    interfaces.present = { eth0: { ...eth0, index: 9, txBytes: 10 } };
    await clock.advance(1_000);
    assert.equal(uplink.measure(6_050, 0).kind, 'none'); // made anew: its counter starts over
    assert.equal(uplink.measure(6_100, 0).kind, 'sample');
    assert.deepEqual([problems.length, problems[1]], [2, undefined]);
  });

  it('takes an interface made anew for another one even if its counter is higher', async () => {
    const { uplink, interfaces, clock } = uplinkOf();
    await uplink.start();
    uplink.measure(0, 0);
    interfaces.present.eth0 = { index: 9, txBytes: 1e12, speed: 1_000 * MBIT };
    await clock.advance(15_000);
    assert.equal(uplink.measure(15_050, 0).kind, 'none');
  });

  it('reports a counter that does not move while we send', async () => {
    const { uplink, problems } = uplinkOf();
    await uplink.start();
    uplink.measure(0, 0);
    const kinds = [1_000, 2_000, 3_000].map((atMs) => uplink.measure(atMs, MBIT).kind);
    assert.deepEqual(kinds, ['none', 'none', 'lost']);
    assert.match(problems[0] ?? '', /stands still/);
  });

  it('keeps what it has when new options lead to no link', async () => {
    const { uplink, changes } = uplinkOf();
    await uplink.start();
    await assert.rejects(
      uplink.reconfigure({ interface: 'eth7', capacityBitsPerSec: 'auto', endpoint: ENDPOINT }),
      /eth7/,
    );
    assert.deepEqual(changes, []);
    assert.equal(uplink.measure(0, 0).kind, 'none');
  });

  it('looks for nothing after stop', async () => {
    const { uplink, clock } = uplinkOf();
    await uplink.start();
    uplink.stop();
    assert.equal(clock.pending, 0);
  });
});
