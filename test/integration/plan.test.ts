// `halfpipe plan` on a real spool: what it says is what the daemon then does, and it changes nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonFixture } from '../support/daemon-fixture.ts';

const HOUR_S = 3_600;

/** A file that was written `hoursAgo`. */
async function old(fixture: DaemonFixture, name: string, bytes: number, hoursAgo: number): Promise<string> {
  const path = join(fixture.spool, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.alloc(Math.min(bytes, 1_000), 'x'));
  await truncate(path, bytes);
  const time = Date.now() / 1000 - hoursAgo * HOUR_S;
  await utimes(path, time, time);
  return path;
}

/** Everything about the spool that a plan could have changed. */
function stateOf(spool: string): string[] {
  return ['.', ...readdirSync(spool, { recursive: true, encoding: 'utf8' })].sort().map((name) => {
    const { mode, uid, size, mtimeMs, ctimeMs, ino } = statSync(join(spool, name));
    return [name, mode, uid, size, mtimeMs, ctimeMs, ino].join(' ');
  });
}

async function planOf(fixture: DaemonFixture, ...more: string[]): Promise<string> {
  const run = fixture.command(['plan', '--config', fixture.configFile, ...more]);
  assert.equal(await run.exit, 0, run.stderr);
  return run.stdout;
}

test('plan names what goes, under which keys, in which order, and how long it takes', async (t) => {
  const config = { link: { capacity: '8 Mbit/s' }, s3: { prefix: 'north/', partSize: '5 MiB' } };
  const fixture = await DaemonFixture.create(t, config);
  await old(fixture, 'cam/2.jpg', 200_000, 2);
  await old(fixture, 'cam/1.jpg', 100_000, 3);
  await old(fixture, 'big.bin', 12_000_000, 1);
  const before = stateOf(fixture.spool);
  const text = await planOf(fixture);
  for (const line of [
    /^goes {5}3 files, 12\.3 MB, to the bucket inbox under north\/$/m,
    /^ +1 file of these in parts: 3 parts$/m,
    // 12.3 MB at half of 8 Mbit/s, and at one hundredth.
    /^takes {4}from 25 s at the target of 4\.00 Mbit\/s to 20 min 30 s at the floor of 80\.0 kbit\/s, if others/m,
    /^ +1 +100 kB +.* {2}cam\/1\.jpg → north\/cam\/1\.jpg$/m,
    /^ +2 +200 kB +.* {2}cam\/2\.jpg → north\/cam\/2\.jpg$/m,
    /^ +3 +12\.0 MB in 3 parts of 5 MiB +.* {2}big\.bin → north\/big\.bin$/m,
  ])
    assert.match(text, line);
  assert.match(await planOf(fixture, '--limit', '1'), /cam\/1\.jpg → .*\n +and 2 more\n/);
  assert.deepEqual(stateOf(fixture.spool), before, 'the spool is as it was');
  assert.deepEqual(fixture.begun, [], 'and nothing was sent');
});

test('plan tells which files go in packets, and at least how many packets there will be', async (t) => {
  const packets = { enabled: true, size: '4 kB', maxFileSize: '2 kB', match: ['*.log'] };
  const fixture = await DaemonFixture.create(t, { packets });
  for (let file = 0; file < 5; file += 1) await old(fixture, `${file}.log`, 1_000, 9 - file);
  // Too long for a key of its own.
  const long = 'n'.repeat(250);
  await old(fixture, `${[long, long, long, long, long].join('/')}.log`, 10, 1);
  await old(fixture, 'large.log', 3_000, 1);
  await old(fixture, 'other.jpg', 1_000, 1);
  const text = await planOf(fixture);
  assert.match(text, /^ +6 files of these in packets: at least 2 packets$/m);
  assert.match(text, / {2}0\.log → a packet$/m);
  assert.match(text, / {2}large\.log$/m);
  const { packedFiles, packedBytes, first, refused } = JSON.parse(await planOf(fixture, '--json'));
  assert.deepEqual([packedFiles, packedBytes, first[0].key, refused], [6, 5_010, null, []]);
});

