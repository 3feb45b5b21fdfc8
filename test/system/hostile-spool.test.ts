// A spool that others may write to, drained by a service without privileges: what they put there costs the service
// neither its secrets, nor its memory, nor its peace. What cannot be drained is named once and tried seldom.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Config, DaemonFixture, type DaemonRun } from '../support/daemon-fixture.ts';

const skip = process.getuid?.() !== 0 && 'needs root, for files of several users';
/** Users and a group nobody has: numbers are enough for the kernel. */
const SERVICE = 64_001;
const PRODUCER = 64_002;
const PRODUCERS = 64_100;
const AS_SERVICE = ['setpriv', `--reuid=${SERVICE}`, `--regid=${SERVICE}`, `--groups=${PRODUCERS}`];

/** The service owns the spool; others may write to it as `mode` says. */
async function spoolOf(t: TestContext, mode: number, config: Config = {}): Promise<DaemonFixture> {
  const fixture = await DaemonFixture.create(t, config);
  chmodSync(fixture.base, 0o755);
  chownSync(fixture.spool, SERVICE, PRODUCERS);
  chmodSync(fixture.spool, mode);
  return fixture;
}

function putAs(fixture: DaemonFixture, uid: number, name: string, mode = 0o640): void {
  const place = join(fixture.spool, name);
  writeFileSync(place, `content of ${name}`, { mode });
  chownSync(place, uid, uid === 0 ? 0 : PRODUCERS);
}

async function ready(fixture: DaemonFixture): Promise<DaemonRun> {
  const daemon = fixture.start({}, [...AS_SERVICE, '--inh-caps=-all']);
  await daemon.says('ready');
  return daemon;
}

/** It goes on for a while, and nothing more comes of what is left. */
async function checkPeace(fixture: DaemonFixture, daemon: DaemonRun): Promise<void> {
  const [lines, requests] = [daemon.records.length, fixture.begun.length];
  for (const round of [1, 2, 3]) {
    writeFileSync(join(fixture.spool, `round${round}`), 'x', { mode: 0o644 });
    await daemon.says('uploaded', ({ file }) => file === `round${round}`);
  }
  // A summary may fall into it; a request to learn what the store can do, too.
  const told = daemon.records.slice(lines).map(({ msg }) => msg);
  assert.ok(told.length <= 5, `a line for each new file: ${told.join('\n')}`);
  assert.ok(fixture.begun.length - requests <= 9, 'requests for the new files alone');
}

