// Which interfaces carry the line, on machines of many kinds: from the device of the route down to the cards.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LinkFinder } from '../../src/link/link-finder.ts';
import type { UplinkIdentity, UplinkOptions } from '../../src/link/uplink-identity.ts';
import { Fault } from '../../src/system/fault.ts';
import { MachineOnDisk, type RecordedMachine, virtual } from '../support/recorded-machine.ts';

const ADDRESS = '203.0.113.7';
const MBIT = 1_000_000;
const CARD = { driver: 'igb', bus: 'pci', speed: 1_000 } as const;
const TAP = virtual('tap', { hardwareType: 1, speed: 10 });
/** What /proc/net/route shows of a default route by way of 10.0.0.1. */
const defaultRoute = (device: string, metric = 0) =>
  `${device}\t00000000\t0100000A\t0003\t0\t0\t${metric}\t00000000\t0\t0\t0`;

type Answer = UplinkIdentity | Fault;

async function find(
  recorded: RecordedMachine,
  options: Partial<UplinkOptions> = {},
  addresses: readonly string[] = [ADDRESS],
  present?: UplinkIdentity,
): Promise<Answer> {
  const machine = new MachineOnDisk(recorded);
  try {
    const finder = new LinkFinder(machine, async () => addresses);
    const endpoint = { host: 's3.example', port: 443 };
    return await finder.find({ interface: 'auto', capacity: 'auto', endpoint, ...options }, present);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  } finally {
    machine.remove();
  }
}

async function found(...args: Parameters<typeof find>): Promise<UplinkIdentity> {
  const answer = await find(...args);
  assert.ok(!(answer instanceof Fault), `${answer}`);
  return answer;
}

/** The default route leads by way of 10.0.0.1 through the device. */
const through = (dev: string) => ({ [ADDRESS]: [{ dst: 'default', gateway: '10.0.0.1', dev, flags: [] }] });

