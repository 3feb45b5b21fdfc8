// What the operator reads, and with which code the process ends, when the config or the place it is to work in is wrong.
import assert from 'node:assert/strict';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Config, DaemonFixture, type DaemonRun, KEYS } from '../support/daemon-fixture.ts';
import { S3Error } from '../support/s3-error.ts';

const BAD_CONFIG = 78;
const FAILURE = 1;

interface Refusal {
  readonly what: string;
  readonly config?: Config;
  /** The config file's whole text. */
  readonly text?: string;
  readonly code: number;
  readonly says: RegExp;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: 'YAML that does not parse',
    text: 's3: { bucket: inbox\nspool: [',
    code: BAD_CONFIG,
    says: /halfpipe\.json:2:1: Flow map in block collection/,
  },
  {
    what: 'an unknown key',
    config: { spool: { setle: '2 s' } },
    code: BAD_CONFIG,
    says: /spool\.setle is not an option: did you mean spool\.settle\?/,
  },
  {
    what: 'a share of 0',
    config: { link: { share: '0 %' } },
    code: BAD_CONFIG,
    says: /link\.share = "0 %": must be above 0 % and at most 100 %/,
  },
  {
    what: 'a share of 150 %',
    config: { link: { share: '150 %' } },
    code: BAD_CONFIG,
    says: /link\.share = "150 %": must be above 0 % and at most 100 %/,
  },
  {
    what: 'an unknown capacity of a virtual card',
    config: { link: { capacity: 'auto' } },
    code: BAD_CONFIG,
    says: /the capacity of lo is unknown.*Set link\.capacity/,
  },
  {
    what: 'a spool that does not exist',
    config: { spool: { path: '/nonexistent/spool' } },
    code: FAILURE,
    says: /the spool \/nonexistent\/spool does not exist: create the folder/,
  },
];

/** One line of standard error, or the message of the one fatal record. */
function complaint(run: DaemonRun): string {
  return run.stderr === '' ? String(run.of('cannotStart')[0]?.msg) : run.stderr;
}

describe('halfpipe run refuses', { concurrency: 4 }, () => {
  for (const { what, config = {}, text, code, says } of REFUSALS) {
    test(what, async (t) => {
      const fixture = await DaemonFixture.create(t, config);
      if (text !== undefined) await writeFile(fixture.configFile, text);
      await fixture.put('kept', 'untouched');
      const run = fixture.start();
      assert.equal(await run.exit, code, `${run.stdout}${run.stderr}`);
      assert.match(complaint(run), says);
      assert.doesNotMatch(complaint(run), /\n\s+at /, 'no stack trace');
      assert.deepEqual(await fixture.spooled(), ['kept']);
      assert.deepEqual(fixture.served, []);
    });
  }

  test('a missing config file', async (t) => {
    const fixture = await DaemonFixture.create(t);
    await rm(fixture.configFile);
    const run = fixture.start();
    assert.equal(await run.exit, BAD_CONFIG);
    assert.match(run.stderr, /halfpipe\.json: no such file: name the config file with --config FILE\n$/);
  });

  test('a spool that is a file', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const path = join(fixture.base, 'file');
    await writeFile(path, 'kept');
    await fixture.configure({ spool: { path } });
    const run = fixture.start();
    assert.equal(await run.exit, FAILURE);
    assert.match(complaint(run), /is not a folder/);
  });

  const asRoot = process.getuid?.() === 0 && 'root may write everywhere';
  test('a spool it may not write to', { skip: asRoot }, async (t) => {
    const fixture = await DaemonFixture.create(t);
    await chmod(fixture.spool, 0o500);
    const run = fixture.start();
    assert.equal(await run.exit, FAILURE);
    assert.match(complaint(run), /make the spool writable for the service user/);
    await chmod(fixture.spool, 0o700);
  });

  test('a spool that another instance drains, and leaves that one alone', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const first = fixture.start();
    await first.says('ready');
    const second = fixture.start();
    assert.equal(await second.exit, FAILURE);
    assert.match(complaint(second), new RegExp(`another halfpipe \\(pid ${first.pid}\\) drains the spool`));
    await fixture.put('after', 'x');
    await first.says('uploaded');
    assert.equal(await first.stop(), 0);
  });
});

