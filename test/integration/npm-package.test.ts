import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compiledMain } from '../support/compiled.ts';
import { packNpmPackage } from '../support/installed-halfpipe.ts';

const VERSION = '99.0.1';
const NEEDED = [
  'LICENSE',
  'README.md',
  'config/OPERATING.md',
  'config/halfpipe.yaml',
  'dist/main.js',
  'dist/page/page.js',
  'node_modules/@aws-sdk/client-s3/package.json',
  'npm-shrinkwrap.json',
  'package.json',
  'systemd/debian/aws-credentials',
  'systemd/examples/prometheus-rules.yaml',
  'systemd/halfpipe.bash-completion',
  'systemd/halfpipe.service',
  'systemd/halfpipe.sysusers.conf',
  'systemd/halfpipe.tmpfiles.conf',
  'systemd/halfpipe@.service',
  'systemd/man/halfpipe.8',
  'systemd/man/halfpipe.yaml.5',
  'systemd/npm/set-up.sh',
];

test('the npm package has the program with its dependencies, and nothing that only the checkout needs', () => {
  compiledMain();
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-npm-'));
  try {
    const file = packNpmPackage(VERSION, folder);
    assert.equal(file, join(folder, `halfpipe-${VERSION}.tgz`));
    const bytes = readFileSync(file);
    packNpmPackage(VERSION, folder);
    assert.ok(readFileSync(file).equals(bytes), 'the same files give the same bytes');
    const tar = (...args: string[]) => execFileSync('tar', ['-f', file, ...args], { encoding: 'utf8' });
    const paths = tar('-tz')
      .trimEnd()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''));
    const json = (path: string) => JSON.parse(tar('-xzO', `package/${path}`));

    assert.deepEqual(
      NEEDED.filter((path) => !paths.includes(path)),
      [],
    );
    const ours = paths.filter((path) => !path.startsWith('node_modules/'));
    assert.deepEqual(
      paths
        .filter((path) => /\.map$|\.d\.[cm]?ts$/.test(path))
        .concat(ours.filter((path) => /\.ts$/.test(path))),
      [],
    );
    const about = json('package.json');
    assert.equal(about.version, VERSION);
    assert.equal(about.private, true, 'nobody publishes it by accident');
    for (const name of ['scripts', 'devDependencies', 'optionalDependencies'])
      assert.equal(about[name], undefined, name);
    // Every package of the lock is there, and no other.
    const listed = Object.keys(json('npm-shrinkwrap.json').packages).filter((path) => path !== '');
    const brought = paths.flatMap((path) => {
      const [, found] = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/@]+)\/package\.json$/.exec(path) ?? [];
      return found === undefined ? [] : [found];
    });
    assert.deepEqual(brought.sort(), listed.sort());
    assert.ok(listed.includes('node_modules/@aws-sdk/client-s3') && !listed.includes('node_modules/tsx'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