interface Case {
  readonly what: string;
  readonly machine: RecordedMachine;
  readonly carriers: string;
  readonly via?: string;
  readonly capacity?: number;
  readonly says?: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'a card by itself',
    machine: { interfaces: { eth0: CARD }, routes: through('eth0'), links: [{ ifname: 'eth0' }] },
    carriers: 'eth0',
    capacity: 1_000 * MBIT,
  },
  {
    what: 'a bridge with guests: the card among its ports',
    machine: {
      interfaces: {
        eno1: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eno1' },
        vnet0: { ...TAP, place: 'virtual/net/vnet0' },
        br0: virtual('br0', { type: 'bridge', lower: ['eno1', 'vnet0'] }),
      },
      routes: through('br0'),
    },
    carriers: 'eno1',
    via: 'br0',
    capacity: 1_000 * MBIT,
  },
  {
    what: 'a bridge of two cards: the port behind which the gateway was heard',
    machine: {
      interfaces: {
        eno1: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eno1' },
        eno2: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eno2' },
        br0: virtual('br0', { type: 'bridge', lower: ['eno1', 'eno2'] }),
      },
      routes: through('br0'),
      ports: { 'br0 10.0.0.1': 'eno2' },
    },
    carriers: 'eno2',
    via: 'br0',
  },
  {
    what: 'a bridge of two cards whose gateway was not heard yet: their sum',
    machine: {
      interfaces: {
        eno1: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eno1' },
        eno2: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eno2' },
        br0: virtual('br0', { type: 'bridge', lower: ['eno1', 'eno2'] }),
      },
      routes: through('br0'),
    },
    carriers: 'eno1 eno2',
    via: 'br0',
  },
  {
    what: 'a VLAN of a bond below a bridge, as Proxmox has it',
    machine: {
      interfaces: {
        eno1: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eno1' },
        eno2: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eno2' },
        bond0: virtual('bond0', { type: 'bond', lower: ['eno1', 'eno2'], speed: 2_000 }),
        'bond0.7': virtual('bond0.7', { type: 'vlan', lower: ['bond0'], linkedIndex: 4 }),
        tap100i0: { ...TAP, place: 'virtual/net/tap100i0' },
        vmbr0: virtual('vmbr0', { type: 'bridge', lower: ['bond0.7', 'tap100i0'] }),
      },
      routes: through('vmbr0'),
    },
    carriers: 'eno1 eno2',
    via: 'vmbr0',
    capacity: 2_000 * MBIT,
  },
  {
    what: 'a bond of which one card sends at a time: the rate of one',
    machine: {
      interfaces: {
        eno1: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eno1' },
        eno2: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eno2' },
        bond0: virtual('bond0', { type: 'bond', lower: ['eno1', 'eno2'], speed: 1_000 }),
      },
      routes: through('bond0'),
    },
    carriers: 'eno1 eno2',
    via: 'bond0',
    capacity: 1_000 * MBIT,
  },
  {
    what: 'macvlan: the card below it',
    machine: {
      interfaces: { eth0: CARD, mac0: virtual('mac0', { type: 'macvlan', lower: ['eth0'], linkedIndex: 2 }) },
      routes: through('mac0'),
    },
    carriers: 'eth0',
    via: 'mac0',
  },
  {
    what: 'WireGuard for everything, by a policy rule: the card of the main default route',
    machine: {
      interfaces: {
        wlp4s0: CARD,
        wg0: virtual('wg0', { type: 'wireguard', hardwareType: 65_534, mtu: 1_420 }),
      },
      routes: { [ADDRESS]: [{ dst: 'default', dev: 'wg0', table: '51820', flags: [] }] },
      links: [{ ifname: 'wg0', linkinfo: { info_kind: 'wireguard' } }],
      table: [defaultRoute('wlp4s0', 600)],
    },
    carriers: 'wlp4s0',
    via: 'wg0',
  },
  {
    what: 'OpenVPN that has halved the default route',
    machine: {
      interfaces: { eth0: CARD, tun0: virtual('tun0', { hardwareType: 65_534 }) },
      routes: { [ADDRESS]: [{ dst: '128.0.0.0/1', gateway: '10.8.0.1', dev: 'tun0', flags: [] }] },
      links: [{ ifname: 'tun0', linkinfo: { info_kind: 'tun', info_data: { type: 'tun' } } }],
      table: [
        'tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0',
        defaultRoute('eth0'),
        'tun0\t00000080\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0',
      ],
    },
    carriers: 'eth0',
    via: 'tun0',
  },
  {
    what: 'OpenVPN that has replaced the default route: the card of the route to its server',
    machine: {
      interfaces: { eth0: CARD, tun0: virtual('tun0', { hardwareType: 65_534 }) },
      routes: through('tun0'),
      table: [
        'tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
        'eth0\t0A0200C0\t0100000A\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
      ],
    },
    carriers: 'eth0',
    via: 'tun0',
  },
  {
    what: 'a tunnel whose other end is known: the card of the route to that end',
    machine: {
      interfaces: {
        eth0: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eth0' },
        eth1: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eth1' },
        gre1: virtual('gre1', { hardwareType: 778 }),
      },
      routes: { ...through('gre1'), '198.51.100.9': [{ dst: '198.51.100.0/24', dev: 'eth1', flags: [] }] },
      links: [
        {
          ifname: 'gre1',
          linkinfo: { info_kind: 'gre', info_data: { remote: '198.51.100.9', local: 'any' } },
        },
      ],
      table: [defaultRoute('eth0')],
    },
    carriers: 'eth1',
    via: 'gre1',
  },
  {
    what: 'vxlan that is bound to a VLAN',
    machine: {
      interfaces: {
        eth0: CARD,
        'eth0.5': virtual('eth0.5', { type: 'vlan', lower: ['eth0'], linkedIndex: 2 }),
        vx0: virtual('vx0', { type: 'vxlan', lower: ['eth0.5'], linkedIndex: 3 }),
      },
      routes: through('vx0'),
    },
    carriers: 'eth0',
    via: 'vx0',
  },
  {
    what: 'PPPoE: the card below its VLAN',
    machine: {
      interfaces: {
        eth0: CARD,
        'eth0.7': virtual('eth0.7', { type: 'vlan', lower: ['eth0'], linkedIndex: 2 }),
        ppp0: virtual('ppp0', { type: 'ppp', hardwareType: 512, mtu: 1_492 }),
      },
      routes: { [ADDRESS]: [{ dst: 'default', dev: 'ppp0', flags: [] }] },
      pppoe: ['eth0.7'],
    },
    carriers: 'eth0',
    via: 'ppp0',
  },
  {
    what: 'two routes of equal cost: their sum, and a word about it',
    machine: {
      interfaces: {
        eth0: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eth0' },
        eth1: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eth1', speed: 100 },
      },
      routes: {
        [ADDRESS]: [
          {
            dst: 'default',
            nexthops: [
              { gateway: '10.0.0.1', dev: 'eth0' },
              { gateway: '10.1.0.1', dev: 'eth1' },
            ],
          },
        ],
      },
    },
    carriers: 'eth0 eth1',
    capacity: 200 * MBIT,
    says: /more than one interface: the sum of eth0 and eth1/,
  },
  {
    what: 'an anycast source address on loopback: the device of the route',
    machine: {
      interfaces: { lo: virtual('lo', { hardwareType: 772 }), eth0: CARD },
      routes: {
        [ADDRESS]: [
          { dst: 'default', gateway: '169.254.0.1', dev: 'eth0', prefsrc: '192.0.2.1', flags: ['onlink'] },
        ],
      },
    },
    carriers: 'eth0',
  },
  {
    what: 'an IPv4 route by way of an IPv6 router',
    machine: {
      interfaces: { eth0: CARD },
      routes: {
        [ADDRESS]: [{ dst: 'default', via: { family: 'inet6', host: 'fe80::1' }, dev: 'eth0', flags: [] }],
      },
    },
    carriers: 'eth0',
  },
];

