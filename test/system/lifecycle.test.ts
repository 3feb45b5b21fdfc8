// The package's life on fresh Debian systems under a real systemd, from the installation of 0.1.0 to the purge. What becomes
// of each file of the configuration is in package-config.test.ts.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { cannotBoot } from '../support/booted-machine.ts';
import { cannotMakeRoot, type DebianRelease, debianRoot, FreshRoot } from '../support/debian-root.ts';
import { buildPackage, InstalledHalfpipe, SPOOL } from '../support/installed-halfpipe.ts';
import { KEPT_FOLDERS } from '../support/kept-folder.ts';
import { RepackedPackage } from '../support/repacked-package.ts';

/** Of the first, dpkg looks after the configuration, as it did then. */
const [OLD, NEW, NEWER] = ['0.1.0', '99.0.1', '99.0.2'];
const REPOSITORY = '/srv/packages';
const MIB = 1024 ** 2;
const LARGE_BYTES = 160 * MIB;
/** As src/store sends them: four parts at once, of 8 MiB each. */
const PARTS_UNDER_WAY_BYTES = 4 * 8 * MIB;

const packages = mkdtempSync(join(tmpdir(), 'halfpipe-packages-'));
const fileOf = (version: string) => `halfpipe_${version}_amd64.deb`;

