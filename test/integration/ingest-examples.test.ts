// What the manual tells a producer of files over HTTP to type, typed against a real daemon.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { compiledMain } from '../support/compiled.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';
import { freePort } from '../support/free-port.ts';

const [, after = ''] = readFileSync('config/OPERATING.md', 'utf8').split('\n## Files over HTTP\n');
const [SECTION = ''] = after.split('\n## ');
const blocks = (language: string) =>
  [...SECTION.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block = '']) => block);
const [SETUP = '', SEND = '', MORE = ''] = blocks('sh');
const [PYTHON = ''] = blocks('python');
const lacks = (tool: string) => spawnSync(tool, ['--version']).status !== 0 && `${tool} is not installed`;

const PHOTO = Buffer.from('not quite a photo'.repeat(10_000));
const DIGEST = createHash('sha256').update(PHOTO).digest('base64');

/** A daemon that takes files, a token that the manual's own command has made, and a folder with a photo. */
async function door(t: TestContext) {
  const port = await freePort();
  const fixture = await DaemonFixture.create(t);
  const ingest = { listen: port, tokensFile: join(fixture.base, 'tokens.json') };
  // Files wait in the spool, so that they can be asked for.
  await fixture.configure({ ingest, spool: { settle: '1 h' } });
  const [add = ''] = /halfpipe token add [^#]*/.exec(SETUP) ?? [];
  const halfpipe = join(fixture.base, 'halfpipe');
  writeFileSync(
    halfpipe,
    `#!/bin/sh\nexec ${process.execPath} ${compiledMain()} "$@" --config ${fixture.configFile}\n`,
  );
  chmodSync(halfpipe, 0o755);
  const PATH = `${fixture.base}:${process.env.PATH}`;
  const made = spawnSync('sh', ['-c', add], { encoding: 'utf8', env: { PATH } });
  const TOKEN = made.stdout.trim();
  assert.match(TOKEN, /^hp_/, `${add} printed ${made.stderr}`);
  writeFileSync(join(fixture.base, 'photo.jpg'), PHOTO);
  const here = (text: string) => text.replaceAll('localhost:8080', `localhost:${port}`);
  const run = (file: string, args: readonly string[]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) =>
      execFile(
        file,
        args,
        { cwd: fixture.base, env: { PATH, TOKEN }, timeout: 60_000 },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
      ),
    );
  const sh = (script: string) => run('bash', ['-euo', 'pipefail', '-c', here(script)]);
  const arrived = (name: string) => readFileSync(join(fixture.spool, name));
  const daemon = fixture.start();
  await daemon.says('ready');
  return { fixture, daemon, port, run, sh, here, arrived };
}

test('the curl lines of the manual send a file, its digest, one without a name, and ask for it', {
  skip: lacks('curl'),
}, async (t) => {
  const { fixture, sh, arrived } = await door(t);
  const sent = await sh(SEND);
  assert.equal(sent.code, 0, sent.stderr);
  assert.deepEqual(JSON.parse(sent.stdout).size, PHOTO.length);
  assert.deepEqual(arrived('camera-7/photo.jpg'), PHOTO);
  assert.equal((await sh(SEND)).code, 0, 'again is no harm');
  const more = await sh(MORE);
  assert.equal(more.code, 0, more.stderr);
  assert.deepEqual(arrived('camera-7/checked.jpg'), PHOTO);
  const named = (await fixture.spooled()).filter((name) => /^camera-7\/20\d{6}T.*\.jpg$/.test(name));
  assert.equal(named.length, 1, 'halfpipe has made a name');
  assert.match(more.stdout, /^HTTP\/1\.1 200 /m);
  assert.ok(more.stdout.includes(`Repr-Digest: sha-256=:${DIGEST}:`), more.stdout);
  const refused = await sh(SEND.replace('camera-7/', 'camera-8/').replace('--retry 9', '--retry 0'));
  assert.equal(refused.code, 22);
  assert.match(refused.stdout, /"type":"urn:halfpipe:problem:outside-prefix"/);
});

for (const [what, answer] of [
  ['a connection breaks', ''],
  ['the disk is full', 'HTTP/1.1 507 Insufficient Storage\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n'],
] as const)
  test(`the curl line of the manual tries again when ${what}`, { skip: lacks('curl') }, async (t) => {
    const { port, run, here, arrived } = await door(t);
    let requests = 0;
    const proxy = createServer((client) => {
      requests += 1;
      client.on('error', () => undefined);
      if (requests === 1) return void client.once('data', () => client.end(answer).resume());
      const server = connect(port, 'localhost').on('error', () => undefined);
      client.pipe(server).pipe(client);
    });
    t.after(() => proxy.close());
    const proxyPort = await new Promise<number>((resolve) =>
      proxy.listen(0, 'localhost', () => resolve(Number(Object(proxy.address()).port))),
    );
    const sent = await run('bash', ['-c', here(SEND).replace(`:${port}/`, `:${proxyPort}/`)]);
    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual([requests, arrived('camera-7/photo.jpg')], [2, PHOTO]);
  });

test('the Python of the manual sends a file, and gives up only on what is refused for good', {
  skip: lacks('python3'),
}, async (t) => {
  const { fixture, daemon, port, run, arrived } = await door(t);
  writeFileSync(
    join(fixture.base, 'send.py'),
    PYTHON.replace('8080', `${port}`).replace('seconds = 10', 'seconds = 1'),
  );
  const send = (name: string) => run('python3', ['send.py', 'photo.jpg', name]);
  const sent = await send('camera-7/ä photo.jpg');
  assert.deepEqual(sent, { code: 0, stdout: '', stderr: '' });
  assert.deepEqual(arrived('camera-7/ä photo.jpg'), PHOTO);
  const refused = await send('camera-8/photo.jpg');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^ValueError: .*outside-prefix/m);
  await daemon.stop();
  const waiting = send('camera-7/later.jpg');
  await fixture.start().says('ready');
  const late = await waiting;
  assert.equal(late.code, 0, late.stderr);
  assert.deepEqual(arrived('camera-7/later.jpg'), PHOTO);
});
