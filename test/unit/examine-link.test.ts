// What `halfpipe check` says of an interface that link.interface names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findElsewhere } from '../../src/commands/examine-link.ts';
import { LinkFinder } from '../../src/link/link-finder.ts';
import { MachineOnDisk, virtual } from '../support/recorded-machine.ts';

const ADDRESS = '203.0.113.7';
const CARD = { driver: 'igb', bus: 'pci', speed: 1_000 } as const;

async function adviceFor(wanted: string, dev: string, isLocal = false): Promise<string | undefined> {
  const machine = new MachineOnDisk({
    interfaces: {
      lo: virtual('lo', { hardwareType: 772 }),
      eth0: { ...CARD, place: 'pci0000:00/0000:00:1f.6/net/eth0' },
      eth1: { ...CARD, place: 'pci0000:00/0000:00:1f.7/net/eth1' },
      br0: virtual('br0', { type: 'bridge', lower: ['eth0'] }),
    },
    routes: { [ADDRESS]: [isLocal ? { type: 'local', dst: ADDRESS, dev } : { dst: 'default', dev }] },
  });
  try {
    const finder = new LinkFinder(machine, async () => [ADDRESS]);
    const endpoint = { host: 's3.example', port: 443 };
    const options = { interface: wanted, capacity: 1e8, endpoint };
    return await findElsewhere(await finder.find(options), options, finder);
  } finally {
    machine.remove();
  }
}

test('warns of an interface that does not lead to the endpoint, and names the one that does', async () => {
  assert.equal(
    await adviceFor('eth1', 'eth0'),
    'the route to s3.example leads through eth0: set link.interface to eth0, or to auto',
  );
});

test('never advises from the port of a bridge to the bridge', async () => {
  assert.equal(await adviceFor('eth0', 'br0'), undefined);
});

test('says nothing against a card when the endpoint is on this machine', async () => {
  assert.equal(await adviceFor('eth0', 'lo', true), undefined);
});
