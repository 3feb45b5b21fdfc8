// What `halfpipe check` says of files over HTTP, on this machine.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSilentServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { examineIngest } from '../../src/commands/examine-ingest.ts';
import { loadSettings } from '../../src/config/load.ts';
import { changeTokens } from '../../src/ingest/change-tokens.ts';
import { digestOf, makeToken } from '../../src/ingest/token.ts';
import type { StoredToken } from '../../src/ingest/token-list.ts';
import { systemClock } from '../../src/system/clock.ts';
import { certificateFor } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';

const NEEDS_ROOT = { skip: process.getuid?.() !== 0 && 'needs root' };
const NOW = systemClock.wallMs();
const DAY_MS = 86_400_000;

async function place(t: TestContext) {
  const base = mkdtempSync(join(tmpdir(), 'halfpipe-check-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  chmodSync(base, 0o755);
  const [spool, tokensFile, configFile] = ['spool', 'tokens.json', 'halfpipe.yaml'].map((name) =>
    join(base, name),
  ) as [string, string, string];
  mkdirSync(spool);
  const port = await freePort();
  const token = (name: string, expiresAtMs?: number): StoredToken => ({
    ...{ name, sha256: digestOf(makeToken()), prefix: '', createdMs: NOW, expiresAtMs },
  });
  const keep = (...tokens: StoredToken[]) =>
    changeTokens(tokensFile, () => tokens, { clock: systemClock, readers: undefined });
  await keep(token('camera-7'));
  /** Each finding as a line. */
  const check = async (ingest: object = {}, env = {}) => {
    const config = { s3: { bucket: 'b-b-b' }, spool: { path: spool } };
    writeFileSync(configFile, JSON.stringify({ ...config, ingest: { listen: port, tokensFile, ...ingest } }));
    const findings = await examineIngest(await loadSettings(configFile, env));
    return findings.map(({ verdict, text }) => `${verdict} ${text}`.replaceAll(base, 'BASE'));
  };
  return { base, spool, port, tokensFile, token, keep, check };
}

test('finds nothing while no files are taken over HTTP', async (t) => {
  const { check } = await place(t);
  assert.deepEqual(await check({ listen: undefined }), []);
});

test('a port that is free and a token that holds are well', async (t) => {
  const { check, port } = await place(t);
  assert.deepEqual(await check(), [
    `ok files are taken at http://127.0.0.1:${port} and http://[::1]:${port}`,
    'ok BASE/tokens.json: 1 valid token',
  ]);
});

test('a port that another program has fails, and one that the running halfpipe has is well', async (t) => {
  const { check, port } = await place(t);
  const server = createServer((_, response) => response.setHeader('Server', 'other').end());
  t.after(() => server.close());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const [taken] = await check();
  assert.match(
    taken ?? '',
    /^FAIL cannot listen on 127\.0\.0\.1:\d+ \(ingest\.listen\): another program listens there\. Find it with ss/,
  );
  server.removeAllListeners('request');
  server.on('request', ({ url }, response) => {
    response.setHeader('Server', url === '/v1/healthz' ? 'halfpipe' : 'other').end();
  });
  assert.equal((await check())[0], `ok files are taken at http://127.0.0.1:${port}`);
});

test('a program that says nothing does not hold up the check', { timeout: 30_000 }, async (t) => {
  const { check, port } = await place(t);
  const server = createSilentServer((socket) => void t.after(() => socket.destroy()));
  t.after(() => server.close());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  assert.match((await check())[0] ?? '', /^FAIL cannot listen on .*another program/);
});

test('plain HTTP on an address of the network is warned of, and HTTPS is not', async (t) => {
  const { base, check, port } = await place(t);
  const [, plain] = await check({ listen: `0.0.0.0:${port}` });
  assert.match(
    plain ?? '',
    /^WARN tokens and files cross the network unencrypted to 0\.0\.0\.0:\d+: set ingest\.tls, or/,
  );
  const { cert, key } = certificateFor(t, ['door'], -1, 90);
  writeFileSync(join(base, 'c.pem'), cert);
  writeFileSync(join(base, 'k.pem'), key);
  const tls = { certificate: join(base, 'c.pem'), key: join(base, 'k.pem') };
  const lines = await check({ listen: `0.0.0.0:${port}`, tls });
  assert.deepEqual(
    lines.map((line) => line.replace(/until .*/, 'until …')),
    [
      `ok files are taken at https://0.0.0.0:${port}`,
      'ok the certificate for door fits its key, and is valid until …',
      'ok BASE/tokens.json: 1 valid token',
    ],
  );
});

test('a certificate that cannot be read fails, unless systemd hands it over at the start', async (t) => {
  const { check } = await place(t);
  const tls = (folder: string) => ({ tls: { certificate: `${folder}/c.pem`, key: `${folder}/k.pem` } });
  const [, missing, tokens] = await check(tls('/none'));
  assert.match(missing ?? '', /^FAIL .*\/none\/c\.pem/);
  assert.match(tokens ?? '', /^ok/, 'the rest is looked at all the same');
  const [, later] = await check(tls('/run/credentials/halfpipe.service'));
  assert.equal(later, 'ok systemd hands over the certificate and its key when the service starts');
});

test('tokens that have expired or soon will are named; none that holds is warned of', async (t) => {
  const { check, keep, token } = await place(t);
  const lines = async (...tokens: StoredToken[]) => {
    await keep(...tokens);
    return (await check()).slice(1);
  };
  assert.deepEqual(await lines(), ['WARN BASE/tokens.json has no token: halfpipe token add NAME makes one']);
  assert.deepEqual(await lines(token('old', NOW - 1)), [
    'WARN BASE/tokens.json has no token that has not expired: halfpipe token add NAME makes one',
  ]);
  const many = Array.from({ length: 7 }, (_, index) => token(`old-${index}`, NOW - 1));
  assert.deepEqual(
    await lines(token('all'), token('soon', NOW + 13 * DAY_MS), token('late', NOW + 15 * DAY_MS), ...many),
    [
      'ok BASE/tokens.json: 3 valid tokens',
      'WARN token soon expires within 14 days: make another one in time',
      'WARN expired: old-0, old-1, old-2, old-3, old-4 and 2 more: halfpipe token revoke NAME removes one',
    ],
  );
});

test('a tokens file that others may read is warned of, and one that they may write fails, with the remedy', async (t) => {
  const { base, check, tokensFile } = await place(t);
  const found = async (mode: number) => {
    chmodSync(tokensFile, mode);
    return (await check()).slice(1, -1);
  };
  assert.deepEqual(await found(0o640), []);
  assert.deepEqual(await found(0o644), [
    'WARN every user may read BASE/tokens.json: chmod 0640 BASE/tokens.json',
  ]);
  const written =
    'FAIL other users may add tokens to BASE/tokens.json: chmod 0640 BASE/tokens.json. Then look in halfpipe token list for tokens that you did not make';
  assert.deepEqual(await found(0o660), [written]);
  assert.deepEqual(await found(0o602), [written]);
  chmodSync(tokensFile, 0o640);
  chmodSync(base, 0o777);
  assert.match(
    (await check())[1] ?? '',
    /^FAIL other users may replace BASE\/tokens\.json: chmod 0755 BASE\./,
  );
  chmodSync(base, 0o1777);
  assert.match((await check())[1] ?? '', /^ok/);
});

test('a tokens file that the service may not read fails with the remedy', NEEDS_ROOT, async (t) => {
  const { spool, check } = await place(t);
  chownSync(spool, 65_534, 65_534);
  const [, line] = await check();
  assert.equal(
    line,
    'FAIL cannot read the tokens in BASE/tokens.json (ingest.tokensFile): permission denied. Let the service read it: chgrp halfpipe BASE/tokens.json; chmod 0640 BASE/tokens.json',
  );
});

test('a Unix socket is tried out, and left to a running halfpipe; a folder that others cannot enter is warned of', async (t) => {
  const { base, check } = await place(t);
  const listen = join(base, 'door', 'ingest.sock');
  assert.match(
    (await check({ listen }))[0] ?? '',
    /^FAIL cannot listen on BASE\/door\/ingest\.sock \(ingest\.listen\): its folder does not exist/,
  );
  mkdirSync(join(base, 'door'));
  assert.equal((await check({ listen }))[0], 'ok files are taken at BASE/door/ingest.sock');
  assert.deepEqual(readdirSync(join(base, 'door')), [], 'nothing is left');
  chmodSync(join(base, 'door'), 0o700);
  assert.deepEqual((await check({ listen })).slice(0, 2), [
    'ok files are taken at BASE/door/ingest.sock',
    'WARN other users cannot reach BASE/door/ingest.sock: chmod 0711 BASE/door lets them',
  ]);
  const server = createServer((_, response) => response.setHeader('Server', 'halfpipe').end());
  t.after(() => server.close());
  server.listen(listen);
  await once(server, 'listening');
  assert.match((await check({ listen }))[0] ?? '', /^ok/);
  server.removeAllListeners('request').on('request', (_, response) => response.end());
  assert.match((await check({ listen }))[0] ?? '', /^FAIL cannot listen on .*another program listens there/);
});

test('a socket of systemd is looked for only where there is a service', async (t) => {
  const { check } = await place(t);
  const [line] = await check({ listen: 'systemd' });
  assert.equal(line, 'WARN whether systemd hands over a socket is seen only when the service starts');
});
