// The link over time: what is waited for, what is followed, what is said.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkEvent } from '../../src/link/link-event.ts';
import { Uplink } from '../../src/link/uplink.ts';
import type { UplinkIdentity, UplinkOptions } from '../../src/link/uplink-identity.ts';
import { Fault } from '../../src/system/fault.ts';
import { ETHERNET_LINK } from '../support/ethernet-link.ts';
import { SimClock } from '../support/sim-clock.ts';

const MBIT = 1_000_000;
const OPTIONS: UplinkOptions = {
  interface: 'auto',
  capacity: 100 * MBIT,
  endpoint: { host: 's3.example', port: 443 },
};
const NO_ROUTE = new Fault('transient', 'no route to s3.example', {
  operation: 'find the link',
  subject: 's3.example',
  code: 'NO_ROUTE',
});
const HOPELESS = new Fault('breaker', 'the capacity of veth0 is unknown', {
  operation: 'find the capacity',
  subject: 'veth0',
  code: 'CAPACITY_UNKNOWN',
});

function linkOf(name: string, more: Partial<UplinkIdentity> = {}): UplinkIdentity {
  const carriers = [{ name, index: 2 }];
  return { ...ETHERNET_LINK, name, carriers, capacityFrom: 'link.capacity', ...more };
}

function uplinkOf(answer: UplinkIdentity | Fault) {
  const clock = new SimClock();
  const now = { answer, state: 'routes', found: 0 };
  const heard: string[] = [];
  const finder = {
    async find(): Promise<UplinkIdentity> {
      now.found += 1;
      if (now.answer instanceof Fault) throw now.answer;
      return now.answer;
    },
    networkState: () => now.state,
  };
  const events = {
    onChange: ({ name, capacityBitsPerSec }: UplinkIdentity) =>
      void heard.push(`link ${name} ${capacityBitsPerSec / MBIT}`),
    onHopeless: ({ message }: Fault) => void heard.push(`hopeless: ${message}`),
    onEvent: (event: LinkEvent) => {
      if (event.kind === 'waitingForLink') heard.push(`waiting: ${event.fault.message}`);
      if (event.kind === 'linkUnsure') heard.push(`unsure: ${event.reason}`);
    },
    onNetworkChange: () => void heard.push('network'),
    onStillWaiting: () => undefined,
  };
  return { clock, now, heard, uplink: new Uplink(clock, OPTIONS, events, finder) };
}

describe('before there is a link', () => {
  it('is found at the start', async () => {
    const { uplink, heard } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    assert.deepEqual(heard, ['link eth0 100']);
    assert.equal(uplink.waitingFor, undefined);
  });

  it('waits while there is no route, and says so once', async () => {
    const { uplink, heard, clock } = uplinkOf(NO_ROUTE);
    await uplink.start();
    await clock.advance(120_000);
    assert.deepEqual(heard, ['waiting: no route to s3.example']);
    assert.equal(uplink.waitingFor?.message, 'no route to s3.example');
  });

  it('begins within a second of the route that appears', async () => {
    const { uplink, heard, clock, now } = uplinkOf(NO_ROUTE);
    await uplink.start();
    await clock.advance(10_000);
    now.answer = linkOf('eth0');
    now.state = 'a default route';
    await clock.advance(1_000);
    assert.deepEqual(heard.slice(1), ['network', 'link eth0 100']);
    assert.equal(uplink.waitingFor, undefined);
  });

  it('begins within seconds of what no routing table shows', async () => {
    const { uplink, heard, clock, now } = uplinkOf(NO_ROUTE);
    await uplink.start();
    await clock.advance(10_000);
    now.answer = linkOf('eth0');
    await clock.advance(5_000);
    assert.deepEqual(heard.slice(1), ['link eth0 100']);
  });

  it('tells another reason to wait', async () => {
    const { uplink, heard, clock, now } = uplinkOf(NO_ROUTE);
    await uplink.start();
    now.answer = new Fault('transient', 'eth0 has no carrier', { operation: 'find', subject: 'eth0' });
    await clock.advance(10_000);
    assert.deepEqual(heard.slice(1), ['waiting: eth0 has no carrier']);
  });

  it('rejects when only another config helps', async () => {
    const { uplink, heard, clock } = uplinkOf(HOPELESS);
    await assert.rejects(uplink.start(), HOPELESS);
    assert.equal(clock.pending, 0, 'nothing is looked for any more');
    assert.deepEqual(heard, []);
  });

  it('says so when that shows only after the wait', async () => {
    const { uplink, heard, clock, now } = uplinkOf(NO_ROUTE);
    await uplink.start();
    now.answer = HOPELESS;
    await clock.advance(10_000);
    assert.deepEqual(heard.slice(1), ['hopeless: the capacity of veth0 is unknown']);
  });

  it('takes new options while it waits', async () => {
    const { uplink, heard, now } = uplinkOf(NO_ROUTE);
    await uplink.start();
    await uplink.reconfigure({ ...OPTIONS, interface: 'eth1' });
    now.answer = linkOf('eth1');
    await uplink.reconfigure({ ...OPTIONS, interface: 'eth1' });
    assert.deepEqual(heard.slice(1), ['link eth1 100']);
  });
});

