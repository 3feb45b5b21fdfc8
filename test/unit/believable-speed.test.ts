// Whether a driver's speed is the rate of a line, on the trees of machines of many kinds.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { believableSpeed } from '../../src/link/believable-speed.ts';
import { MachineOnDisk, type RecordedInterface, virtual } from '../support/recorded-machine.ts';

function speedOf(recorded: RecordedInterface) {
  const machine = new MachineOnDisk({ interfaces: { eth0: recorded } });
  try {
    const facts = machine.tree.facts('eth0');
    assert.ok(facts !== undefined);
    return believableSpeed(facts);
  } finally {
    machine.remove();
  }
}

const CARDS: readonly (readonly [string, RecordedInterface, number])[] = [
  ['an Intel card', { driver: 'e1000e', bus: 'pci', board: ['0x17aa', '0x2279'], speed: 1_000 }, 1e9],
  [
    'a server card of 25 Gbit/s',
    { driver: 'mlx5_core', bus: 'pci', board: ['0x15b3', '0x0003'], speed: 25_000 },
    25e9,
  ],
  ['an adapter on USB', { driver: 'r8152', bus: 'usb', speed: 100 }, 100e6],
  [
    'the card of a Raspberry Pi',
    { place: 'platform/scb/fd580000.ethernet/net/eth0', driver: 'bcmgenet', bus: 'platform', speed: 1_000 },
    1e9,
  ],
  [
    'a port of a switch chip',
    { place: 'platform/soc/mdio/net/eth0', type: 'dsa', linkedIndex: 1, speed: 100 },
    100e6,
  ],
];

describe('the speed is believed', () => {
  for (const [what, recorded, bitsPerSec] of CARDS)
    test(`of ${what}`, () => {
      assert.deepEqual(speedOf(recorded), { kind: 'known', bitsPerSec });
    });
});

const MADE_UP: readonly (readonly [string, RecordedInterface])[] = [
  ['vmxnet3 of VMware', { driver: 'vmxnet3', bus: 'pci', board: ['0x15ad', '0x07b0'], speed: 10_000 }],
  [
    'hv_netvsc of Hyper-V and Azure',
    { place: 'VMBUS:00/vmbus_1/net/eth0', driver: 'hv_netvsc', bus: 'vmbus', speed: 40_000 },
  ],
  ['virtio_net that was told a speed', { driver: 'virtio_net', bus: 'virtio', speed: 1_000 }],
  ['the card of Xen', { place: 'vif-0/net/eth0', driver: 'vif', bus: 'xen', speed: 1_000 }],
  ['ena of Amazon', { driver: 'ena', bus: 'pci', board: ['0x1d0f', '0xec20'], speed: 10_000 }],
  ['gve of Google', { driver: 'gve', bus: 'pci', board: ['0x1ae0', '0x0058'], speed: 32_000 }],
  ['mana of Azure', { driver: 'mana', bus: 'pci', speed: 200_000 }],
  ['ibmveth of POWER', { driver: 'ibmveth', bus: 'vio', speed: 1_000 }],
  ['e1000 that QEMU emulates', { driver: 'e1000', bus: 'pci', board: ['0x1af4', '0x1100'], speed: 1_000 }],
  ['e1000e that QEMU emulates', { driver: 'e1000e', bus: 'pci', board: ['0x8086', '0x0000'], speed: 1_000 }],
  ['e1000 that VMware emulates', { driver: 'e1000', bus: 'pci', board: ['0x15ad', '0x0750'], speed: 1_000 }],
  [
    'e1000 that VirtualBox emulates',
    { driver: 'e1000', bus: 'pci', board: ['0x8086', '0x001e'], speed: 1_000 },
  ],
  ['8139cp that QEMU emulates', { driver: '8139cp', bus: 'pci', board: ['0x1af4', '0x1100'], speed: 100 }],
  [
    'a share of a card in a guest',
    { driver: 'ixgbevf', bus: 'pci', board: ['0x8086', '0x7a11'], speed: 10_000 },
  ],
  [
    'a share of a card on its host',
    { driver: 'iavf', bus: 'pci', folders: ['device/physfn'], speed: 25_000 },
  ],
  ['veth', virtual('eth0', { speed: 10_000 })],
  ['tun', virtual('eth0', { hardwareType: 65_534, speed: 10_000 })],
  ['a bridge', virtual('eth0', { type: 'bridge', speed: 10_000 })],
];

describe('the speed is made up, and is never believed', () => {
  for (const [what, recorded] of MADE_UP)
    test(`of ${what}`, () => {
      assert.equal(speedOf(recorded).kind, 'never');
    });
});

const MOMENTARY: readonly (readonly [string, RecordedInterface])[] = [
  ['Wi-Fi', { driver: 'iwlwifi', bus: 'pci', type: 'wlan', folders: ['phy80211'], speed: 866 }],
  ['Wi-Fi of an old driver', { driver: 'rtl8188eu', bus: 'usb', folders: ['wireless'], speed: 72 }],
  ['a modem', { driver: 'qmi_wwan', bus: 'usb', type: 'wwan', speed: 480 }],
  ['a modem that looks like a card', { driver: 'cdc_ether', bus: 'usb', speed: 425 }],
  ['a telephone', { driver: 'rndis_host', bus: 'usb', speed: 425 }],
];

describe('the speed changes all the time, and is never believed', () => {
  for (const [what, recorded] of MOMENTARY)
    test(`of ${what}`, () => {
      assert.equal(speedOf(recorded).kind, 'never');
    });
});

describe('the speed may be known later', () => {
  const card: RecordedInterface = { driver: 'igb', bus: 'pci', board: ['0x8086', '0x00a1'] };
  test('of a card without a cable', () => {
    assert.deepEqual(speedOf({ ...card, carrier: 0, speed: -1 }), {
      kind: 'later',
      why: 'it has no carrier',
    });
  });
  test('of a card whose driver says nothing yet', () => {
    assert.deepEqual(speedOf({ ...card, speed: -1 }), { kind: 'later', why: 'its driver reports no speed' });
    assert.equal(speedOf(card).kind, 'later');
  });
});