/** What the manual tells to write for unattended upgrades, and where to. */
function unattended(): { readonly line: string; readonly file: string } {
  const page = readFileSync('config/OPERATING.md', 'utf8');
  const [, line, file] = /`(Unattended-Upgrade::[^`]*)` to `([^`]*)`/.exec(page) ?? [];
  assert.ok(line && file, 'the manual has changed');
  return { line, file };
}

const skip =
  cannotBoot() || cannotMakeRoot() || (spawnSync('apt-ftparchive').error && 'apt-utils are not installed');

describe('the package', { skip }, () => {
  before(() => {
    const built = buildPackage(NEW, join(packages, 'built'));
    const tree = RepackedPackage.unpack(built, join(packages, 'tree'));
    for (const version of [NEW, NEWER]) tree.pack(version, packages);
    tree.makeConffiles().pack(OLD, packages);
  });
  after(() => rmSync(packages, { recursive: true }));

  for (const release of [12, 13] as const) {
    describe(`on Debian ${release}, in the order of its life`, () => live(release));
    describe(`in an image of Debian ${release}`, () => bootImage(release));
  }
});

/** Tells the matrix: a line for each step, with what it took. */
function tellSteps(release: DebianRelease): void {
  let begunMs = 0;
  beforeEach(() => {
    begunMs = performance.now();
  });
  afterEach((step) => {
    if (!('diagnostic' in step)) return;
    const isOk = 'passed' in step && step.passed === true;
    const tookSeconds = ((performance.now() - begunMs) / 1000).toFixed(1);
    step.diagnostic(`Debian ${release}: ${step.name}: ${isOk ? 'ok' : 'failed'}, ${tookSeconds} s`);
  });
}

function live(release: DebianRelease): void {
  let halfpipe: InstalledHalfpipe;
  const must = (script: string) => halfpipe.machine.must(script);
  const apt = (command: string) => must(`DEBIAN_FRONTEND=noninteractive apt-get -q -y ${command} </dev/null`);
  const configuration = () => must('cd /etc/halfpipe && sha256sum halfpipe.yaml aws-credentials');
  let configured = '';
  let drops = 0;

  tellSteps(release);

  before(async () => {
    halfpipe = await InstalledHalfpipe.prepare([], debianRoot(release, ['unattended-upgrades']));
    await must(`rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* && mkdir ${REPOSITORY}
      echo 'deb [trusted=yes] file:${REPOSITORY} ./' >/etc/apt/sources.list.d/packages.list`);
  });
  after(() => halfpipe?.end());

  /** Adds a version to the repository, and lets apt know. */
  async function publish(version: string): Promise<void> {
    const cwd = halfpipe.machine.path(REPOSITORY);
    copyFileSync(join(packages, fileOf(version)), join(cwd, fileOf(version)));
    writeFileSync(
      join(cwd, 'Packages'),
      execFileSync('apt-ftparchive', ['packages', '.'], { cwd, stdio: 'pipe' }),
    );
    const origin = ['-o', 'APT::FTPArchive::Release::Origin=halfpipe'];
    writeFileSync(join(cwd, 'Release'), execFileSync('apt-ftparchive', [...origin, 'release', '.'], { cwd }));
    await apt('update');
  }

  async function drains(): Promise<void> {
    drops += 1;
    halfpipe.drop(`drop-${drops}`, 3, 100_000);
    await halfpipe.drained(`drop-${drops}`, 3);
  }

  /** The service runs in this version, with the configuration as it was. */
  async function goesOnWith(version: string): Promise<void> {
    assert.equal(await must(`dpkg-query -W -f '\${Version}' halfpipe`), version);
    assert.equal(await halfpipe.show('ActiveState'), 'active');
    const runs = `"version": "${version}"`;
    await halfpipe.until(`${version} to run`, async () =>
      (await must('halfpipe status --json')).includes(runs),
    );
    assert.equal(await configuration(), configured);
    assert.equal(await must('find /etc/halfpipe -name "*.dpkg-*"'), '');
    assert.equal(await must('dpkg --audit'), '');
  }

  test('install 0.1.0: enabled, not started', async () => {
    await publish(OLD);
    await apt('install halfpipe');
    assert.equal(await must('systemctl is-enabled halfpipe'), 'enabled');
    assert.equal(await halfpipe.show('ActiveState'), 'inactive');
  });

  test('start: drains', async () => {
    await halfpipe.configure();
    await halfpipe.edit({ capacity: '200 Mbit/s', settle: '0 s' });
    await must('systemctl start halfpipe');
    await drains();
  });

  test('unattended upgrade in the middle of a large file: the config as edited, what was sent is not sent again', async (t) => {
    const { line, file } = unattended();
    await must(`echo '${line}' >${file}`);
    await publish(NEW);
    const before = halfpipe.machine.sentBytes();
    const sentBytes = () => halfpipe.machine.sentBytes() - before;
    halfpipe.drop('large', 1, LARGE_BYTES);
    await halfpipe.until('some parts to be stored', () => sentBytes() > 2 * PARTS_UNDER_WAY_BYTES);
    // Slowly, so that it is not over before the upgrade is.
    await halfpipe.edit({ capacity: '20 Mbit/s' });
    await must('systemctl reload halfpipe');
    configured = await configuration();
    const said = await must('unattended-upgrade --verbose </dev/null 2>&1');
    assert.match(said, /All upgrades installed/);
    await goesOnWith(NEW);
    assert.deepEqual(halfpipe.count('large'), { stored: 0, left: 1 }, 'it was over too soon');
    await halfpipe.edit({ capacity: '1 Gbit/s' });
    configured = await configuration();
    await must('systemctl reload halfpipe');
    await halfpipe.drained('large', 1);
    const againBytes = sentBytes() - LARGE_BYTES;
    t.diagnostic(
      `${(againBytes / MIB).toFixed(1)} MiB more than the ${LARGE_BYTES / MIB} MiB of the file were sent`,
    );
    // A twentieth for what goes around them.
    assert.ok(againBytes < PARTS_UNDER_WAY_BYTES + LARGE_BYTES / 20, `${againBytes} bytes were sent again`);
  });

  test('upgrade', async () => {
    await publish(NEWER);
    await apt('upgrade');
    await goesOnWith(NEWER);
    await drains();
  });

  test('downgrade', async () => {
    await apt(`install --allow-downgrades halfpipe=${NEW}`);
    await goesOnWith(NEW);
    await drains();
  });

  test('reinstall: drains on; stopped and disabled, it stays so', async () => {
    await apt(`install --reinstall halfpipe=${NEW}`);
    await goesOnWith(NEW);
    await drains();
    await must('systemctl disable --now halfpipe');
    await apt(`install --reinstall halfpipe=${NEW}`);
    assert.equal((await halfpipe.machine.run('systemctl is-enabled halfpipe')).stdout.trim(), 'disabled');
    assert.equal(await halfpipe.show('ActiveState'), 'inactive');
    await must('systemctl enable --now halfpipe');
  });

  test('remove: it ends, and config, spool and quarantine stay', async () => {
    await must(`touch ${SPOOL}/.halfpipe/quarantine/kept`);
    await apt('remove halfpipe');
    assert.notEqual((await halfpipe.machine.run('systemctl is-active halfpipe')).status, 0);
    assert.notEqual((await halfpipe.machine.run('command -v halfpipe')).status, 0);
    halfpipe.drop('waits', 3, 100);
    assert.equal(await configuration(), configured);
    assert.ok(existsSync(halfpipe.machine.path(`${SPOOL}/.halfpipe/quarantine/kept`)));
  });

  test('install again: the config as it was left, and after a start it drains what waited', async () => {
    await apt(`install halfpipe=${NEWER}`);
    assert.equal(await must('systemctl is-enabled halfpipe'), 'enabled');
    await must('systemctl start halfpipe');
    await goesOnWith(NEWER);
    await halfpipe.drained('waits', 3);
  });

  test('purge: config and key go, never a file of the spool', async () => {
    await must('systemctl stop halfpipe');
    halfpipe.drop('stays', 3, 100);
    await apt('purge halfpipe');
    assert.equal(
      await must(
        'find /usr /etc /var/lib -name "halfpipe*" -not -path "/var/lib/halfpipe*" -not -path /etc/apt/apt.conf.d/60halfpipe',
      ),
      '',
    );
    assert.equal(halfpipe.count('stays').left, 3);
    assert.ok(existsSync(halfpipe.machine.path(`${SPOOL}/.halfpipe/quarantine/kept`)));
    assert.match(await must('id halfpipe'), /^uid=\d+\(halfpipe\)/);
  });
}

/** The root that is booted is one into which the package was installed as images are built: in a chroot without /proc. */
function bootImage(release: DebianRelease): void {
  let image = '';
  let halfpipe: InstalledHalfpipe;

  tellSteps(release);

  before(async () => {
    mkdirSync(KEPT_FOLDERS, { recursive: true });
    image = mkdtempSync(join(KEPT_FOLDERS, 'image-'));
    const base = debianRoot(release);
    const root = FreshRoot.mount(base, { upper: image });
    try {
      copyFileSync(join(packages, fileOf(NEW)), join(root.path, fileOf(NEW)));
      execFileSync('chroot', [root.path, 'dpkg', '--install', `/${fileOf(NEW)}`], { stdio: 'pipe' });
    } finally {
      root.unmount();
    }
    halfpipe = await InstalledHalfpipe.prepare([], `${image}:${base}`);
  });
  after(async () => {
    await halfpipe?.end();
    rmSync(image, { recursive: true, force: true });
  });

  test('boot an image built without /proc and systemd: enabled, and it drains once it is configured', async () => {
    const { machine } = halfpipe;
    assert.equal(await machine.must('systemctl is-enabled halfpipe'), 'enabled');
    // It was started by the boot, and has no bucket yet.
    await halfpipe.until('it has ended', async () => (await halfpipe.show('ActiveState')) === 'failed');
    assert.equal(await halfpipe.show('ExecMainStatus'), '78');
    await halfpipe.configure();
    await machine.must(`printf 'spool:\\n  settle: 0 s\\n' >/etc/halfpipe/conf.d/settle.yaml
      systemctl start halfpipe`);
    halfpipe.drop('first', 3, 100_000);
    await halfpipe.drained('first', 3);
  });
}