describe('a spool others may write to', { concurrency: 2, skip }, () => {
  for (const { mode, kind } of [
    { mode: 0o1777, kind: 'sticky, of mode 1777' },
    { mode: 0o2770, kind: 'of a group, of mode 2770' },
  ]) {
    test(`${kind}: drains what it may read, names the rest once, and is not busy with it`, async (t) => {
      const fixture = await spoolOf(t, mode);
      putAs(fixture, PRODUCER, 'of a producer');
      putAs(fixture, PRODUCER, '-rf', 0o644);
      putAs(fixture, PRODUCER, '--help\u001b[2J\u001b]0;owned\u0007', 0o644);
      putAs(fixture, 0, 'unreadable', 0o600);
      const foreign = join(fixture.base, 'secret');
      writeFileSync(foreign, 'of root alone', { mode: 0o600 });
      linkSync(foreign, join(fixture.spool, 'hard link to a secret'));
      const shared = join(fixture.base, 'shared');
      writeFileSync(shared, 'for all to read', { mode: 0o644 });
      linkSync(shared, join(fixture.spool, 'hard link'));
      execFileSync('mknod', [join(fixture.spool, 'device'), 'c', '1', '5']);
      execFileSync('mkfifo', [join(fixture.spool, 'fifo')]);
      const socket = createServer().listen(join(fixture.spool, 'socket'));
      t.after(() => socket.close());
      const daemon = await ready(fixture);
      const left = ['device', 'fifo', 'hard link to a secret', 'socket', 'unreadable'];
      await fixture.untilDrained(left);
      await fixture.until(
        'all are told of',
        () =>
          daemon.of('deferred').length === 2 &&
          daemon.of('skipped').length === 3 &&
          daemon.of('uploaded').length === 4,
      );
      assert.equal(fixture.keys().length, 4);
      assert.equal(String(await fixture.object('hard link')), 'for all to read', 'a file like any other');
      const skipped = daemon.of('skipped').map(({ file, what }) => `${file}: ${what}`);
      assert.deepEqual(skipped.toSorted(), ['device: a device', 'fifo: a FIFO', 'socket: a socket']);
      await checkPeace(fixture, daemon);
      const deferred = daemon.of('deferred').map(({ file }) => file);
      assert.deepEqual(deferred.toSorted(), ['hard link to a secret', 'unreadable'], 'each is named once');
      assert.ok(!daemon.stdout.includes('\u001b'), 'no escape sequence reaches a terminal');
      assert.equal(await daemon.stop(), 0);
      assert.deepEqual(await fixture.spooled(), left);
    });
  }

  test('does not send what it cannot remove, says what to do, and drains it on a reload when it can', async (t) => {
    const fixture = await spoolOf(t, 0o2770);
    const folder = join(fixture.spool, 'of a producer');
    mkdirSync(folder, { mode: 0o755 });
    writeFileSync(join(folder, 'file'), 'x', { mode: 0o644 });
    chownSync(folder, PRODUCER, PRODUCERS);
    const daemon = await ready(fixture);
    const { msg } = await daemon.says('deferred');
    assert.match(
      String(msg),
      /^deferred of a producer\/file for 10 min: files cannot be removed from the folder of .*EACCES.*chmod g\+rwx/,
    );
    assert.deepEqual(fixture.keys(), []);
    await checkPeace(fixture, daemon);
    assert.equal(daemon.of('deferred').length, 1);
    chmodSync(folder, 0o775);
    await delay(6_000);
    daemon.signal('SIGHUP');
    await fixture.untilDrained(['of a producer']);
    assert.equal(fixture.timesStored('of a producer/file'), 1);
    assert.equal(await daemon.stop(), 0);
  });

  test('does not start on a sticky spool of somebody else, and says whose it must be', async (t) => {
    const fixture = await spoolOf(t, 0o1777);
    chownSync(fixture.spool, PRODUCER, PRODUCERS);
    const daemon = fixture.start({}, AS_SERVICE);
    assert.equal(await daemon.exit, 1);
    assert.match(String(daemon.of('cannotStart')[0]?.msg), new RegExp(`chown ${SERVICE} `));
  });

  test('small files pass beside older ones of terabytes, and those too large are quarantined unread', async (t) => {
    // 5 MB/s for all, one upload at once, and 48 MiB of memory for files in parts.
    const config = { link: { capacity: '80 Mbit/s', floor: '50 %' }, upload: { concurrency: 1 } };
    const fixture = await spoolOf(t, 0o2770, config);
    for (const [name, bytes] of [
      ['huge', 100 * 1024 ** 3],
      ['also huge', 100 * 1024 ** 3],
      ['too huge', 1024 ** 4],
    ] as const) {
      putAs(fixture, SERVICE, name);
      truncateSync(join(fixture.spool, name), bytes);
      utimesSync(join(fixture.spool, name), 1, 1);
    }
    for (let file = 0; file < 100; file += 1) putAs(fixture, PRODUCER, `small${file}`);
    const daemon = await ready(fixture);
    await fixture.untilDrained(['also huge', 'huge']);
    assert.equal(fixture.keys().filter((key) => key.startsWith('small')).length, 100);
    const { msg } = await daemon.says('quarantined');
    assert.match(String(msg), /too huge: the file is 1024\.0 GiB; the present upload\.maxMemory allows/);
    await fixture.until('a huge one is under way', () =>
      fixture.begun.some((request) => /partNumber=1&/.test(request)),
    );
    assert.ok(
      !fixture.begun.some((request) => /too%20huge/.test(request)),
      'nothing was asked about the other',
    );
    assert.equal(await daemon.stop(), 0);
  });

  test('drains 20,000 empty files, with a line for each and no more', async (t) => {
    const fixture = await spoolOf(t, 0o2770);
    for (let file = 0; file < 20_000; file += 1) writeFileSync(join(fixture.spool, `${file}`), '');
    const daemon = await ready(fixture);
    await fixture.until('some are drained', () => fixture.keys().length > 200);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(daemon.of('paused'), []);
    assert.deepEqual(daemon.of('deferred'), []);
    assert.equal(daemon.of('uploaded').length + (await fixture.spooled()).length, 20_000);
  });
});
