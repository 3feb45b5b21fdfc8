// `npm run release` in a checkout of its own: what it refuses, and what a release consists of. The packages themselves are
// tested in package.test.ts.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const MAINTAINER = 'Ada Operator <ada@example.org>';

function cannotRelease(): string | false {
  for (const tool of ['dpkg-deb', 'apt-ftparchive', 'gpg', 'git'])
    if (spawnSync(tool, ['--version']).error !== undefined) return `${tool} is not installed`;
  return false;
}

describe('npm run release', { skip: cannotRelease() }, () => {
  const checkout = join(ROOT, 'var', `release-${process.pid}`);
  const folder = join(checkout, 'var/release', VERSION);
  const gnupg = join(checkout, 'var/gnupg');

  const git = (...words: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], {
      cwd: checkout,
      stdio: 'pipe',
    });
  function release(...options: readonly string[]): {
    readonly status: number | null;
    readonly output: string;
  } {
    const { status, stdout, stderr } = spawnSync(
      'npm',
      ['run', '--silent', 'release', '--', '--rehearsal', ...options],
      { cwd: checkout, encoding: 'utf8', env: { ...process.env, GNUPGHOME: gnupg, HALFPIPE_MAINTAINER: '' } },
    );
    return { status, output: `${stdout}${stderr}` };
  }

  before(() => {
    execFileSync('git', ['clone', '--quiet', ROOT, checkout]);
    execFileSync('cp', ['-al', join(ROOT, 'node_modules'), checkout]);
    // Older than node_modules, which are complete.
    utimesSync(join(checkout, 'package-lock.json'), 0, 0);
    mkdirSync(gnupg, { recursive: true, mode: 0o700 });
    const fetched = readdirSync(join(ROOT, 'var')).filter((name) => name.startsWith('node-linux-'));
    for (const name of fetched) execFileSync('cp', ['-al', join(ROOT, 'var', name), join(checkout, 'var')]);
    execFileSync(
      'gpg',
      ['--homedir', gnupg, '--batch', '--passphrase', '', '--quick-gen-key', MAINTAINER, 'ed25519'],
      { stdio: 'pipe' },
    );
  });

  after(() => {
    spawnSync('gpgconf', ['--homedir', gnupg, '--kill', 'all']);
    rmSync(checkout, { recursive: true, force: true });
  });

  test('refuses a tree with changes, and one without a maintainer, and builds nothing', () => {
    writeFileSync(join(checkout, 'LICENSE'), 'other terms\n');
    const { status, output } = release();
    git('checkout', 'LICENSE');
    assert.equal(status, 1, output);
    assert.match(output, /^not released:\n- there are changes that are not committed:\n M LICENSE\n/);
    assert.match(output, /^- nobody answers for the packages/m);
    assert.ok(!existsSync(folder));
  });

  test('makes packages, bills of materials, the npm package and a repository, with signed checksums', () => {
    const changelog = readFileSync(join(checkout, 'CHANGELOG.md'), 'utf8');
    writeFileSync(
      join(checkout, 'CHANGELOG.md'),
      changelog.replace('## [Unreleased]\n', `## [${VERSION}] - 2100-01-01\n`),
    );
    git('commit', '--quiet', '--allow-empty', '--all', '--message', `release ${VERSION}`);
    const { status, output } = release('--maintainer', MAINTAINER, '--key', 'ada@example.org');
    assert.equal(status, 0, output);
    assert.deepEqual(
      readdirSync(folder).sort(),
      [
        'CHANGELOG.md',
        'SHA256SUMS',
        'SHA256SUMS.asc',
        `halfpipe-${VERSION}.tgz`,
        ...['amd64', 'arm64'].flatMap((architecture) =>
          ['cdx.json', 'deb'].map((kind) => `halfpipe_${VERSION}_${architecture}.${kind}`),
        ),
        'repository',
      ].sort(),
    );
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder });
    execFileSync('gpg', ['--homedir', gnupg, '--batch', '--verify', 'SHA256SUMS.asc', 'SHA256SUMS'], {
      cwd: folder,
      stdio: 'pipe',
    });
    const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n');
    assert.equal(sums.length, 6);
    assert.ok(existsSync(join(folder, 'repository/dists/stable/InRelease')));
    assert.equal(git('status', '--porcelain').toString(), '');
  });
});
