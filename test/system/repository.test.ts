// The apt repository that `npm run repository` makes, used as the manual says, on machines that know nothing but it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { BootedMachine, cannotBoot } from '../support/booted-machine.ts';
import { certificateFor } from '../support/certificate.ts';
import { cannotMakeRoot, debianRoot } from '../support/debian-root.ts';
import { buildPackage } from '../support/installed-halfpipe.ts';

const [OLD, NEW, TAMPERED] = ['98.0.1', '98.0.2', '98.0.3'];
const HOST = 'packages.example';
/** What apt says of a signature, whatever program it checks it with. */
const REFUSED = /The repository is not updated and the previous index files will be used/;

/** What the manual tells the operator of a machine to type. */
function installation(): string {
  const page = readFileSync('config/OPERATING.md', 'utf8');
  const [, block = ''] = /```sh\n([^`]*halfpipe\.sources[^`]*)```/.exec(page) ?? [];
  assert.match(block, new RegExp(`https://${HOST}/`));
  return block;
}

const skip =
  cannotBoot() || cannotMakeRoot() || (spawnSync('apt-ftparchive').error && 'apt-utils are not installed');

describe('the apt repository', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-repository-'));
  const root = join(folder, 'halfpipe');
  const packages = join(folder, 'packages');
  const gnupg = join(folder, 'gnupg');

  /** Publishes the packages of these versions. */
  function publish(versions: readonly string[], ...options: readonly string[]): string {
    const offered = mkdtempSync(join(folder, 'offered-'));
    for (const version of versions)
      execFileSync('sh', ['-c', `ln ${packages}/halfpipe_${version}_*.deb ${offered}`]);
    const script = [
      '--import',
      'tsx',
      'systemd/debian/repository.ts',
      '--packages',
      offered,
      '--output',
      root,
    ];
    return execFileSync(process.execPath, [...script, ...options], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, GNUPGHOME: gnupg, HALFPIPE_SIGNING_KEY: 'publisher@example.org' },
    });
  }

  function makeKey(address: string): void {
    execFileSync(
      'gpg',
      ['--homedir', gnupg, '--batch', '--passphrase', '', '--quick-gen-key', address, 'ed25519'],
      {
        stdio: 'pipe',
      },
    );
  }

  before(() => {
    mkdirSync(gnupg, { mode: 0o700 });
    for (const address of ['publisher@example.org', 'stranger@example.org']) makeKey(address);
    for (const version of [OLD, NEW, TAMPERED]) buildPackage(version, packages);
    buildPackage(OLD, packages, 'arm64');
  });

  after(() => {
    spawnSync('gpgconf', ['--homedir', gnupg, '--kill', 'all']);
    rmSync(folder, { recursive: true });
  });

  /** A machine that finds the repository at https://packages.example/halfpipe, and nothing else. */
  async function machineWith(release: 12 | 13, t: TestContext): Promise<BootedMachine> {
    const machine = await BootedMachine.boot(debianRoot(release, ['curl']));
    t.after(() => machine.destroy());
    const { key, cert, file } = certificateFor(t, [HOST]);
    const server = createServer({ key, cert }, ({ url = '' }, response) => {
      const path = join(folder, decodeURIComponent(url));
      if (!existsSync(path)) response.writeHead(404).end();
      else response.end(readFileSync(path));
    });
    server.listen(443, machine.hostAddress);
    await once(server, 'listening');
    t.after(() => server.close() && server.closeAllConnections());
    appendFileSync(machine.path('etc/hosts'), `${machine.hostAddress} ${HOST}\n`);
    appendFileSync(machine.path('etc/ssl/certs/ca-certificates.crt'), readFileSync(file));
    await machine.must('rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*');
    return machine;
  }

  for (const release of [12, 13] as const)
    test(`installs and upgrades halfpipe on a fresh Debian ${release}, and nothing that was tampered with`, async (t) => {
      rmSync(root, { recursive: true, force: true });
      publish([OLD]);
      const machine = await machineWith(release, t);
      const version = () => machine.must('halfpipe --version');
      await machine.must(installation());
      assert.equal(await version(), `halfpipe ${OLD}`);
      publish([NEW]);
      await machine.must('apt-get update && apt-get upgrade -y');
      assert.equal(await version(), `halfpipe ${NEW}`);
      // The older one stays, for the way back.
      const policy = await machine.must('apt-cache policy halfpipe');
      assert.ok(policy.includes(` ${OLD} `) && policy.includes(` ${NEW} `), policy);

      publish([TAMPERED]);
      const deb = join(root, `pool/main/h/halfpipe/halfpipe_${TAMPERED}_amd64.deb`);
      const bytes = readFileSync(deb);
      bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      rmSync(deb);
      writeFileSync(deb, bytes);
      const upgrade = await machine.run('apt-get update && apt-get upgrade -y');
      assert.notEqual(upgrade.status, 0);
      assert.match(upgrade.output, /Hash Sum mismatch/);
      assert.equal(await version(), `halfpipe ${NEW}`);

      const index = join(root, 'dists/stable/InRelease');
      writeFileSync(index, readFileSync(index, 'utf8').replace('Suite: stable', 'Suite: stablE'));
      assert.match((await machine.run('apt-get update')).output, REFUSED);
      publish([OLD], '--key', 'stranger@example.org');
      assert.match((await machine.run('apt-get update')).output, REFUSED);
    });

  test('has indexes for both architectures, by hash as well, and an end when one is asked for', () => {
    rmSync(root, { recursive: true, force: true });
    publish([OLD], '--valid-days', '30');
    const release = readFileSync(join(root, 'dists/stable/Release'), 'utf8');
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(release)?.[1] ?? '';
    assert.equal(Date.parse(field('Valid-Until')) - Date.parse(field('Date')), 30 * 86_400_000);
    for (const architecture of ['amd64', 'arm64']) {
      const listed = readFileSync(join(root, `dists/stable/main/binary-${architecture}/Packages`), 'utf8');
      assert.match(listed, new RegExp(`^Filename: .*_${architecture}\\.deb$`, 'm'));
      const line = new RegExp(`^ ([0-9a-f]{64}) +\\d+ main/binary-${architecture}/Packages\\.xz$`, 'm');
      const [, digest = ''] = line.exec(release) ?? [];
      assert.ok(existsSync(join(root, `dists/stable/main/binary-${architecture}/by-hash/SHA256/${digest}`)));
    }
  });

  test('never takes other bytes for what is published, and signs with no key but a known one', () => {
    rmSync(root, { recursive: true, force: true });
    publish([OLD]);
    const deb = join(packages, `halfpipe_${OLD}_arm64.deb`);
    const bytes = readFileSync(deb);
    rmSync(deb);
    writeFileSync(deb, Buffer.concat([bytes, Buffer.from('\n')]));
    assert.throws(() => publish([OLD]), /_arm64\.deb is published with other bytes/);
    assert.throws(() => publish([NEW], '--key', 'nobody@example.org'), /No secret key/);
  });
});
