// `halfpipe token`: an operator lets producers in, looks who they are, and locks one out.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type TokenRequest, token } from '../../src/commands/token-command.ts';
import { Tokens } from '../../src/ingest/tokens.ts';
import { systemClock } from '../../src/system/clock.ts';
import { compiledMain } from '../support/compiled.ts';

const NEEDS_ROOT = { skip: process.getuid?.() !== 0 && 'needs root' };

function place(t: TestContext, config: object = {}) {
  const base = mkdtempSync(join(tmpdir(), 'halfpipe-token-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const [configFile, file] = [join(base, 'door.yaml'), join(base, 'tokens.json')];
  const ingest = { listen: 8080, tokensFile: file };
  writeFileSync(configFile, JSON.stringify({ s3: { bucket: 'b-b-b' }, ingest, ...config }));
  /** Of the operator, in this process. */
  const run = async (request: TokenRequest, env = {}) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const code = await token({ configFile, env, stdout, stderr }, request);
    return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
  };
  const add = (name: string, changes: { prefix?: string; expiresMs?: number } = {}, env = {}) =>
    run({ action: 'add', name, prefix: undefined, expiresMs: undefined, ...changes }, env);
  const list = () => run({ action: 'list', asJson: false });
  return { base, configFile, file, run, add, list };
}

test('add prints the token alone to standard output, and the rest beside it; it is in force at once', async (t) => {
  const { file, add } = place(t);
  const { code, out, err } = await add('camera-7', { prefix: 'camera-7/', expiresMs: 3_600_000 });
  assert.equal(code, 0, err);
  assert.match(out, /^hp_[0-9A-Za-z]{38}\n$/);
  assert.match(err, /^halfpipe: camera-7 may bring files below camera-7\/, until 20\S+Z\./);
  assert.ok(!err.includes(out.trim()), 'it is shown once');
  assert.ok(!readFileSync(file, 'utf8').includes(out.trim()), 'it is not stored');
  const grant = new Tokens(file, systemClock).grant(`Bearer ${out.trim()}`);
  assert.ok(typeof grant === 'object');
  assert.deepEqual([grant.name, grant.prefix], ['camera-7', 'camera-7/']);
  const inAnHour = (grant.expiresAtMs ?? 0) - systemClock.wallMs();
  assert.ok(inAnHour > 3_500_000 && inAnHour <= 3_600_000, `${inAnHour}`);
});

test('a token without prefix and end is for the whole spool, for ever', async (t) => {
  const { file, add } = place(t);
  const { out, err } = await add('all');
  assert.match(err, /^halfpipe: all may bring files anywhere in the spool\. /);
  const grant = new Tokens(file, systemClock).grant(`Bearer ${out.trim()}`);
  assert.deepEqual(grant, { name: 'all', prefix: '', expiresAtMs: undefined, isOnly: true });
});

test('a name is given once', async (t) => {
  const { file, add } = place(t);
  await add('camera-7');
  const before = readFileSync(file, 'utf8');
  assert.deepEqual(await add('camera-7'), {
    code: 1,
    out: '',
    err: 'halfpipe: there is a token camera-7 already. Take another name, or revoke that one first\n',
  });
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('list shows name, prefix, beginning and end of each, and never a digest', async (t) => {
  const { add, list, run, file } = place(t);
  assert.deepEqual(await list(), {
    code: 0,
    out: 'there is no token: halfpipe token add NAME makes one\n',
    err: '',
  });
  await add('camera-7', { prefix: 'camera-7/', expiresMs: 86_400_000 });
  await add('all');
  const ended = readFileSync(file, 'utf8').replace(/"expires": "20\d\d/, '"expires": "2001');
  writeFileSync(file, ended);
  const { out } = await list();
  const [head = '', camera = '', all = '', ...rest] = out.split('\n');
  assert.match(head, /^NAME {6}PREFIX {5}CREATED {12}EXPIRES$/);
  assert.match(camera, /^camera-7 {2}camera-7\/ {2}20\S+Z {2}expired 2001-\S+Z$/);
  assert.match(all, /^all {7}any {8}20\S+Z {2}never$/);
  assert.deepEqual(rest, ['']);
  const asJson = await run({ action: 'list', asJson: true });
  const { tokensFile, tokens } = JSON.parse(asJson.out);
  assert.equal(tokensFile, file);
  for (const one of tokens) assert.match(one.created, /^20\S+Z$/);
  assert.deepEqual(
    tokens.map(({ created: _, expires, ...others }: Record<string, unknown>) => ({
      ...others,
      expires: String(expires).slice(0, 4),
    })),
    [
      { name: 'camera-7', prefix: 'camera-7/', isExpired: true, expires: '2001' },
      { name: 'all', prefix: null, isExpired: false, expires: 'null' },
    ],
  );
  assert.doesNotMatch(out + asJson.out, /[0-9a-f]{32}/);
});

test('revoke locks out one at the next request, and guesses a mistyped name', async (t) => {
  const { file, add, run } = place(t);
  const revoke = (name: string) => run({ action: 'revoke', name });
  assert.match((await revoke('camera-7')).err, /there is no token camera-7\. No token has been made yet\n$/);
  assert.ok(!existsSync(file), 'no file is made for this');
  const [one, two] = [(await add('camera-7')).out.trim(), (await add('other')).out.trim()];
  const tokens = new Tokens(file, systemClock);
  assert.equal(typeof tokens.grant(`Bearer ${one}`), 'object');
  const missed = await revoke('camera-8');
  assert.deepEqual(
    [missed.code, missed.err],
    [1, 'halfpipe: there is no token camera-8. Did you mean camera-7?\n'],
  );
  assert.match((await revoke('zzzzzzzzzz')).err, /halfpipe token list shows them\n$/);
  assert.deepEqual(await revoke('camera-7'), {
    code: 0,
    out: 'camera-7 is revoked: requests with its token are refused from now on\n',
    err: '',
  });
  assert.equal(tokens.grant(`Bearer ${one}`), 'unknown');
  assert.equal(typeof tokens.grant(`Bearer ${two}`), 'object');
});

test('without ingest.tokensFile, the config to add is said, also for an instance', async (t) => {
  const { base, list } = place(t, { ingest: {} });
  await assert.rejects(list(), {
    name: 'ConfigError',
    message: `${base}/door.yaml: ingest.tokensFile is not set: set it to ${base}/door-ingest-tokens.json, and ingest.listen to a port such as 8080`,
  });
});

test('a mistake elsewhere in the config is told, and keeps no operator from locking out a token', async (t) => {
  const { configFile, add, run } = place(t);
  await add('camera-7');
  writeFileSync(configFile, readFileSync(configFile, 'utf8').replace('"b-b-b"', '"B_B"'));
  const { code, err } = await run({ action: 'revoke', name: 'camera-7' });
  assert.equal(code, 0, err);
  assert.match(err, /^halfpipe: the daemon could not start with this config: .*s3\.bucket/);
});

test('a file that is no tokens file is left alone, and said what is wrong with it', async (t) => {
  const { file, add } = place(t);
  writeFileSync(file, '{"version": 1, "tokens": {}}');
  const { code, out, err } = await add('camera-7');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^halfpipe: cannot read the tokens in .*: tokens must be a list\. Correct the file, or/);
  assert.equal(readFileSync(file, 'utf8'), '{"version": 1, "tokens": {}}');
});

test('root makes the file for the group of the service', NEEDS_ROOT, async (t) => {
  const { file, add } = place(t);
  const { err } = await add('a', {}, { HALFPIPE_USER: 'nobody', HALFPIPE_GROUP: 'www-data' });
  const { mode, uid, gid } = statSync(file);
  assert.deepEqual([mode & 0o7777, uid, gid], [0o640, 0, 33], err);
  assert.deepEqual([process.getegid?.(), process.geteuid?.()], [0, 0]);
});

test('… for the own group of its user, if the unit names none', NEEDS_ROOT, async (t) => {
  const { file, add } = place(t);
  await add('a', {}, { HALFPIPE_USER: 'nobody' });
  const { mode, gid } = statSync(file);
  assert.deepEqual([mode & 0o7777, gid], [0o640, 65_534]);
});

test('… and for itself alone, if there is no such user', NEEDS_ROOT, async (t) => {
  const { file, add } = place(t);
  await add('a', {}, { HALFPIPE_USER: 'no-such-user' });
  assert.equal(statSync(file).mode & 0o7777, 0o600);
});

test('of the program as it is shipped, a script can keep the token', (t) => {
  const { file, configFile } = place(t);
  const halfpipe = (...args: string[]) =>
    spawnSync(process.execPath, [compiledMain(), 'token', ...args, '--config', configFile], {
      encoding: 'utf8',
    });
  const { status, stdout, stderr } = halfpipe('add', 'camera-7', '--prefix', 'camera-7/', '--expires', '90d');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^hp_[0-9A-Za-z]{38}\n$/);
  assert.match(halfpipe('list').stdout, /^camera-7 {2}camera-7\/ /m);
  assert.equal(halfpipe('revoke', 'camera-7').status, 0);
  chmodSync(file, 0o600);
  const unset = spawnSync(process.execPath, [compiledMain(), 'token', 'list', '--config', configFile], {
    encoding: 'utf8',
    env: { ...process.env, HALFPIPE_INGEST_TOKENS_FILE: 'relative' },
  });
  assert.equal(unset.status, 78, unset.stderr);
});
