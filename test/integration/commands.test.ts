// The command line: what each command prints and with which code it ends.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { printable } from '../../src/system/printable.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';

const ELSEWHERE = readdirSync('/sys/class/net').find((name) => name !== 'lo');

describe('halfpipe', { concurrency: 4 }, () => {
  for (const { args, code, out, err } of [
    { args: ['--help'], code: 0, out: /^Usage: halfpipe COMMAND[\s\S]*Exit codes: 0 fine/, err: /^$/ },
    { args: ['run', '--help'], code: 0, out: /^Usage: halfpipe run\n/, err: /^$/ },
    { args: ['--version'], code: 0, out: /^halfpipe \d+\.\d+\.\d+\n$/, err: /^$/ },
    { args: [], code: 2, out: /^$/, err: /which command\? One of status, .*\nTry 'halfpipe --help'\.\n$/ },
    { args: ['chek'], code: 2, out: /^$/, err: /^halfpipe: unknown command chek: did you mean check\?\n/ },
    { args: ['help'], code: 0, out: /^Usage: halfpipe COMMAND/, err: /^$/ },
    { args: ['fly\x1b[1m'], code: 2, out: /^$/, err: /unknown command fly\\x1b\[1m\n/ },
    {
      args: ['status', '--jsn'],
      code: 2,
      out: /^$/,
      err: /^halfpipe: unknown option --jsn: did you mean --json\?\nTry 'halfpipe status --help'\.\n$/,
    },
    {
      args: ['status', '--instance', 'no-such'],
      code: 78,
      out: /^$/,
      err: /^halfpipe: there is no instance no-such, because \/etc\/halfpipe\/no-such\.yaml does not exist: /,
    },
    {
      args: ['status', '--config', '/no\x1b'],
      code: 78,
      out: /^$/,
      err: /^halfpipe: \/no\\x1b: no such file/,
    },
    {
      args: ['run', '--config', '/dev/null'],
      code: 78,
      out: /^$/,
      err: /\/dev\/null: is not a regular file/,
    },
    { args: ['run', '--config', '/etc'], code: 78, out: /^$/, err: /\/etc: is a directory/ },
    { args: ['status', '--config', '/nonexistent'], code: 78, out: /^$/, err: /\/nonexistent: no such file/ },
  ]) {
    test(`${printable(['halfpipe', ...args].join(' '))} ends with ${code}`, async (t) => {
      const fixture = await DaemonFixture.create(t);
      const run = fixture.command(args);
      assert.equal(await run.exit, code);
      assert.match(run.stdout, out);
      assert.match(run.stderr, err);
    });
  }

  test('check says what would be used and why, and leaves nothing in bucket and spool', async (t) => {
    // Other tests send over lo at the same time: the floor is the target.
    const link = { capacity: '100 Mbit/s', share: '40 %', floor: '40 %' };
    const fixture = await DaemonFixture.create(t, { link });
    const run = fixture.command(['check', '--config', fixture.configFile]);
    assert.equal(await run.exit, 0, run.stdout);
    for (const line of [
      /^ok {3}config {2}.*halfpipe\.json$/m,
      /^ok {3}spool {3}.*files can be created, renamed and deleted$/m,
      /^ok {3}link {4}interface lo: link\.interface names it$/m,
      /^ok {3}link {4}capacity 100 Mbit\/s: link\.capacity says so$/m,
      /^ok {3}link {4}target 40\.0 Mbit\/s \(40 %\), floor 40\.0 Mbit\/s$/m,
      /^ok {3}store {3}bucket inbox: an object was put whole and one in parts, both read back and compared$/m,
      /^ok {3}store {3}an object of 5\.24 MB was put in two parts, and another upload was aborted$/m,
      /^ok {3}store {3}and deleted again$/m,
      /^ok {3}store {3}If-None-Match keeps objects from being overwritten$/m,
    ])
      assert.match(run.stdout, line);
    assert.deepEqual(fixture.keys(), []);
    assert.deepEqual(await fixture.spooled(), []);
    const parts = fixture.served.filter(({ url }) => /two-parts\?partNumber=[12]&/.test(url));
    assert.deepEqual([parts.length, ...parts.map(({ status }) => status)], [2, 200, 200]);
    assert.ok(fixture.served.some(({ method, url }) => method === 'DELETE' && url.includes('uploadId=')));
  });

  test('check --config-only names each mistake with its line, and neither sends nor touches anything', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const args = ['check', '--config-only', '--config', fixture.configFile];
    await rm(fixture.spool, { recursive: true });
    const good = fixture.command(args);
    assert.equal(await good.exit, 0, good.stderr);
    assert.match(good.stdout, /^ok {3}config {2}.*halfpipe\.json\n$/);
    await writeFile(fixture.configFile, 's3:\n  bucket: inbox\n  region: x\nlink:\n  shar: 1\n  share: 2\n');
    const bad = fixture.command(args);
    assert.equal(await bad.exit, 78);
    assert.match(
      bad.stderr,
      /^halfpipe: .*:5: link\.shar .*link\.share\?\nhalfpipe: .*:6: link\.share = 2: [^\n]*\n$/,
    );
    // As systemd asks before a reload.
    const asked = fixture.command(args, { INVOCATION_ID: 'x', MAINPID: '1' });
    assert.equal(await asked.exit, 78);
    assert.deepEqual([asked.stderr, asked.of('reloadRefused').length], ['', 2]);
    assert.deepEqual([fixture.begun, existsSync(fixture.spool)], [[], false]);
  });

  test('check says what it is about to send where that takes long, and sends it at the target', async (t) => {
    // 5.24 MB at 6 Mbit/s: 7 s.
    const link = { capacity: '12 Mbit/s', share: '50 %', floor: '50 %' };
    const fixture = await DaemonFixture.create(t, { link });
    const run = fixture.command(['check', '--config', fixture.configFile]);
    const told = /^ok {3}store {3}an object of 5\.24 MB is sent in two parts now: about 7 s at the target$/m;
    await fixture.until('it says so', () => told.test(run.stdout));
    assert.ok(!fixture.served.some(({ url }) => /two-parts\?partNumber=1/.test(url)), 'before it is sent');
    assert.equal(await run.exit, 0, run.stdout);
    assert.deepEqual(fixture.keys(), []);
  });

  test('check and status tell of what is left out, and why', async (t) => {
    const fixture = await DaemonFixture.create(t);
    await mkdir(join(fixture.spool, 'in'));
    spawnSync('mkfifo', [join(fixture.spool, 'in/pipe')]);
    const run = fixture.command(['check', '--config', fixture.configFile]);
    assert.equal(await run.exit, 0, run.stdout);
    assert.match(run.stdout, /^WARN spool {3}skipped in\/pipe: a FIFO: put the file itself there/m);
    const daemon = fixture.start();
    await daemon.says('skipped');
    const asked = fixture.command(['status', '--json', '--config', fixture.configFile]);
    assert.equal(await asked.exit, 0, asked.stderr);
    const { skipped } = JSON.parse(asked.stdout).backlog;
    assert.deepEqual([skipped[0].what, skipped[0].count, skipped[0].example], ['a FIFO', 1, 'in/pipe']);
  });

  test('check says nothing against a card when the endpoint is on this machine', {
    skip: ELSEWHERE === undefined && 'needs an interface beside lo',
  }, async (t) => {
    const fixture = await DaemonFixture.create(t, { link: { interface: ELSEWHERE } });
    const run = fixture.command(['check', '--config', fixture.configFile]);
    assert.equal(await run.exit, 0, run.stdout);
    assert.doesNotMatch(run.stdout, /set link\.interface to/);
  });

  test('check by root finds fault with a spool that is root’s', {
    skip: process.getuid?.() !== 0 && 'needs root',
  }, async (t) => {
    const fixture = await DaemonFixture.create(t);
    const run = fixture.command(['check', '--config', fixture.configFile]);
    await run.exit;
    assert.match(run.stdout, /^(WARN|FAIL) spool {3}the spool belongs to root, .*: chown halfpipe: \//m);
  });

  test('check finds the interface by the route to the endpoint', async (t) => {
    const fixture = await DaemonFixture.create(t, { link: { interface: 'auto' } });
    const run = fixture.command(['check', '--config', fixture.configFile]);
    assert.equal(await run.exit, 0, run.stdout);
    assert.match(run.stdout, /interface lo: it carries the route to the endpoint/);
  });

  test('check goes on after a failure, names each, and ends with 1', async (t) => {
    const config = {
      spool: { path: '/nonexistent' },
      link: { capacity: 'auto' },
      s3: { bucket: 'misspelt' },
    };
    const fixture = await DaemonFixture.create(t, config);
    const run = fixture.command(['check', '--config', fixture.configFile]);
    assert.equal(await run.exit, 1);
    assert.match(run.stdout, /^FAIL spool {3}the spool \/nonexistent does not exist/m);
    assert.match(run.stdout, /^FAIL link {4}.*Set link\.capacity/m);
    assert.match(run.stdout, /^FAIL store {3}.*NoSuchBucket.*create it or correct s3\.bucket/m);
  });

  test('status and top tell of a running daemon', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    await fixture.put('one', 'x');
    await daemon.says('uploaded');
    const [line, json, top] = ['status', 'status --json', 'top'].map((words) =>
      fixture.command([...words.split(' '), '--config', fixture.configFile]),
    );
    assert.equal(await line?.exit, 0, line?.stderr);
    assert.match(line?.stdout ?? '', /^halfpipe is healthy: idle;[^\n]*\n {2}backlog {2}empty\n/);
    assert.equal(await json?.exit, 0, json?.stderr);
    const snapshot = JSON.parse(json?.stdout ?? '');
    assert.equal(snapshot.pid, daemon.pid);
    assert.equal(snapshot.totals.uploadedFiles, 1);
    assert.equal(snapshot.link.interface, 'lo');
    await fixture.until('top prints a line', () => top?.stdout.includes('\n') === true);
    assert.ok(!top?.stdout.includes('\x1b'), 'no terminal, no escapes');
    assert.equal(await top?.stop(), 0);
  });

  test('a pause and a share hold at once, are shown, and outlive a restart; list and retry tell of files', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const first = fixture.start();
    await first.says('ready');
    const halfpipe = async (words: string, code = 0) => {
      const run = fixture.command([...words.split(' '), '--config', fixture.configFile]);
      assert.equal(await run.exit, code, run.stderr);
      return run.stdout;
    };
    assert.match(await halfpipe('pause --for 30m'), /^paused by an operator until /);
    assert.match(await halfpipe('share 30% --for 2h'), /^the share is 30 % until .* \(set by an operator\)/);
    await fixture.put('one', 'x');
    await halfpipe('rescan');
    await first.stop();
    const second = fixture.start();
    await second.says('ready');
    assert.match(
      await halfpipe('status', 1),
      /DEGRADED: paused.*share {4}30 % until.*halfpipe resume ends the pause/s,
    );
    await fixture.until('the file is listed', async () => (await halfpipe('list waiting')).includes('one'));
    assert.deepEqual(await fixture.spooled(), ['one']);
    assert.match(await halfpipe('resume'), /draining goes on/);
    await second.says('uploaded');
    const recent = JSON.parse(await halfpipe('list recent --json'));
    assert.deepEqual([recent.total, recent.files[0].path, recent.files[0].state], [1, 'one', 'uploaded']);
    assert.match(await halfpipe('share default'), /the share is 50 %/);
    assert.match(await halfpipe('retry'), /no file is deferred/);
    await second.stop();
  });

  test('status, top and quarantine work while the config is bad, and say what is', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    await fixture.configure({ link: { share: '150 %' }, retry: { often: 'yes' } });
    for (const words of ['status', 'quarantine list']) {
      const run = fixture.command([...words.split(' '), '--config', fixture.configFile]);
      assert.equal(await run.exit, 0, run.stderr);
      assert.match(run.stdout, /idle|the quarantine is empty/);
      assert.match(
        run.stderr,
        /^halfpipe: the daemon could not start with this config: .*retry\.often[^\n]*1 more[^\n]*\n$/,
      );
    }
    const top = fixture.command(['top', '--config', fixture.configFile]);
    await fixture.until('top prints a line', () => top.stdout.includes('\n'));
    assert.equal(await top.stop(), 0);
  });

  test('status tells another user who may ask', {
    skip: process.getuid?.() !== 0 && 'needs root',
  }, async (t) => {
    const fixture = await DaemonFixture.create(t);
    await chmod(fixture.base, 0o755);
    await mkdir(join(fixture.spool, '.halfpipe'), { mode: 0o700 });
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    // who could not write down what was covered, and would say so
    const env = { NODE_V8_COVERAGE: '' };
    const run = fixture.command(['status', '--config', fixture.configFile], env, nobody);
    assert.equal(await run.exit, 1);
    assert.match(
      run.stderr,
      /^halfpipe: only root and the service's user may ask about .*: try it with sudo\n$/,
    );
  });

  test('status is refused when not even the spool can be told from the config', async (t) => {
    const fixture = await DaemonFixture.create(t);
    await fixture.configure({ spool: { path: 'not/absolute' } });
    const run = fixture.command(['status', '--config', fixture.configFile]);
    assert.equal(await run.exit, 78);
    assert.match(run.stderr, /spool\.path = "not\/absolute"/);
  });

  test('top ends quietly when nobody reads it any more', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    const top = fixture.command(['top', '--config', fixture.configFile]);
    top.closeOutput();
    assert.equal(await top.exit, 0);
    assert.equal(top.stderr, '');
  });

  test('top survives a restart of the daemon, and says since when it is not running', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const before = fixture.start();
    await before.says('ready');
    const top = fixture.command(['top', '--config', fixture.configFile]);
    await fixture.until('top prints a line', () => top.stdout.includes('\n'));
    await before.stop();
    const gone = /^halfpipe has not been running since .* \(\d+ s\): systemctl start halfpipe$/gm;
    await fixture.until('top tells', () => gone.test(top.stdout));
    const after = fixture.start();
    await after.says('ready');
    const told = top.stdout.length;
    await fixture.until('top goes on', () => top.stdout.slice(told).includes('idle · 0 files'));
    assert.equal(top.stdout.match(gone)?.length, 1, top.stdout);
    assert.equal(await top.stop(), 0);
    assert.equal(await after.stop(), 0);
  });

  for (const words of ['check', 'quarantine list', 'status', '--help']) {
    // Only top took care of EPIPE: the others ended with a stack trace.
    test(`${words} ends quietly when nobody reads it`, async (t) => {
      const fixture = await DaemonFixture.create(t);
      await fixture.start().says('ready');
      const run = fixture.command([...words.split(' '), '--config', fixture.configFile]);
      run.closeOutput();
      assert.equal(await run.exit, 0);
      assert.equal(run.stderr, '');
    });
  }

  test('a FIFO as config file is refused at once', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const fifo = join(fixture.base, 'fifo');
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    const run = fixture.command(['check', '--config', fifo]);
    assert.equal(await run.exit, 78);
    assert.match(run.stderr, /fifo: is not a regular file/);
  });

  for (const [command, code] of [
    ['status', 2],
    ['top', 1],
    ['list', 1],
    ['pause', 1],
  ] as const) {
    test(`${command} without a daemon says so, what to do, and ends with ${code}`, async (t) => {
      const fixture = await DaemonFixture.create(t);
      const run = fixture.command([command, '--config', fixture.configFile]);
      assert.equal(await run.exit, code);
      assert.equal(
        run.stderr,
        `halfpipe: halfpipe is not running on ${fixture.spool}: systemctl start halfpipe, then journalctl -u halfpipe\n`,
      );
    });
  }

  test('status about a spool that does not exist names the key to check, and ends with 3', async (t) => {
    const fixture = await DaemonFixture.create(t, { spool: { path: '/nonexistent' } });
    const run = fixture.command(['status', '--config', fixture.configFile]);
    assert.equal(await run.exit, 3);
    assert.equal(
      run.stderr,
      `halfpipe: the spool /nonexistent does not exist: check spool.path in ${fixture.configFile}\n`,
    );
  });
});
