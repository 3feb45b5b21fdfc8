// What becomes of the configuration when the package is installed, upgraded, removed and purged: by real dpkg, in roots of
// fresh Debian systems that are entered as builders of images enter them: no /proc, no running systemd, no service may
// be started, nobody answers a question.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { loadSettings } from '../../src/config/load.ts';
import { cannotMakeRoot, type DebianRelease, debianRoot, FreshRoot } from '../support/debian-root.ts';
import { buildPackage } from '../support/installed-halfpipe.ts';
import { RepackedPackage } from '../support/repacked-package.ts';

const OLD = '0.1.0';
const NEW = '99.0.1';
const NEWER = '99.0.2';
const CONFIG = 'etc/halfpipe/halfpipe.yaml';
const KEY = 'etc/halfpipe/aws-credentials';

class Image {
  readonly #root: FreshRoot;

  constructor(t: TestContext, release: DebianRelease, packages: string) {
    this.#root = FreshRoot.mount(debianRoot(release));
    t.after(() => this.#root.unmount());
    for (const file of readdirSync(packages).filter((name) => name.endsWith('.deb')))
      copyFileSync(join(packages, file), this.path(`root/${file}`));
    this.writeProgram('usr/sbin/policy-rc.d', 101);
  }

  path(file: string): string {
    return join(this.#root.path, file);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  has(file: string): boolean {
    return existsSync(this.path(file));
  }

  mode(file: string): string {
    return (statSync(this.path(file)).mode & 0o7777).toString(8);
  }

  /** A program that only ends with `status`. */
  writeProgram(file: string, status: number): void {
    writeFileSync(this.path(file), `#!/bin/sh\nexit ${status}\n`);
    chmodSync(this.path(file), 0o755);
  }

  run(...command: readonly string[]) {
    const env = [
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'LC_ALL=C.UTF-8',
      'DEBIAN_FRONTEND=noninteractive',
    ];
    const args = [this.#root.path, 'env', ...env, ...command];
    const { status, stdout, stderr } = spawnSync('chroot', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status, stdout, output: `${stdout}${stderr}` };
  }

  dpkg(...args: readonly string[]): string {
    const { status, output } = this.run('dpkg', ...args);
    assert.equal(status, 0, output);
    assert.equal(this.run('dpkg', '--audit').output, '');
    return output;
  }

  install(version: string): string {
    return this.dpkg('--install', `/root/halfpipe_${version}_amd64.deb`);
  }

  /** What is in /etc/halfpipe, sorted. */
  configured(): readonly string[] {
    return readdirSync(this.path('etc/halfpipe')).sort();
  }
}

/** Through these versions, a removal and an installation after it, and then a purge. */
function liveThrough(root: Image, versions: readonly string[], isAsLeft: (step: string) => void): void {
  for (const version of versions) {
    root.install(version);
    isAsLeft(version);
  }
  root.dpkg('--remove', 'halfpipe');
  isAsLeft('removed');
  root.install(NEWER);
  isAsLeft('installed again');
  root.dpkg('--purge', 'halfpipe');
  assert.ok(!root.has('etc/halfpipe'));
}

describe('the configuration that the package makes', { skip: cannotMakeRoot() }, () => {
  const packages = mkdtempSync(join(tmpdir(), 'halfpipe-packages-'));

  before(() => {
    const built = buildPackage(NEW, join(packages, 'whole'));
    const thin = RepackedPackage.unpack(built, join(packages, 'tree')).removeNode();
    for (const version of [NEW, NEWER]) thin.pack(version, packages);
    thin.makeConffiles().pack(OLD, packages);
  });
  after(() => rmSync(packages, { recursive: true }));

  for (const release of [12, 13] as const)
    describe(`Debian ${release}`, () => {
      const image = (t: TestContext) => new Image(t, release, packages);

      test('a first installation, as when an image is built, makes it with user and spool', async (t) => {
        const root = image(t);
        assert.match(root.install(NEW), /^halfpipe: set s3\.bucket, s3\.region/m);
        assert.deepEqual(root.configured(), ['aws-credentials', 'conf.d', 'halfpipe.yaml']);
        assert.deepEqual([root.mode(CONFIG), root.mode(KEY)], ['644', '600']);
        assert.equal(
          root.run('stat', '-c', '%a %U %G', '/var/spool/halfpipe').stdout,
          '3770 halfpipe halfpipe\n',
        );
        assert.equal(
          readlinkSync(root.path('etc/systemd/system/multi-user.target.wants/halfpipe.service'))
            .split('/')
            .at(-1),
          'halfpipe.service',
        );
        const minimal = join(packages, 'minimal.yaml');
        writeFileSync(minimal, 's3:\n  bucket: inbox\n');
        const env = { HALFPIPE_S3_BUCKET: 'inbox' };
        assert.deepEqual(await loadSettings(root.path(CONFIG), env), await loadSettings(minimal, {}));
        // What it points to is there, uncompressed.
        assert.equal(
          root.read('usr/share/doc/halfpipe/halfpipe.yaml'),
          readFileSync('config/halfpipe.yaml', 'utf8'),
        );
        assert.ok(root.has('usr/share/doc/halfpipe/examples/spool-elsewhere.conf'));
        assert.doesNotMatch(root.read('var/lib/dpkg/status'), /^ \/etc\/halfpipe/m);
      });

      test('it is made where the tools of systemd are missing or refuse', (t) => {
        const root = image(t);
        root.writeProgram('usr/bin/systemd-sysusers', 1);
        rmSync(root.path('usr/bin/systemd-tmpfiles'));
        // The folder of the host's systemd is seen, but its socket does not answer.
        mkdirSync(root.path('run/systemd/system'), { recursive: true });
        root.install(NEW);
        assert.match(
          root.read('etc/passwd'),
          /^halfpipe:x:\d{3}:\d{3}:halfpipe spool drain:\/:\/usr\/sbin\/nologin$/m,
        );
        assert.equal(
          root.run('stat', '-c', '%a %U %G', '/var/spool/halfpipe').stdout,
          '3770 halfpipe halfpipe\n',
        );
        assert.ok(root.has(CONFIG));
        root.install(NEWER);
        root.dpkg('--purge', 'halfpipe');
      });

      test('what was there before the first installation stays as it is', (t) => {
        const root = image(t);
        mkdirSync(root.path('etc/halfpipe'));
        writeFileSync(root.path(CONFIG), 's3: { bucket: mine }\n');
        root.install(NEW);
        assert.equal(root.read(CONFIG), 's3: { bucket: mine }\n');
        assert.equal(root.mode(KEY), '600');
      });

      test('what was edited or deleted stays so at upgrade, downgrade, reinstallation and removal', (t) => {
        const root = image(t);
        root.install(NEW);
        writeFileSync(root.path(CONFIG), 's3: { bucket: mine }\n');
        writeFileSync(root.path('etc/halfpipe/conf.d/10-share.yaml'), 'link: { share: 20 % }\n');
        rmSync(root.path(KEY));
        const isAsLeft = (step: string) => {
          assert.deepEqual(root.configured(), ['conf.d', 'halfpipe.yaml'], step);
          assert.equal(root.read(CONFIG), 's3: { bucket: mine }\n', step);
          assert.equal(root.read('etc/halfpipe/conf.d/10-share.yaml'), 'link: { share: 20 % }\n', step);
        };
        liveThrough(root, [NEW, NEWER, NEW], isAsLeft);
        root.install(NEW);
        assert.deepEqual(root.configured(), ['aws-credentials', 'conf.d', 'halfpipe.yaml']);
      });

      test('an upgrade from 0.1.0, whose configuration dpkg looked after, asks nothing and changes nothing', (t) => {
        const root = image(t);
        root.install(OLD);
        const whole = root.read(CONFIG);
        const edited = whole.replace('bucket:', 'bucket: mine');
        writeFileSync(root.path(CONFIG), edited);
        const key = root.read(KEY);
        const isAsLeft = (step: string) => {
          assert.deepEqual([root.read(CONFIG), root.read(KEY), root.mode(KEY)], [edited, key, '600'], step);
          const remains = execFileSync('find', [root.path('etc'), '-name', '*.dpkg-*'], { encoding: 'utf8' });
          assert.equal(remains, '', step);
        };
        // There and back: dpkg knows the files of 0.1.0 until they are purged, so that it does not ask about them either.
        liveThrough(root, [NEW, NEWER, OLD, NEW], isAsLeft);
        assert.notEqual(root.run('dpkg-query', '-W', 'halfpipe').status, 0);
      });

      test('an upgrade from 0.1.0 keeps a configuration that nobody edited, and brings none back', (t) => {
        const root = image(t);
        root.install(OLD);
        const whole = root.read(CONFIG);
        rmSync(root.path(KEY));
        root.install(NEW);
        assert.equal(root.read(CONFIG), whole);
        assert.deepEqual(root.configured(), ['conf.d', 'halfpipe.yaml']);
      });
    });
});
