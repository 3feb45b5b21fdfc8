// Routing tables as /proc/net shows them: taken from a machine with two cards and a tunnel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRoutes, routesBeside, routesTo } from '../../src/link/route-tables.ts';

const IPV4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
tun0\t0000080A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
*\t0000FEA9\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0
`;
const IPV6 = `fd770000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo
`;
const routes = parseRoutes(IPV4, IPV6);

for (const [address, devices] of [
  ['203.0.113.7', 'eth0'],
  ['192.168.2.77', 'eth0'],
  ['10.8.99.1', 'tun0'],
  ['fd77::9', 'eth0'],
  ['2001:db8::1', 'eth0'],
  ['::1', 'lo'],
  ['::ffff:10.8.0.1', 'eth0'],
] as const)
  test(`the way to ${address} is ${devices}`, () => {
    assert.equal(
      routesTo(address, routes)
        .map(({ device }) => device)
        .join(' '),
      devices,
    );
  });

test('knows the gateways', () => {
  assert.equal(routesTo('203.0.113.7', routes)[0]?.gateway, '192.168.2.1');
  assert.equal(routesTo('2001:db8::1', routes)[0]?.gateway, 'fe80:0000:0000:0000:0000:0000:0000:0001');
});

test('without a route there is none', () => {
  assert.deepEqual(routesTo('203.0.113.7', parseRoutes('', '')), []);
});

test('beside a device the default route is the best other one', () => {
  assert.deepEqual(
    routesBeside('eth0', routes).map(({ device }) => device),
    ['wlan0'],
  );
  assert.deepEqual(
    routesBeside('tun0', routes).map(({ device }) => device),
    ['eth0'],
  );
});

test('leaves out a line that was cut short', () => {
  assert.equal(
    parseRoutes(IPV4.slice(0, -60), '').some(({ device }) => device === 'tun0'),
    false,
  );
});