describe('once there is a link', () => {
  it('that was a guess, has what failed tried again when the name resolves, and says nothing new', async () => {
    const { uplink, heard, clock, now } = uplinkOf(linkOf('eth0', { isGuess: true }));
    await uplink.start();
    await clock.advance(20_000);
    now.answer = linkOf('eth0');
    await clock.advance(5_000);
    assert.deepEqual(heard, ['link eth0 100', 'network']);
    assert.equal(uplink.identity?.isGuess, false);
  });

  it('follows the route to another interface within two seconds', async () => {
    const { uplink, heard, clock, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    await clock.advance(60_000);
    now.answer = linkOf('wwan0', { capacityBitsPerSec: 5 * MBIT });
    now.state = 'the route moved';
    await clock.advance(2_000);
    assert.deepEqual(heard.slice(1), ['network', 'link wwan0 5']);
  });

  it('does not follow one that is seen only once', async () => {
    const { uplink, heard, clock, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    now.answer = linkOf('eth1');
    now.state = 'flapping';
    await clock.advance(1_000);
    now.answer = linkOf('eth0');
    await clock.advance(60_000);
    assert.deepEqual(heard, ['link eth0 100', 'network']);
  });

  it('takes an interface that was made anew for another one', async () => {
    const { uplink, heard, clock, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    now.answer = linkOf('eth0', { carriers: [{ name: 'eth0', index: 9 }] });
    now.state = 'index 9';
    await clock.advance(2_000);
    assert.equal(heard.at(-1), 'link eth0 100');
    assert.equal(heard.length, 3);
  });

  it('stays while it is not found any more, and says so once, and once when it is found again', async () => {
    const { uplink, heard, clock, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    now.answer = NO_ROUTE;
    now.state = 'no routes';
    await clock.advance(120_000);
    now.answer = linkOf('eth0');
    now.state = 'routes';
    await clock.advance(60_000);
    assert.deepEqual(heard.slice(1), [
      'network',
      'unsure: no route to s3.example',
      'network',
      'unsure: undefined',
    ]);
    assert.equal(uplink.identity?.name, 'eth0');
  });

  it('says nothing of a gap of a moment', async () => {
    const { uplink, heard, clock, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    now.answer = NO_ROUTE;
    now.state = 'no routes';
    await clock.advance(3_000);
    now.answer = linkOf('eth0');
    now.state = 'routes';
    await clock.advance(60_000);
    assert.deepEqual(heard.slice(1), ['network', 'network']);
  });

  it('is looked for seldom while nothing changes', async () => {
    const { uplink, clock, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    await clock.advance(60_000);
    assert.ok(now.found <= 6, `${now.found} times in a minute`);
  });

  it('keeps what it has when new options lead to no link', async () => {
    const { uplink, heard, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    now.answer = NO_ROUTE;
    await assert.rejects(uplink.reconfigure({ ...OPTIONS, interface: 'eth7' }), NO_ROUTE);
    now.answer = HOPELESS;
    await assert.rejects(uplink.reconfigure({ ...OPTIONS, capacity: 'auto' }), HOPELESS);
    assert.deepEqual(heard, ['link eth0 100']);
  });

  it('takes another capacity while the network is away', async () => {
    const { uplink, heard, now } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    now.answer = NO_ROUTE;
    await uplink.reconfigure({ ...OPTIONS, capacity: 20 * MBIT });
    assert.deepEqual(heard.slice(1), ['link eth0 20']);
  });

  it('looks for nothing after stop', async () => {
    const { uplink, clock } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    await clock.advance(10_000);
    uplink.stop();
    assert.equal(clock.pending, 0);
  });
});

describe('a line whose capacity is only assumed', () => {
  /** The number is meant for eth0, and the route has moved to wwan0. */
  async function movedUplink() {
    const parts = uplinkOf(linkOf('eth0'));
    await parts.uplink.start();
    await moveTo(parts, linkOf('wwan0'));
    parts.heard.length = 0;
    return parts;
  }

  async function moveTo({ now, clock }: ReturnType<typeof uplinkOf>, link: UplinkIdentity) {
    now.answer = link;
    now.state = `routes to ${link.name}`;
    await clock.advance(3_000);
  }

  it('is held to what it was seen to take, after a move', async () => {
    const { uplink, heard, clock } = await movedUplink();
    assert.equal(uplink.isAssumed, true);
    uplink.took(5 * MBIT);
    await clock.advance(60_000);
    assert.deepEqual(heard, ['link wwan0 5']);
    assert.equal(uplink.identity?.capacityFrom, 'seen');
    uplink.took(3 * MBIT);
    assert.deepEqual(heard, ['link wwan0 5', 'link wwan0 3']);
  });

  it('has its number again after the way back', async () => {
    const parts = await movedUplink();
    const { uplink, heard } = parts;
    uplink.took(5 * MBIT);
    await moveTo(parts, linkOf('eth0'));
    assert.equal(uplink.isAssumed, false);
    assert.deepEqual(heard, ['link wwan0 5', 'network', 'link eth0 100']);
  });

  it('may have become better after an hour', async () => {
    const { uplink, heard, clock } = await movedUplink();
    uplink.took(5 * MBIT);
    await clock.advance(3_500_000);
    assert.equal(heard.length, 1);
    await clock.advance(200_000);
    assert.deepEqual(heard.slice(1), ['link wwan0 100']);
  });

  it('is what the operator says next', async () => {
    const { uplink, heard, now } = await movedUplink();
    uplink.took(5 * MBIT);
    now.answer = linkOf('wwan0', { capacityBitsPerSec: 20 * MBIT });
    await uplink.reconfigure({ ...OPTIONS, capacity: 20 * MBIT });
    assert.deepEqual(heard, ['link wwan0 5', 'link wwan0 20']);
    uplink.took(5 * MBIT);
    assert.deepEqual(heard.slice(2), []);
  });

  it('is what the operator says next, while the network is away, too', async () => {
    const { uplink, heard, now } = await movedUplink();
    uplink.took(5 * MBIT);
    now.answer = NO_ROUTE;
    await uplink.reconfigure({ ...OPTIONS, capacity: 20 * MBIT });
    assert.deepEqual(heard, ['link wwan0 5', 'link wwan0 20']);
  });

  it('stays what was seen when something else is configured anew', async () => {
    const { uplink, heard } = await movedUplink();
    uplink.took(5 * MBIT);
    await uplink.reconfigure({ ...OPTIONS, endpoint: { host: 's3.example', port: 444 } });
    assert.deepEqual(heard, ['link wwan0 5']);
  });

  it('is one whose card tells no rate, where that of another stays in force', async () => {
    const { uplink, heard } = uplinkOf(linkOf('wwan0', { capacityFrom: 'least known' }));
    await uplink.start();
    uplink.took(5 * MBIT);
    assert.deepEqual(heard, ['link wwan0 100', 'link wwan0 5']);
  });

  it('is never the one that the number was meant for, nor one that takes more than assumed', async () => {
    const { uplink, heard } = uplinkOf(linkOf('eth0'));
    await uplink.start();
    uplink.took(5 * MBIT);
    assert.deepEqual(heard, ['link eth0 100']);
    const moved = await movedUplink();
    moved.uplink.took(200 * MBIT);
    assert.deepEqual(moved.heard, []);
  });
});
