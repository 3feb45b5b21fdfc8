// From a file dropped to a proven delete: the real daemon, real files, real requests. Judged from the bucket's side.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, link, mkdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Config, DaemonFixture, SLOW, SLOW_BYTES } from '../support/daemon-fixture.ts';
import { DeadMount } from '../support/dead-mount.ts';
import { bytesOf } from '../support/store-fixture.ts';

const MIB = 1024 ** 2;

/** A daemon that drains what is put into its spool. */
async function draining(t: TestContext, config: Config = {}) {
  const fixture = await DaemonFixture.create(t, config);
  const daemon = fixture.start();
  await daemon.says('ready');
  return { fixture, daemon };
}

const LATIN1 = Buffer.from('caf\xe9.txt', 'latin1');
const NAMES: readonly (readonly [name: string | Buffer, key: string])[] = [
  ...[
    'plain.txt',
    'with space.txt',
    ' leading and trailing ',
    'new\nline.txt',
    'tab\tand\x1b[31mescape',
    '100%.txt',
    '%41.txt',
    'a+b=c&d.txt',
    'emoji 🦊.txt',
    'two..dots',
    '..looks like a parent',
    '#fragment?query=1',
    'quote"\'<&>.xml',
    'back\\slash',
    `${'x'.repeat(251)}.txt`,
    'sub/folder/deep.txt',
    'sub/with space/%2F/file',
  ].map((name) => [name, name] as const),
  [LATIN1, 'caf%E9.txt'],
];