describe('what carries the line', () => {
  for (const { what, machine, carriers, via, capacity, says } of CASES)
    test(what, async () => {
      const link = await found(machine);
      assert.equal(link.carriers.map(({ name }) => name).join(' '), carriers);
      assert.equal(link.via, via);
      if (capacity !== undefined) assert.equal(link.capacityBitsPerSec, capacity);
      assert.match(link.warnings.join('\n'), says ?? /^$/);
    });
});

describe('what cannot be seen is said', () => {
  const blind = { capacity: 100 * MBIT };

  test('in a container: the traffic of the host', async () => {
    const eth0 = virtual('eth0', { linkedIndex: 17, speed: 10_000 });
    for (const links of [undefined, [{ ifname: 'eth0', link_netnsid: 0, linkinfo: { info_kind: 'veth' } }]]) {
      const machine = {
        interfaces: { eth0 },
        routes: through('eth0'),
        ...(links === undefined ? {} : { links }),
      };
      const { warnings, name } = await found(machine, blind);
      assert.equal(name, 'eth0');
      assert.match(warnings.join(), /the host and of other containers is not seen: use host networking/);
    }
  });

  test('in a container whose veth has the number of its other end', async () => {
    const links = [{ ifname: 'eth0', link_netnsid: 0, linkinfo: { info_kind: 'veth' } }];
    const { warnings } = await found(
      { interfaces: { eth0: virtual('eth0') }, routes: through('eth0'), links },
      blind,
    );
    assert.match(warnings.join(), /use host networking/);
  });

  test('an endpoint on this machine', async () => {
    const lo = virtual('lo', { hardwareType: 772 });
    const local = { type: 'local', dst: ADDRESS, dev: 'eth0' };
    for (const answer of [{ ...local, dev: 'lo' }, local]) {
      const link = await found({ interfaces: { lo, eth0: CARD }, routes: { [ADDRESS]: [answer] } }, blind);
      assert.equal(link.name, 'lo');
      assert.match(link.warnings.join(), /set link\.interface to the card that leads out/);
    }
  });

  test('a tunnel whose card is not found', async () => {
    const tun0 = virtual('tun0', { hardwareType: 65_534 });
    const { warnings } = await found({ interfaces: { tun0 }, routes: through('tun0') }, blind);
    assert.match(warnings.join(), /tun0 is a tunnel.*set link\.interface to it/);
  });

  test('a gateway that is a guest of this machine', async () => {
    const interfaces = {
      tap0: { ...TAP, place: 'virtual/net/tap0' },
      tap1: { ...TAP, place: 'virtual/net/tap1' },
      br0: virtual('br0', { type: 'bridge', lower: ['tap0', 'tap1'] }),
    };
    const links = ['tap0', 'tap1'].map((ifname) => ({ ifname, linkinfo: { info_kind: 'tun' } }));
    const machine = { interfaces, links, routes: through('br0'), ports: { 'br0 10.0.0.1': 'tap1' } };
    const { name, warnings } = await found(machine, blind);
    assert.equal(name, 'tap1');
    assert.match(warnings.join(), /through tap1, a guest of this machine/);
  });

  const bridged: RecordedMachine = {
    interfaces: { eth0: CARD, br0: virtual('br0', { type: 'bridge', lower: ['eth0'] }) },
    routes: through('br0'),
  };
  test('a bridge that link.interface names: advises the port', async () => {
    const { name, warnings } = await found(bridged, { ...blind, interface: 'br0' });
    assert.equal(name, 'br0');
    assert.match(warnings.join(), /set link\.interface to eth0, or to auto/);
  });

  test('nothing against the port of a bridge that link.interface names', async () => {
    const { name, warnings } = await found(bridged, { ...blind, interface: 'eth0' });
    assert.deepEqual([name, warnings], ['eth0', []]);
  });
});

