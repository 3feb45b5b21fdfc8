// SIGHUP: new settings without dropping an upload; a bad file changes nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Config, DaemonFixture, KEYS, SLOW, SLOW_BYTES } from '../support/daemon-fixture.ts';
import { S3Error } from '../support/s3-error.ts';
import { bytesOf } from '../support/store-fixture.ts';

const CONTENT = bytesOf(SLOW_BYTES);

async function uploading(fixture: DaemonFixture) {
  await fixture.put('under way', CONTENT);
  const daemon = fixture.start();
  await fixture.untilBegun(/PUT .*under/);
  return daemon;
}

describe('a reload', { concurrency: 4 }, () => {
  test('takes the new settings and drops no upload in flight', async (t) => {
    const fixture = await DaemonFixture.create(t, SLOW);
    const daemon = await uploading(fixture);
    await fixture.configure({
      link: { capacity: '10 Gbit/s', share: '40 %' },
      s3: { prefix: 'new/' },
      spool: { order: 'name' },
      log: { level: 'debug' },
    });
    daemon.signal('SIGHUP');
    const { changed, msg } = await daemon.says('reloaded');
    assert.deepEqual(changed, [
      'spool.order',
      'link.capacity',
      'link.share',
      'link.floor',
      's3.prefix',
      'log.level',
    ]);
    assert.match(String(msg), /^reloaded: changed spool\.order \(\S+:\d+\), link\.capacity/);
    await fixture.put('later', 'x');
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), ['new/later', 'under way']);
    assert.deepEqual(await fixture.object('under way'), CONTENT);
    assert.equal(fixture.timesStored('under way'), 1);
    assert.equal(fixture.begun.filter((begun) => /PUT .*under/.test(begun)).length, 1, 'sent once');
    assert.deepEqual(daemon.of('deferred'), []);
  });

  test('reads the drop-ins again, and tells which came and went, and where changed keys stand', async (t) => {
    const fixture = await DaemonFixture.create(t, { link: { capacity: '10 Gbit/s', share: '40 %' } });
    const folder = join(fixture.base, 'conf.d');
    const file = join(folder, '10-share.yaml');
    const daemon = fixture.start();
    assert.equal((await daemon.says('starting')).dropIns, undefined);
    await daemon.says('ready');
    await mkdir(folder);
    await writeFile(file, 'link:\n  share: 30 %\n');
    daemon.signal('SIGHUP');
    assert.equal((await daemon.says('reloaded')).msg, `reloaded: changed link.share (${file}:2)`);
    assert.equal((await daemon.says('configFiles')).msg, `config: ${file} is read from now on`);
    await writeFile(file, 'link:\n  sher: 30 %\n');
    daemon.signal('SIGHUP');
    const { problem } = await daemon.says('reloadRefused');
    assert.equal(problem, `${file}:2: link.sher is not an option: did you mean link.share?`);
    await rm(file);
    daemon.signal('SIGHUP');
    const back = (message: unknown) =>
      /^reloaded: changed link\.share \(\S+halfpipe\.json:1\)$/.test(`${message}`);
    await daemon.says('reloaded', ({ msg }) => back(msg));
    await daemon.says('configFiles', ({ msg }) => msg === `config: ${file} is gone`);
    assert.equal(await daemon.stop(), 0);
  });

  test('with a drop-in that leads nowhere names that, not the config file', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const link = join(fixture.base, 'conf.d/10.yaml');
    const daemon = fixture.start();
    await daemon.says('ready');
    await mkdir(join(fixture.base, 'conf.d'));
    await symlink('/nonexistent', link);
    daemon.signal('SIGHUP');
    assert.match(
      String((await daemon.says('reloadRefused')).problem),
      /conf\.d\/10\.yaml: no such file: every/,
    );
    await rm(link);
    daemon.signal('SIGHUP');
    assert.equal((await daemon.says('reloaded')).msg, 'reloaded: nothing changed');
  });

  test('to another log.level is told at the new one', async (t) => {
    const fixture = await DaemonFixture.create(t, { log: { level: 'error' } });
    const daemon = fixture.start();
    await fixture.put('drained', 'x');
    await fixture.untilDrained();
    await fixture.configure({ log: { level: 'info' } });
    daemon.signal('SIGHUP');
    assert.deepEqual((await daemon.says('reloaded')).changed, ['log.level']);
    assert.deepEqual(daemon.of('starting'), []);
    assert.equal(await daemon.stop(), 0);
  });

  test('to log.level debug tells of scans, requests, removals and samples, and no secret', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await fixture.put('at info', 'x');
    await daemon.says('uploaded');
    const events = ['scanned', 'request', 'asideStep', 'sample'];
    assert.deepEqual(
      events.flatMap((event) => daemon.of(event)),
      [],
    );
    await fixture.configure({ log: { level: 'debug' } });
    daemon.signal('SIGHUP');
    await daemon.says('reloaded');
    await fixture.put('at debug', 'xyz');
    await daemon.says('uploaded', ({ file }) => file === 'at debug');
    for (const event of events) assert.equal((await daemon.says(event)).level, 'debug');
    const { msg, status, bytes } = await daemon.says('request', ({ operation }) => operation === 'PutObject');
    assert.match(String(msg), /^PutObject at debug: 200 in \d+\.\d\d s, 3 B sent$/);
    assert.deepEqual([status, bytes], [200, 3]);
    assert.deepEqual(
      daemon.of('asideStep').map(({ step }) => step),
      ['aside', 'removed'],
    );
    // The fixture fails when the key or a signature was printed.
    assert.equal(await daemon.stop(), 0);
  });

  test('with a bad file keeps the old settings, says why in a line, and goes on', async (t) => {
    const fixture = await DaemonFixture.create(t, SLOW);
    const daemon = await uploading(fixture);
    await fixture.configure({ link: { share: '150 %' } });
    daemon.signal('SIGHUP');
    const { msg, problem } = await daemon.says('reloadRefused');
    assert.match(String(problem), /link\.share = "150 %": must be above 0 % and at most 100 %/);
    assert.match(String(msg), /^reload refused, the old settings stay: /);
    assert.equal(daemon.of('reloadRefused').length, 1);
    await fixture.untilDrained();
    assert.deepEqual(await fixture.object('under way'), CONTENT);
    assert.deepEqual(daemon.of('reloaded'), []);
  });

  for (const { what, text, reason } of [
    { what: 'a missing file', text: undefined, reason: /no such file: put it back, then reload again$/ },
    { what: 'a file that does not parse', text: '{', reason: /halfpipe\.json:\d/ },
  ]) {
    test(`with ${what} is refused`, async (t) => {
      const fixture = await DaemonFixture.create(t);
      const daemon = fixture.start();
      await daemon.says('ready');
      if (text === undefined) await rm(fixture.configFile);
      else await writeFile(fixture.configFile, text);
      daemon.signal('SIGHUP');
      assert.match(String((await daemon.says('reloadRefused')).problem), reason);
      await fixture.put('still drained', 'x');
      await daemon.says('uploaded');
    });
  }

  // The SDK's plain Error ended the process as an unhandled rejection.
  test('to an endpoint of which the SDK makes no host is refused', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start({ AWS_ENDPOINT_URL: 'nonsense' });
    await daemon.says('ready');
    await fixture.configure({ s3: { endpoint: null } });
    daemon.signal('SIGHUP');
    assert.match(String((await daemon.says('reloadRefused')).problem), /no host to send to: .*s3\.region/);
    await fixture.put('still drained', 'x');
    await daemon.says('uploaded');
  });

  test('says which changed keys need a restart, and stays with the old spool until then', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const other = join(fixture.base, 'other');
    await mkdir(other);
    await fixture.configure({ spool: { path: other }, log: { format: 'text' } });
    daemon.signal('SIGHUP');
    const { keys, msg } = await daemon.says('restartNeeded');
    assert.deepEqual(keys, ['spool.path', 'log.format']);
    assert.match(String(msg), /spool\.path \(.*, log\.format \(.*only after a restart/);
    daemon.signal('SIGHUP');
    await fixture.until('the next reload says so, too', () => daemon.of('restartNeeded').length === 2);
    await fixture.put('in the old spool', 'x');
    await daemon.says('uploaded');
  });

  test('with a corrected bucket ends a pause at once', async (t) => {
    const fixture = await DaemonFixture.create(t, { s3: { bucket: 'misspelt' }, retry: { probe: '1 h' } });
    await fixture.put('waits', 'x');
    const daemon = fixture.start();
    await daemon.says('paused');
    await fixture.configure({ retry: { probe: '1 h' } });
    daemon.signal('SIGHUP');
    await daemon.says('resumed');
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), ['waits']);
  });

  test('that replaces the store closes the connections of the old one, the busy one after its upload', async (t) => {
    const fixture = await DaemonFixture.create(t, SLOW);
    fixture.keepIdleConnections();
    // Three seconds, so that a reload on a busy machine ends before it.
    await fixture.put('under way', bytesOf(2.5 * SLOW_BYTES));
    const daemon = fixture.start();
    await fixture.untilBegun(/PUT .*under/);
    const old = [...fixture.connections];
    await fixture.configure({ ...SLOW, s3: { prefix: 'new/' } });
    daemon.signal('SIGHUP');
    await daemon.says('reloaded');
    assert.equal(fixture.timesStored('under way'), 0, 'the upload is under way at the reload');
    await fixture.until('the old connections are closed', () =>
      old.every((connection) => !fixture.connections.has(connection)),
    );
    assert.equal(fixture.timesStored('under way'), 1, 'only then');
    await fixture.put('later', 'x');
    await daemon.says('uploaded', ({ file }) => file === 'later');
    assert.equal(fixture.connections.size, 1, 'the new store keeps its own');
  });

  test('that changes nothing tries the files that wait, over the connections that are open', async (t) => {
    let isRefused = true;
    const ask = ({ key }: { readonly key: string }) => {
      if (isRefused && key === 'waits') throw new S3Error(500, 'InternalError', 'Try again.');
    };
    const retry = { initial: '1 h', max: '1 h' };
    const fixture = await DaemonFixture.create(t, { retry }, { ask });
    fixture.keepIdleConnections();
    await fixture.put('waits', 'x');
    const daemon = fixture.start();
    await daemon.says('deferred');
    isRefused = false;
    const before = [...fixture.connections];
    daemon.signal('SIGHUP');
    assert.deepEqual((await daemon.says('reloaded')).changed, []);
    await daemon.says('uploaded');
    assert.deepEqual([...fixture.connections], before);
  });

  test('reads the credentials anew', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const credentials = join(fixture.base, 'credentials');
    const write = ({ accessKeyId, secretAccessKey }: typeof KEYS) =>
      writeFile(
        credentials,
        `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`,
      );
    await write(KEYS);
    const env = {
      AWS_SHARED_CREDENTIALS_FILE: credentials,
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
    };
    const daemon = fixture.start(env);
    await fixture.put('before', 'x');
    await daemon.says('uploaded');
    await write({ ...KEYS, accessKeyId: 'AKIDOFANOTHERACCOUNT' });
    daemon.signal('SIGHUP');
    assert.deepEqual((await daemon.says('reloaded')).changed, []);
    await fixture.put('after', 'y');
    assert.match(String((await daemon.says('paused')).msg), /InvalidAccessKeyId/);
  });

  const REFUSED: Config = {
    spool: { settle: '1 h', ignore: ['*'] },
    link: { share: '10 %', capacity: '1 Gbit/s' },
    s3: { prefix: 'refused/', bucket: 'refused', storageClass: 'GLACIER' },
    upload: { concurrency: 1, deadline: '11 s' },
    retry: { initial: '4 min', probe: '1 h' },
    log: { level: 'debug' },
  };
  test('that leads to no link, or has one bad value, is refused and changes nothing at all', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const shown = async () => {
      const { uploads, link } = await fixture.snapshot();
      return [uploads.limit, link?.interface, link?.targetBitsPerSec, link?.floorBitsPerSec];
    };
    const before = await shown();
    for (const { link, reason } of [
      { link: { interface: 'nosuch0' }, reason: /nosuch0 does not exist/ },
      { link: { share: '150 %' }, reason: /link\.share = "150 %"/ },
    ]) {
      await fixture.configure({ ...REFUSED, link: { ...REFUSED.link, ...link } });
      daemon.signal('SIGHUP');
      await daemon.says('reloadRefused', ({ problem }) => reason.test(String(problem)));
    }
    await fixture.put('by the old settings', 'x');
    assert.equal((await daemon.says('uploaded')).key, 'by the old settings');
    assert.deepEqual(await shown(), before);
    await fixture.configure({});
    daemon.signal('SIGHUP');
    assert.deepEqual((await daemon.says('reloaded')).changed, [], 'what is in force is what was');
    assert.ok(!daemon.records.some(({ level }) => level === 'debug'));
    assert.deepEqual(await shown(), before);
  });

  test('during a start that fails changes nothing about its end', async (t) => {
    const fixture = await DaemonFixture.create(t);
    await fixture.configure({ spool: { path: '/nonexistent' } });
    // In a process of its own, for it listens to signals; the signal comes while the start is under way.
    const script = `
      import { run } from './src/commands/run.ts';
      const end = run({ configFile: ${JSON.stringify(fixture.configFile)}, env: {}, version: '1', exitNow: process.exit });
      while (process.listenerCount('SIGHUP') === 0) await new Promise(setImmediate);
      process.emit('SIGHUP');
      process.exit(await end);`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 1);
    assert.match(stdout, /"event":"cannotStart"/);
    assert.doesNotMatch(stdout, /reload/);
  });

  test('while it stops changes nothing about the stop', async (t) => {
    const fixture = await DaemonFixture.create(t, SLOW);
    const daemon = await uploading(fixture);
    daemon.signal('SIGTERM');
    daemon.signal('SIGHUP');
    assert.equal(await daemon.exit, 0);
    assert.deepEqual(await fixture.spooled(), []);
    assert.deepEqual(await fixture.object('under way'), CONTENT);
  });
});
