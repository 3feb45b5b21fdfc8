// The link as it is found on the machine that runs the test.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Kernel } from '../../src/link/kernel.ts';
import { LinkFinder } from '../../src/link/link-finder.ts';
import { readCount } from '../../src/link/uplink-meter.ts';

const loopback =
  Object.entries(networkInterfaces()).find(([, all]) => all?.some(({ internal }) => internal))?.[0] ?? 'lo';
const outward = Object.entries(networkInterfaces()).flatMap(([name, all]) =>
  (all ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => ({ name, address })),
);

const linkTowards = (host: string) =>
  new LinkFinder().find({ interface: 'auto', capacity: 1e6, endpoint: { host, port: 9 } });

describe('the link to the endpoint', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost'])
    it(`is loopback for ${host}, with a warning`, async () => {
      const { name, warnings } = await linkTowards(host);
      assert.equal(name, loopback);
      assert.match(warnings.join(), /set link\.interface to the card that leads out/);
    });

  it('is loopback for IPv6 addresses of our own', { skip: hasIpv6() ? false : 'no IPv6 here' }, async () => {
    assert.equal((await linkTowards('::1')).name, loopback);
  });

  it('is loopback for an address of one of our own cards', {
    skip: outward.length === 0 ? 'no card' : false,
  }, async () => {
    assert.equal((await linkTowards(outward[0]?.address ?? '')).name, loopback);
  });
});

describe('an ip(8) that does not work here', () => {
  for (const [what, script] of [
    ['ends without a word, as in a sandbox', 'exit 1'],
    ['knows no JSON', 'echo "Option \\"-j\\" is unknown, try \\"ip -help\\"." >&2; exit 255'],
    ['is another program', 'echo usage: ip FILE'],
  ] as const)
    it(`is no answer when it ${what}: another is asked, and the kernel's tables`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'halfpipe-ip-'));
      const { PATH } = process.env;
      t.after(() => {
        process.env.PATH = PATH;
        rmSync(folder, { recursive: true });
      });
      writeFileSync(join(folder, 'ip'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      process.env.PATH = folder;
      const hops = await new Kernel().routesTo('127.0.0.1');
      assert.deepEqual(
        hops.map(({ device }) => device),
        ['lo'],
      );
    });
});

describe('an interface as the kernel shows it', () => {
  it('counts what it sends', async () => {
    const before = readCount(loopback);
    const socket = createSocket('udp4');
    await new Promise((sent) => socket.send(Buffer.alloc(1_000), 9, '127.0.0.1', sent));
    socket.close();
    const after = readCount(loopback);
    assert.ok(after.bytes >= before.bytes + 1_000 && after.packets > before.packets);
  });

  it('has an index, and is undefined when it does not exist', () => {
    const { tree } = new Kernel();
    assert.ok((tree.facts(loopback)?.index ?? 0) >= 1);
    assert.equal(tree.facts('no-such-if'), undefined);
  });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
}
