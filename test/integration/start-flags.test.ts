import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compiledMain } from '../support/compiled.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';
import { startFlags } from '../support/start-flags.ts';

const WRAPPER = fileURLToPath(new URL('../../systemd/debian/halfpipe.sh', import.meta.url));
const PROBE = 'const { pid, execArgv } = process; console.log(JSON.stringify({ pid, execArgv }));';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-start-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function executable(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

/** Runs `command` to its end. The process that was started must be Node.js, with the flags. */
function assertFlags(command: string): void {
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  const { pid, stdout, stderr } = spawnSync(command, [], { encoding: 'utf8', env: { PATH } });
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), { pid, execArgv: startFlags() });
}

test('the compiled program bounds the heap where npm links it', (t) => {
  const folder = temporaryFolder(t);
  const [line] = readFileSync(compiledMain(), 'utf8').split('\n');
  const link = join(folder, 'halfpipe');
  symlinkSync(executable(join(folder, 'dist/main.mjs'), `${line}\n${PROBE}\n`), link);
  assertFlags(link);
});

test('the Debian package bounds the heap as the compiled program does', (t) => {
  const folder = temporaryFolder(t);
  const script = readFileSync(WRAPPER, 'utf8').replaceAll('/usr/lib/halfpipe', folder);
  symlinkSync(process.execPath, join(folder, 'node'));
  executable(join(folder, 'dist/main.js'), PROBE);
  assertFlags(executable(join(folder, 'halfpipe'), script));
});

test('the tests start the daemon with the flags of the program', async (t) => {
  const fixture = await DaemonFixture.create(t);
  // Seen from inside: the daemon's title replaces its command line.
  const shown = 'data:text/javascript,console.error(JSON.stringify(process.execArgv))';
  const daemon = fixture.start({ NODE_OPTIONS: `--import=${shown}` });
  await daemon.says('ready');
  assert.equal(daemon.stderr.split('\n')[0], JSON.stringify(startFlags()));
});
