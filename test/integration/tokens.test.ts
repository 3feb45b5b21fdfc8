// Tokens in a real file: who is let in at once after each change, and a file that survives two
// commands at a time, a full disk and a slip of its editor.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { changeTokens } from '../../src/ingest/change-tokens.ts';
import { digestOf, makeToken } from '../../src/ingest/token.ts';
import { readTokenFile } from '../../src/ingest/token-file.ts';
import type { StoredToken } from '../../src/ingest/token-list.ts';
import { Tokens } from '../../src/ingest/tokens.ts';
import { systemClock } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';
import { SimClock } from '../support/sim-clock.ts';

const NOW = Date.UTC(2026, 10, 27);
const ports = { clock: systemClock, readers: undefined };

function scratch(): string {
  return join(mkdtempSync(join(tmpdir(), 'halfpipe-tokens-')), 'tokens.json');
}

function stored(name: string, token: string, changes: Partial<StoredToken> = {}): StoredToken {
  const none = { prefix: '', createdMs: NOW, expiresAtMs: undefined };
  return { name, sha256: digestOf(token), ...none, ...changes };
}

async function bench() {
  const file = scratch();
  const clock = { nowMs: NOW, wallMs: () => clock.nowMs };
  const [camera, all] = [makeToken(), makeToken()];
  const tokens = [
    stored('camera', camera, { prefix: 'camera-7/', expiresAtMs: NOW + 1000 }),
    stored('all', all),
  ];
  await changeTokens(file, () => tokens, ports);
  return { file, clock, camera, all, tokens: new Tokens(file, clock) };
}

test('a token grants what its entry says, as Bearer and as a password', async () => {
  const { tokens, camera, all } = await bench();
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const expected = { name: 'camera', prefix: 'camera-7/', expiresAtMs: NOW + 1000, isOnly: false };
  assert.deepEqual(tokens.grant(`Bearer ${camera}`), expected);
  assert.deepEqual(tokens.grant(basic(`anyone:${camera}`)), expected);
  assert.deepEqual(tokens.grant(`bearer ${all}`), {
    name: 'all',
    ...{ prefix: '', expiresAtMs: undefined, isOnly: false },
  });
});

test('a token is told apart as the only one when all others have ended', async () => {
  const { tokens, clock, all } = await bench();
  const isOnly = () => {
    const grant = tokens.grant(`Bearer ${all}`);
    return typeof grant === 'object' && grant.isOnly;
  };
  assert.equal(isOnly(), false);
  clock.nowMs = NOW + 1000;
  assert.equal(isOnly(), true);
});

test('a token that is not in the file is unknown, and one with a wrong check digit mistyped', async () => {
  const { tokens, camera } = await bench();
  for (const none of [undefined, '', 'Bearer ', camera, `Digest ${camera}`, `Bearer ${makeToken()}`])
    assert.equal(tokens.grant(none), 'unknown', none);
  assert.equal(tokens.grant(`Bearer ${camera.slice(0, -1)}`), 'mistyped');
  assert.equal(tokens.grant('Bearer x'), 'mistyped');
  assert.equal(tokens.grant(`Bearer ${camera} ${camera}`), 'unknown');
});

test('a token ends in the millisecond of its end', async () => {
  const { tokens, clock, camera } = await bench();
  clock.nowMs = NOW + 999;
  assert.equal(typeof tokens.grant(`Bearer ${camera}`), 'object');
  clock.nowMs = NOW + 1000;
  assert.equal(tokens.grant(`Bearer ${camera}`), 'expired');
});

test('a token that is added or revoked is let in or refused at the next request', async () => {
  const { file, tokens, camera, all } = await bench();
  assert.equal(typeof tokens.grant(`Bearer ${camera}`), 'object');
  await changeTokens(file, (before) => before.filter(({ name }) => name !== 'camera'), ports);
  assert.equal(tokens.grant(`Bearer ${camera}`), 'unknown');
  assert.equal(typeof tokens.grant(`Bearer ${all}`), 'object');
  await changeTokens(file, (before) => [...before, stored('camera', camera)], ports);
  assert.equal(typeof tokens.grant(`Bearer ${camera}`), 'object');
});

test('a file that cannot be understood lets in none, says why, and is read again once it is mended', async () => {
  const { file, tokens, all } = await bench();
  const good = readFileSync(file, 'utf8');
  assert.equal(typeof tokens.grant(`Bearer ${all}`), 'object');
  writeFileSync(file, good.replace('"prefix"', '"prefx"'));
  for (let request = 0; request < 2; request += 1)
    assert.throws(
      () => tokens.grant(`Bearer ${all}`),
      (error) => {
        assert.ok(error instanceof Fault);
        assert.match(
          error.message,
          /^cannot read the tokens in .*tokens\.json \(ingest\.tokensFile\): token 1 has an unknown field "prefx"/,
        );
        assert.match(error.hint ?? '', /^Correct the file/);
        return true;
      },
    );
  writeFileSync(file, good);
  assert.equal(typeof tokens.grant(`Bearer ${all}`), 'object');
});

