// The link on real interfaces, in network namespaces of its own: which one leads to the endpoint, and what happens when
// it goes away and comes back.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  FAR_ADDRESS,
  FAR_ADDRESS_V6,
  LINK_INTERFACE,
  LinkTestbed,
  missingForTestbed,
} from '../bench/link-testbed.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PATIENCE_MS = 20_000;
const missing = missingForTestbed();

describe('the link', { skip: missing.length === 0 ? false : missing.join(' ') }, () => {
  const testbed = new LinkTestbed();
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-link-'));
  before(() => testbed.start(100));
  after(() => {
    testbed.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const interfaceTowards = (host: string): string => {
    const script = `import { LinkFinder } from '${ROOT}src/link/link-finder.ts';
      const endpoint = { host: '${host}', port: 9000 };
      const link = await new LinkFinder().find({ interface: 'auto', capacity: 1e8, endpoint });
      process.stdout.write(link.name);`;
    return testbed.run('near', process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  };

  for (const host of [FAR_ADDRESS, FAR_ADDRESS_V6])
    test(`is the interface of the route to ${host}`, () => {
      assert.equal(interfaceTowards(host).trim(), LINK_INTERFACE);
    });

  test('is missed when it vanishes, and measured again when it returns', async () => {
    const ip = (...args: string[]) => testbed.run('near', 'ip', args);
    ip('link', 'add', 'uplink0', 'type', 'veth', 'peer', 'name', 'uplink1');
    const config = join(folder, 'halfpipe.yaml');
    const endpoint = `http://${FAR_ADDRESS}:9`;
    writeFileSync(
      config,
      JSON.stringify({
        spool: { path: mkdtempSync(join(folder, 'spool-')) },
        link: { interface: 'uplink0', capacity: '100 Mbit/s' },
        s3: { bucket: 'inbox', endpoint, region: 'us-east-1', forcePathStyle: true },
      }),
    );
    const daemon = testbed.spawn(
      'near',
      process.execPath,
      ['--import', `${ROOT}test/support/typescript.mjs`, `${ROOT}src/main.ts`, 'run', '--config', config],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' },
      },
    );
    let log = '';
    daemon.stdout?.on('data', (chunk) => {
      log += chunk;
    });
    const logged = async (event: string, times = 1) => {
      const count = () => log.split(`"event":"${event}"`).length - 1;
      for (const endMs = performance.now() + PATIENCE_MS; count() < times && performance.now() < endMs; )
        await delay(50);
      assert.equal(count(), times, `${event} in\n${log}`);
    };
    try {
      await logged('ready');
      ip('link', 'del', 'uplink0');
      await logged('degraded');
      ip('link', 'add', 'uplink0', 'type', 'veth', 'peer', 'name', 'uplink1');
      await logged('measured');
    } finally {
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill('SIGTERM');
      await ended;
    }
  });
});
