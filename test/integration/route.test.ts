import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { driverSpeed, readInterfaceIndex, readTxBytes } from '../../src/link/network-interface.ts';
import { interfaceTowards } from '../../src/link/route.ts';
import { Fault } from '../../src/system/fault.ts';

const loopback =
  Object.entries(networkInterfaces()).find(([, all]) => all?.some(({ internal }) => internal))?.[0] ?? 'lo';
const outward = Object.entries(networkInterfaces()).flatMap(([name, all]) =>
  (all ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => ({ name, address })),
);

describe('the route to the endpoint', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost'])
    it(`is loopback for ${host}`, async () => {
      assert.equal(await interfaceTowards({ host, port: 9 }), loopback);
    });

  it('is loopback for IPv6 addresses of our own', { skip: hasIpv6() ? false : 'no IPv6 here' }, async () => {
    assert.equal(await interfaceTowards({ host: '::1', port: 9 }), loopback);
  });

  it('is loopback for an address of one of our own cards', {
    skip: outward.length === 0 ? 'no card' : false,
  }, async () => {
    assert.equal(await interfaceTowards({ host: outward[0]?.address ?? '', port: 9 }), loopback);
  });

  it('stays where it was while the name does not resolve', async () => {
    assert.equal(await interfaceTowards({ host: 'no-such-host.invalid', port: 9 }, 'ppp0'), 'ppp0');
  });
});

describe('an interface as the kernel shows it', () => {
  it('counts what it sends', async () => {
    const before = readTxBytes(loopback);
    const socket = createSocket('udp4');
    await new Promise((sent) => socket.send(Buffer.alloc(1_000), 9, '127.0.0.1', sent));
    socket.close();
    assert.ok(readTxBytes(loopback) >= before + 1_000);
  });

  it('has an index, and a Fault for one that does not exist', () => {
    assert.ok(readInterfaceIndex(loopback) >= 1);
    assert.throws(
      () => readInterfaceIndex('no-such-if'),
      (error) => error instanceof Fault && /no-such-if does not exist/.test(error.message),
    );
  });

  it('has no speed worth believing when it is virtual', async () => {
    assert.equal(await driverSpeed(loopback), undefined);
    assert.equal(await driverSpeed('no-such-if'), undefined);
  });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
}
