// SIGHUP: new settings without dropping an upload; a bad file changes nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DaemonFixture, SLOW, SLOW_BYTES } from '../support/daemon-fixture.ts';
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
    assert.match(String(msg), /^reloaded: changed spool\.order, link\.capacity/);
    await fixture.put('later', 'x');
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), ['new/later', 'under way']);
    assert.deepEqual(await fixture.object('under way'), CONTENT);
    assert.equal(fixture.timesStored('under way'), 1);
    assert.equal(fixture.begun.filter((begun) => /PUT .*under/.test(begun)).length, 1, 'sent once');
    assert.deepEqual(daemon.of('deferred'), []);
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

  test('to an interface that does not exist is refused', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    await fixture.configure({ link: { interface: 'nosuch0' } });
    daemon.signal('SIGHUP');
    assert.match(String((await daemon.says('reloadRefused')).problem), /nosuch0 does not exist/);
    await fixture.put('still drained', 'x');
    await daemon.says('uploaded');
  });

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
    assert.match(String(msg), /spool\.path, log\.format.*only after a restart/);
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
    // As src/main.ts does.
    const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
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