describe('what is not known yet', () => {
  const card = { ...CARD, carrier: 0, speed: -1 } as const;

  test('no route', async () => {
    const answer = await find({ interfaces: { eth0: CARD }, routes: {} });
    assert.ok(answer instanceof Fault && answer.code === 'NO_ROUTE', `${answer}`);
  });

  test('a route that forbids', async () => {
    const answer = await find({
      interfaces: { eth0: CARD },
      routes: { [ADDRESS]: [{ type: 'unreachable', dst: 'default', dev: 'lo' }] },
    });
    assert.ok(answer instanceof Fault && answer.code === 'NO_ROUTE', `${answer}`);
  });

  test('an interface that is not there', async () => {
    const answer = await find({ interfaces: { eth0: CARD } }, { interface: 'ppp0' });
    assert.match(`${answer}`, /network interface ppp0 does not exist/);
    assert.ok(answer instanceof Fault && answer.code !== 'CAPACITY_UNKNOWN');
  });

  test('the speed of a card without a cable', async () => {
    const answer = await find({ interfaces: { eth0: card } }, { interface: 'eth0' });
    assert.match(`${answer}`, /the capacity of eth0 is unknown: it has no carrier/);
    assert.ok(answer instanceof Fault && answer.code !== 'CAPACITY_UNKNOWN');
  });

  test('keeps the capacity of a card whose cable is pulled', async () => {
    const before = await found({ interfaces: { eth0: CARD } }, { interface: 'eth0' });
    const after = await found({ interfaces: { eth0: card } }, { interface: 'eth0' }, [], before);
    assert.deepEqual(after, before);
  });

  test('a name that does not resolve: a guess by the default route, until there is a link', async () => {
    const machine = { interfaces: { eth0: CARD }, table: [defaultRoute('eth0')] };
    const guess = await found(machine, {}, []);
    assert.deepEqual([guess.name, guess.isGuess], ['eth0', true]);
    const present = { ...guess, isGuess: false };
    assert.equal(await find({ interfaces: { eth0: CARD } }, {}, [], present), present);
  });
});

describe('a capacity that only the config can tell', () => {
  test('of a virtual card: names the key', async () => {
    const answer = await find({
      interfaces: { eth0: { driver: 'vmxnet3', bus: 'pci', speed: 10_000 } },
      routes: through('eth0'),
    });
    assert.ok(answer instanceof Fault && answer.code === 'CAPACITY_UNKNOWN');
    assert.match(answer.hint ?? '', /link\.capacity/);
  });

  test('of an interface that the route moves to: stays what was known, with a warning', async () => {
    const interfaces = {
      eth0: CARD,
      wwan0: { place: 'pci0000:00/usb1/net/wwan0', driver: 'qmi_wwan', bus: 'usb', type: 'wwan' },
    };
    const before = await found({ interfaces, routes: through('eth0') });
    const after = await found({ interfaces, routes: through('wwan0') }, {}, [ADDRESS], before);
    assert.deepEqual(
      [after.name, after.capacityBitsPerSec, after.capacityFrom],
      ['wwan0', 1_000 * MBIT, 'least known'],
    );
    assert.match(after.warnings.join(), /the capacity of wwan0 is unknown.*set link\.capacity/);
  });
});

describe('a capacity for each interface', () => {
  const interfaces = {
    eth0: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eth0' },
    eth1: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eth1' },
    br0: virtual('br0', { type: 'bridge', lower: ['eth0'] }),
  };
  const capacity = { eth0: 100 * MBIT, wwan0: 5 * MBIT };

  test('is that of the interface', async () => {
    const { capacityBitsPerSec, warnings } = await found(
      { interfaces, routes: through('eth0') },
      { capacity },
    );
    assert.deepEqual([capacityBitsPerSec, warnings], [100 * MBIT, []]);
  });

  test('may name the device of the route as well as the card below', async () => {
    for (const named of [{ br0: 50 * MBIT }, { eth0: 50 * MBIT }]) {
      const { capacityBitsPerSec } = await found({ interfaces, routes: through('br0') }, { capacity: named });
      assert.equal(capacityBitsPerSec, 50 * MBIT);
    }
  });

  test('is the least one where an interface has none, with a warning', async () => {
    const { capacityBitsPerSec, warnings } = await found(
      { interfaces, routes: through('eth1') },
      { capacity },
    );
    assert.equal(capacityBitsPerSec, 5 * MBIT);
    assert.match(warnings.join(), /no rate for eth1: the smallest rate, 5 Mbit\/s, is used: add eth1/);
  });

  test('of two side by side is twice the lesser', async () => {
    const nexthops = [
      { gateway: '10.0.0.1', dev: 'eth0' },
      { gateway: '10.1.0.1', dev: 'eth1' },
    ];
    const routes = { [ADDRESS]: [{ dst: 'default', nexthops }] };
    const { capacityBitsPerSec } = await found(
      { interfaces, routes },
      { capacity: { eth0: 100 * MBIT, eth1: 20 * MBIT } },
    );
    assert.equal(capacityBitsPerSec, 40 * MBIT);
  });
});