test('plan names what does not go, and why', async (t) => {
  const fixture = await DaemonFixture.create(t, { spool: { settle: '600 ms', ignore: ['*.tmp', 'old/**'] } });
  await old(fixture, 'good.jpg', 10, 1);
  await old(fixture, 'a.tmp', 10, 1);
  await old(fixture, 'b.tmp', 10, 1);
  await old(fixture, 'old/one.jpg', 10, 1);
  const long = 'n'.repeat(250);
  await old(fixture, [long, long, long, long, long].join('/'), 10, 1);
  execFileSync('mkfifo', [join(fixture.spool, 'pipe')]);
  // A time stamp in the future does not say how long ago the last write was.
  await old(fixture, 'still.jpg', 10, -1);
  await delay(700);
  const text = await planOf(fixture);
  for (const line of [
    /^goes {5}1 file, 10 B/m,
    /^waits {4}1 file may still be written, the first for 1 s, such as still\.jpg$/m,
    /^ignored {2}2 names, such as [ab]\.tmp: spool\.ignore has "\*\.tmp"$/m,
    /^ignored {2}old\/one\.jpg: spool\.ignore has "old\/\*\*"$/m,
    /^skipped {2}pipe: a FIFO: put the file itself there/m,
    /^refused {2}to the quarantine: n{50}…n{50}: the key would have 1254 bytes, S3 accepts at most 1024: Shorten/m,
  ])
    assert.match(text, line);
  const json = JSON.parse(await planOf(fixture, '--json'));
  assert.deepEqual(
    [json.files, json.bytes, json.unsettled.files, json.ignored.length, json.refused.length],
    [1, 10, 1, 2, 1],
  );
  assert.deepEqual(
    json.first.map(({ path, key }: { path: string; key: string }) => [path, key]),
    [['good.jpg', 'good.jpg']],
  );
});

test('plan by root names the files that the service cannot read', {
  skip: process.getuid?.() !== 0 && 'needs root',
}, async (t) => {
  const fixture = await DaemonFixture.create(t);
  await chmod(fixture.base, 0o755);
  const path = await old(fixture, 'of-root.jpg', 10, 1);
  await chmod(path, 0o600);
  await chown(fixture.spool, 65_534, 65_534);
  assert.match(await planOf(fixture), /of-root\.jpg {2}NOT READABLE \(EACCES\): chmod or chown the file$/m);
});

test('what plan says is what the daemon then does, and plan may run beside it', async (t) => {
  const fixture = await DaemonFixture.create(t, { s3: { prefix: 'p/' } });
  for (const [at, name] of ['c', 'a', 'd', 'b'].entries()) await old(fixture, name, 1_000, 10 - at);
  const json = JSON.parse(await planOf(fixture, '--json'));
  const daemon = fixture.start();
  await fixture.until('all is told', () => daemon.of('uploaded').length === 4);
  const keys = json.first.map(({ key }: { key: string }) => key);
  assert.deepEqual(keys, ['p/c', 'p/a', 'p/d', 'p/b']);
  const uploaded = daemon.of('uploaded').map(({ key }) => String(key));
  assert.deepEqual(uploaded.sort(), [...keys].sort());
  assert.match(await planOf(fixture), /^takes {4}no time: there is no file to upload$/m);
  await old(fixture, '.held', 5, 1);
  assert.match(await planOf(fixture), /^ignored {2}\.held: /m);
  assert.equal(await daemon.stop(), 0);
});

test('plan of a spool that does not exist says so, and ends with 1', async (t) => {
  const fixture = await DaemonFixture.create(t, { spool: { path: '/nonexistent' } });
  const run = fixture.command(['plan', '--config', fixture.configFile]);
  assert.equal(await run.exit, 1);
  assert.match(run.stderr, /^halfpipe: the spool \/nonexistent does not exist: /);
});