test('a file that is not there says which command makes it', () => {
  const file = scratch();
  const tokens = new Tokens(file, systemClock);
  assert.throws(() => tokens.grant(undefined), { code: 'ENOENT', hint: 'halfpipe token add NAME makes it' });
});

test('what is no regular file, or a very large one, is refused and does not stop the thread', () => {
  const large = scratch();
  writeFileSync(large, ' '.repeat(1_048_577));
  assert.throws(() => readTokenFile(large), /larger than 1 MiB/);
  assert.throws(() => readTokenFile('/dev/zero'), /not a regular file/);
});

test('twenty changes at once lose none', async () => {
  const file = scratch();
  const names = Array.from({ length: 20 }, (_, index) => `token-${index}`);
  await Promise.all(
    names.map((name) => changeTokens(file, (before) => [...before, stored(name, makeToken())], ports)),
  );
  assert.deepEqual(
    readTokenFile(file)
      .tokens.map(({ name }) => name)
      .sort(),
    names.toSorted(),
  );
  assert.deepEqual(readdirSync(join(file, '..')), ['tokens.json']);
});

test('a change that is refused leaves the file as it was, and nothing beside it', async () => {
  const { file } = await bench();
  const before = readFileSync(file, 'utf8');
  const refuse = () => {
    throw new RangeError('no');
  };
  await assert.rejects(changeTokens(file, refuse, ports), /^RangeError: no$/);
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.deepEqual(readdirSync(join(file, '..')), ['tokens.json']);
});

test('a new file is for its owner alone, or for a group to read; an existing one keeps its mode', async () => {
  const alone = scratch();
  await changeTokens(alone, () => [], ports);
  assert.equal(statSync(alone).mode & 0o7777, 0o600);
  const shared = scratch();
  const gid = process.getgid?.() ?? 0;
  await changeTokens(shared, () => [], { clock: systemClock, readers: gid });
  assert.equal(statSync(shared).mode & 0o7777, 0o640);
  chmodSync(shared, 0o440);
  await changeTokens(shared, () => [], ports);
  assert.deepEqual([statSync(shared).mode & 0o7777, statSync(shared).gid], [0o440, gid]);
});

test('an existing file keeps its owner and group', { skip: process.getuid?.() !== 0 }, async () => {
  const file = scratch();
  await changeTokens(file, () => [], ports);
  chownSync(file, 1234, 4321);
  await changeTokens(file, () => [stored('a', makeToken())], ports);
  assert.deepEqual([statSync(file).uid, statSync(file).gid], [1234, 4321]);
});

test('a symbolic link stays, and the file that it leads to is changed', async () => {
  const { file } = await bench();
  const link = join(scratch(), '..', 'link.json');
  symlinkSync(file, link);
  await changeTokens(link, () => [], ports);
  assert.deepEqual(readTokenFile(file).tokens, []);
  assert.deepEqual(
    readdirSync(join(link, '..'), { withFileTypes: true }).map((entry) => entry.isSymbolicLink()),
    [true],
  );
});

test('leftovers of a crash are replaced', async () => {
  const { file } = await bench();
  writeFileSync(join(file, '..', '.tokens.json.new'), 'half');
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(file, '..', '.tokens.json.lock'), `${pid}`);
  await changeTokens(file, () => [], ports);
  assert.deepEqual(readdirSync(join(file, '..')), ['tokens.json']);
});

test('a lock of a process that runs is waited for, and told in the end', async () => {
  const { file } = await bench();
  const lock = join(file, '..', '.tokens.json.lock');
  writeFileSync(lock, `${process.pid}`);
  const clock = new SimClock();
  const changed = assert.rejects(
    changeTokens(file, () => [], { clock, readers: undefined }),
    /another halfpipe token command is changing it/,
  );
  await advancing(clock, changed);
  // Nothing was written to it: its process ended in between.
  writeFileSync(lock, '');
  utimesSync(lock, 0, 0);
  await changeTokens(file, () => [], ports);
});

/** Lets time pass until `work` has ended. */
async function advancing(clock: SimClock, work: Promise<void>): Promise<void> {
  let hasEnded = false;
  void work.finally(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    await clock.advance(50);
    await new Promise(setImmediate);
  }
  await work;
}

test('a missing folder is told with the command that makes it', async () => {
  const file = join(scratch(), '..', 'none', 'tokens.json');
  await assert.rejects(
    changeTokens(file, () => [], ports),
    (error) => {
      assert.ok(error instanceof Fault);
      assert.match(error.message, /^cannot write the tokens in .*: its folder does not exist/);
      assert.match(error.hint ?? '', /^Make the folder: mkdir -p/);
      return true;
    },
  );
});