// Each mostly waits: for its slow link, its scan or its store.
describe('halfpipe run', { concurrency: 4 }, () => {
  test('drains files of every name, each once, byte for byte, under its own key', async (t) => {
    const { fixture, daemon } = await draining(t, { spool: { ignore: ['*.tmp'] } });
    for (const [name] of NAMES) await fixture.put(name, `content of ${name.toString('latin1')}`);
    await fixture.put('zero bytes', '');
    await fixture.until('all are in the bucket', () => fixture.keys().length === NAMES.length + 1);
    await fixture.untilDrained(['sub', 'sub/folder', 'sub/with space', 'sub/with space/%2F']);
    assert.deepEqual(fixture.keys(), [...NAMES.map(([, key]) => key), 'zero bytes'].sort());
    for (const [name, key] of NAMES)
      assert.equal((await fixture.object(key)).toString(), `content of ${name.toString('latin1')}`);
    assert.equal((await fixture.object('zero bytes')).length, 0);
    assert.equal(await daemon.stop(), 0);
    assert.equal(daemon.of('uploaded').length, NAMES.length + 1, 'one record a file');
    assert.deepEqual(await fixture.kept(), []);
  });

  test('drains what was there before the start, and what comes during it', async (t) => {
    const fixture = await DaemonFixture.create(t);
    for (let file = 0; file < 100; file += 1) await fixture.put(`early/${file}`, bytesOf(5_000, file));
    const daemon = fixture.start();
    for (let file = 0; file < 50; file += 1) await fixture.put(`late/${file}`, bytesOf(5_000, 1_000 + file));
    await fixture.untilDrained(['early', 'late']);
    assert.equal(fixture.keys().length, 150);
    for (let file = 0; file < 100; file += 1)
      assert.deepEqual(await fixture.object(`early/${file}`), bytesOf(5_000, file));
    assert.equal(await daemon.stop(), 0);
    // The first object is put a second time, to learn whether the store would overwrite; it is refused.
    for (const key of fixture.keys()) assert.equal(fixture.timesStored(key), 1, key);
  });

  test('one record a file tells name, key, bytes, duration, digest and proof', async (t) => {
    const { fixture, daemon } = await draining(t, { s3: { prefix: 'camera-7/' } });
    await fixture.put('a/b.jpg', 'hello');
    const { time, level, msg, durationMs, ...rest } = await daemon.says('uploaded');
    assert.equal(typeof durationMs, 'number');
    assert.deepEqual(rest, {
      event: 'uploaded',
      file: 'a/b.jpg',
      key: 'camera-7/a/b.jpg',
      bytes: 5,
      verifiedBy: 'sha256',
      sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    });
  });

  test('a large file goes up in parts, whole, and leaves no journal', async (t) => {
    const { fixture, daemon } = await draining(t, { s3: { partSize: '5 MiB' } });
    const content = bytesOf(22 * MIB + 7);
    await fixture.put('large.bin', content);
    await fixture.untilDrained();
    assert.deepEqual(await fixture.object('large.bin'), content);
    assert.equal(fixture.served.filter(({ url }) => url.includes('partNumber=')).length, 5);
    assert.equal((await daemon.says('uploaded')).verifiedBy, 'sha256');
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(await fixture.kept(), []);
  });

  test('a name too long for a key is quarantined with its reason, and the rest goes on', async (t) => {
    const { fixture, daemon } = await draining(t);
    const folder = Array.from({ length: 5 }, () => 'y'.repeat(204)).join('/');
    await fixture.put(`${folder}/z`, 'too long');
    await fixture.put('fine', 'fine');
    const record = await daemon.says('quarantined');
    await daemon.says('uploaded', ({ file }) => file === 'fine');
    assert.match(String(record.msg), /the key would have 1026 bytes, S3 accepts at most 1024/);
    const kept = await fixture.kept();
    const reason = kept.find((name) => name.endsWith('.json'));
    const home = join(fixture.spool, '.halfpipe');
    assert.match(await readFile(join(home, reason ?? ''), 'utf8'), /KeyTooLongError/);
    const file = kept.find((name) => name.endsWith('/z'));
    assert.equal(await readFile(join(home, file ?? ''), 'utf8'), 'too long');
    assert.deepEqual(fixture.keys(), ['fine']);
  });

  test('links and FIFOs are left alone and named once; a folder named x.jpg is a folder', async (t) => {
    const fixture = await DaemonFixture.create(t);
    const elsewhere = join(fixture.base, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'secret'), 'not for upload');
    await symlink(join(elsewhere, 'secret'), join(fixture.spool, 'link'));
    await symlink(elsewhere, join(fixture.spool, 'folder'));
    execFileSync('mkfifo', [join(fixture.spool, 'fifo')]);
    await mkdir(join(fixture.spool, 'x.jpg'));
    await fixture.put('x.jpg/inside', 'inside');
    const daemon = fixture.start();
    await daemon.says('uploaded');
    const named = () => daemon.of('skipped').flatMap(({ files }) => files);
    await fixture.until('all three are named', () => named().length >= 3);
    await fixture.put('after', 'another scan');
    await daemon.says('uploaded', ({ file }) => file === 'after');
    assert.deepEqual(named().sort(), ['fifo', 'folder', 'link']);
    assert.equal(daemon.of('skipped').length, 2, 'a line a kind');
    assert.deepEqual(fixture.keys(), ['after', 'x.jpg/inside']);
    assert.equal(await readFile(join(elsewhere, 'secret'), 'utf8'), 'not for upload');
  });

  test('a mount that never answers stops only itself, and is told of', {
    skip: process.geteuid?.() !== 0 && 'needs root to mount',
  }, async (t) => {
    const fixture = await DaemonFixture.create(t);
    const place = join(fixture.spool, 'nas');
    await mkdir(place);
    const dead = DeadMount.over(place);
    if (dead === undefined) return t.skip('mounting is not permitted here');
    try {
      const daemon = fixture.start();
      assert.match(`${(await daemon.says('skipped')).msg}`, /^skipped nas: another file system/);
      for (const name of ['a', 'b/c']) await fixture.put(name, name);
      await fixture.until('both are stored', () => fixture.keys().length === 2);
      const status = fixture.command(['status', '--json', '--config', fixture.configFile]);
      assert.equal(await status.exit, 1, status.stderr);
      assert.equal(JSON.parse(status.stdout).backlog.skipped[0].example, 'nas');
      await daemon.stop();
    } finally {
      dead.end();
    }
  });

  test('forty hard links of one file are all stored and removed, and none is blamed', async (t) => {
    const fixture = await DaemonFixture.create(t, { retry: { maxAttempts: 2 } });
    const original = join(fixture.base, 'original');
    await writeFile(original, randomBytes(200_000));
    const names = Array.from({ length: 40 }, (_, index) => `link-${String(index).padStart(2, '0')}`);
    for (const name of names) await link(original, join(fixture.spool, name));
    const daemon = fixture.start();
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), names);
    assert.deepEqual(daemon.of('quarantined'), []);
    // The last ones have left the spool already, and are read once more before they are removed.
    await fixture.until('nothing is kept', async () => (await fixture.kept()).length === 0);
  });

  test('files under a temporary name wait until they are renamed', async (t) => {
    const { fixture, daemon } = await draining(t);
    await fixture.put('.hidden', 'x');
    await fixture.put('half.part', 'x');
    await fixture.put('whole', 'y');
    await daemon.says('uploaded', ({ file }) => file === 'whole');
    assert.deepEqual(fixture.keys(), ['whole']);
    assert.deepEqual(await fixture.spooled(), ['.hidden', 'half.part']);
  });

  const FIRST = bytesOf(SLOW_BYTES, 1);

  test('a file that grows while it is uploaded is uploaded again, and only then deleted', async (t) => {
    const { fixture, daemon } = await draining(t, SLOW);
    await fixture.put('grows', FIRST);
    await fixture.untilBegun(/PUT .*\/grows/);
    await appendFile(join(fixture.spool, 'grows'), 'and more');
    await daemon.says('deferred');
    assert.deepEqual(await fixture.spooled(), ['grows'], 'still there after its first upload');
    await fixture.untilDrained();
    const second = fixture.keys().find((key) => key !== 'grows') ?? '';
    assert.match(second, /^grows\.[0-9a-f]{8}$/, 'kept beside the first state of the file');
    assert.deepEqual(await fixture.object(second), Buffer.concat([FIRST, Buffer.from('and more')]));
    assert.deepEqual(await fixture.object('grows'), FIRST, 'no object is torn');
  });

  test('a file that is replaced while it is uploaded: both contents are kept', async (t) => {
    const { fixture, daemon } = await draining(t, SLOW);
    await fixture.put('replaced', FIRST);
    await fixture.untilBegun(/PUT .*\/replaced/);
    await fixture.put('replaced', 'the replacement');
    await daemon.says('uploaded');
    await fixture.untilDrained();
    const contents = await Promise.all(fixture.keys().map((key) => fixture.object(key)));
    assert.equal(contents.length, 2);
    assert.ok(contents.some((content) => content.equals(FIRST)));
    assert.ok(contents.some((content) => content.equals(Buffer.from('the replacement'))));
  });

  test('a file that is deleted while it is uploaded is forgotten without an alarm', async (t) => {
    const { fixture, daemon } = await draining(t, SLOW);
    await fixture.put('deleted', FIRST);
    await fixture.untilBegun(/PUT .*\/deleted/);
    await unlink(join(fixture.spool, 'deleted'));
    await fixture.put('next', 'goes on');
    await daemon.says('uploaded', ({ file }) => file === 'next');
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(daemon.of('quarantined'), []);
    assert.deepEqual(daemon.of('paused'), []);
    assert.deepEqual(await fixture.spooled(), []);
    assert.deepEqual(await fixture.kept(), []);
  });

  for (const { conflict, keys, old } of [
    { conflict: 'keep-both', keys: 2, old: 'old' },
    { conflict: 'overwrite', keys: 1, old: 'new' },
    { conflict: 'skip', keys: 1, old: 'old' },
  ] as const) {
    test(`another object under the same key: ${conflict} loses neither content unasked`, async (t) => {
      const { fixture, daemon } = await draining(t, { s3: { conflict } });
      await fixture.put('same.txt', 'old');
      await fixture.untilDrained();
      await fixture.put('same.txt', 'new');
      await fixture.untilDrained();
      await fixture.until(
        'it is done',
        () => daemon.of('uploaded').length + daemon.of('quarantined').length === 2,
      );
      assert.equal((await fixture.object('same.txt')).toString(), old);
      assert.equal(fixture.keys().length, keys);
      const suffixed = fixture.keys().find((key) => /^same\.[0-9a-f]{8}\.txt$/.test(key));
      if (conflict === 'keep-both') assert.equal((await fixture.object(suffixed ?? '')).toString(), 'new');
      const kept = (await fixture.kept()).filter((name) => name.endsWith('/same.txt'));
      assert.equal(kept.length, conflict === 'skip' ? 1 : 0, 'skip leaves it to a human');
    });
  }

  test('the same bytes again under the same key are no second object', async (t) => {
    const { fixture, daemon } = await draining(t);
    await fixture.put('same.txt', 'the same');
    await daemon.says('uploaded');
    await fixture.put('same.txt', 'the same');
    await daemon.says('alreadyThere');
    await fixture.untilDrained();
    assert.deepEqual(fixture.keys(), ['same.txt']);
    assert.equal(fixture.timesStored('same.txt'), 1);
  });

  test('empty folders are pruned where the option says so', async (t) => {
    const { fixture } = await draining(t, { spool: { pruneEmptyDirs: true } });
    await fixture.put('a/b/c', 'x');
    await fixture.untilDrained();
  });

  test('empty folders stay while the option does not say otherwise', async (t) => {
    const { fixture, daemon } = await draining(t, { spool: { pruneEmptyDirs: false } });
    await fixture.put('before/x', 'x');
    await fixture.untilDrained(['before']);
    await fixture.configure({ spool: { pruneEmptyDirs: true } });
    daemon.signal('SIGHUP');
    await daemon.says('reloaded');
    await fixture.put('after/y', 'y');
    // Folders are pruned in the order in which they became empty: `before` would have gone first.
    await fixture.untilDrained(['before']);
  });

  test('a store that goes away and comes back: one alarm, nothing lost, nothing twice', async (t) => {
    const { fixture, daemon } = await draining(t);
    await fixture.put('before', 'x');
    await fixture.untilDrained();
    await fixture.stopServer();
    for (let file = 0; file < 20; file += 1) await fixture.put(`during/${file}`, bytesOf(2_000, file));
    await daemon.says('paused');
    await fixture.startServer();
    await daemon.says('resumed');
    await fixture.untilDrained(['during']);
    assert.equal(fixture.keys().length, 21);
    for (let file = 0; file < 20; file += 1)
      assert.deepEqual(await fixture.object(`during/${file}`), bytesOf(2_000, file));
    assert.equal(daemon.of('paused').length, 1);
  });

  test('is ready without a usable store, and says that draining is paused', async (t) => {
    const fixture = await DaemonFixture.create(t, { s3: { bucket: 'misspelt' } });
    const { msg, waitingFor } = await fixture.start().says('ready');
    assert.equal(msg, 'ready, but draining is paused');
    assert.match(String(waitingFor), /NoSuchBucket/);
  });
});