describe('halfpipe run waits for', { concurrency: 4 }, () => {
  test('an endpoint that refuses connections, is ready without it, and drains once it is there', async (t) => {
    const fixture = await DaemonFixture.create(t);
    await fixture.stopServer();
    await fixture.put('early', 'x');
    const daemon = fixture.start();
    await daemon.says('ready');
    const { msg } = await daemon.says('paused');
    assert.match(
      String(msg),
      /draining is paused.*ECONNREFUSED.*check s3\.endpoint.*halfpipe tries again by itself/,
    );
    const asked = fixture.command(['status', '--config', fixture.configFile]);
    assert.equal(await asked.exit, 1);
    assert.match(asked.stdout, /DEGRADED: paused.*PROBLEM.*ECONNREFUSED.*what to do/s);
    await fixture.startServer();
    await daemon.says('resumed');
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), ['early']);
  });

  test('an interface that does not exist yet', async (t) => {
    const fixture = await DaemonFixture.create(t, { link: { interface: 'nosuch0' } });
    await fixture.put('early', 'x');
    const daemon = fixture.start();
    const { msg } = await daemon.says('waitingForLink');
    assert.match(
      String(msg),
      /^waiting for the network: .*interface nosuch0 does not exist\. Check link\.interface/,
    );
    await daemon.says('ready');
    const asked = fixture.command(['status', '--config', fixture.configFile]);
    assert.equal(await asked.exit, 1);
    assert.match(
      asked.stdout,
      /backlog {2}1 file, .*link {5}not found yet.*PROBLEM.*nosuch0 does not exist/s,
    );
    assert.deepEqual(fixture.begun, [], 'nothing is sent');
    // As when it appears: another config leads to one that is there.
    await fixture.configure({});
    daemon.signal('SIGHUP');
    await fixture.untilDrained();
    assert.equal(daemon.of('waitingForLink').length, 1, 'said once');
  });

  test('a bucket that does not exist', async (t) => {
    const fixture = await DaemonFixture.create(t, { s3: { bucket: 'no-such-bucket' } });
    await fixture.put('kept', 'x');
    const daemon = fixture.start();
    const { msg } = await daemon.says('paused');
    assert.match(String(msg), /NoSuchBucket.*create it or correct s3\.bucket/);
    await daemon.says('ready');
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(await fixture.spooled(), ['kept']);
    assert.equal(daemon.of('paused').length, 1, 'one alarm');
  });

  test('credentials that are right: a wrong secret pauses the drain and is never printed', async (t) => {
    const fixture = await DaemonFixture.create(t);
    await fixture.put('kept', 'x');
    const secret = 'wrong-secret-of-this-test';
    const daemon = fixture.start({ AWS_SECRET_ACCESS_KEY: secret });
    const { msg } = await daemon.says('paused');
    assert.match(String(msg), /SignatureDoesNotMatch.*access key or secret is wrong/);
    assert.equal(await daemon.stop(), 0);
    assert.ok(!`${daemon.stdout}${daemon.stderr}`.includes(secret));
    assert.deepEqual(await fixture.spooled(), ['kept']);
    assert.deepEqual(fixture.keys(), []);
  });

  // The fixture fails when any of the commands has printed the secret.
  test('credentials that are right, and shows them nowhere, though the store repeats them', async (t) => {
    let [code, isForAll] = ['InvalidAccessKeyId', true];
    const ask = ({ key }: { readonly key: string }) => {
      if (isForAll || key === 'bad') throw new S3Error(403, code, `you signed with ${KEYS.secretAccessKey}!`);
    };
    const fixture = await DaemonFixture.create(t, {}, { ask });
    await fixture.put('bad', 'x');
    const daemon = fixture.start();
    const hidden = /you signed with \[redacted\]!/;
    const checkHidden = async (...words: string[]) => {
      const command = fixture.command([...words, '--config', fixture.configFile]);
      await command.exit;
      assert.match(command.stdout, hidden, words.join(' '));
    };
    assert.match(String((await daemon.says('paused')).msg), hidden);
    await Promise.all([checkHidden('status'), checkHidden('check')]);
    [code, isForAll] = ['KeyTooLongError', false];
    assert.match(String((await daemon.says('quarantined')).msg), hidden);
    await checkHidden('quarantine', 'list');
  });

  test('credentials that are missing', async (t) => {
    const fixture = await DaemonFixture.create(t);
    await fixture.put('kept', 'x');
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', HOME: fixture.base };
    const daemon = fixture.start(none);
    const { msg } = await daemon.says('paused');
    assert.match(String(msg), /No credentials were found/);
    assert.deepEqual(await fixture.spooled(), ['kept']);
  });
});
