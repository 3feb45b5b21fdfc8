// The main acceptance, against servers that were written by others than halfpipe's authors as well as against the
// embedded one: many small files of nasty names and one of 300 MiB, stopped in the middle of both, then finished; and
// every conflict policy. What the bucket holds is judged by reading it back through the SDK.
import assert from 'node:assert/strict';
import { createHash, randomFillSync } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Build, BuiltDaemon } from '../support/built-daemon.ts';
import { S3Reader } from '../support/s3-reader.ts';
import { CONFLICTS, keepsPolicy } from './conflicts.ts';
import { SERVERS, type Target } from './s3-servers.ts';

const MIB = 1024 ** 2;
const LARGE_BYTES = 300 * MIB;
const PEAK_RSS_BYTES = 250 * MIB;
const STOP_TIMEOUT_MS = 10_000;
const PATIENCE_MS = 45_000;

const NASTY: readonly string[] = [
  'with space.txt',
  ' leading and trailing ',
  'new\nline.txt',
  'tab\tand\x1b[31mescape',
  '100%.txt',
  '%41.txt',
  'a+b=c&d.txt',
  'emoji 🦊.txt',
  'umlaut a\u0308 and ä',
  '..looks like a parent',
  '-rf',
  '--config=evil',
  '#fragment?query=1',
  'quote"\'<&>.xml',
  'back\\slash',
  '\u202etxt.exe',
  `${'x'.repeat(251)}.txt`,
  'sub/with space/%2F/file',
];
const NOT_UTF8 = { bytes: Buffer.from('caf\xe9.txt', 'latin1'), key: 'caf%E9.txt' };
const PLAIN_FILES = 200;

/** Makes the one large file, which is sent in parts; returns its hex SHA-256. */
function makeLarge(path: string): string {
  const hash = createHash('sha256');
  const handle = openSync(path, 'w');
  for (let written = 0; written < LARGE_BYTES; written += MIB) {
    const chunk = randomFillSync(Buffer.alloc(MIB));
    hash.update(chunk);
    writeSync(handle, chunk);
  }
  closeSync(handle);
  return hash.digest('hex');
}

/** Makes all the others; returns what the bucket must hold of them in the end: key → hex SHA-256. */
function makeSmall(folder: string): Map<string, string> {
  const expected = new Map<string, string>();
  const put = (at: string | Buffer, key: string, sizeBytes: number) => {
    const content = randomFillSync(Buffer.alloc(sizeBytes));
    if (typeof at === 'string') mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
    expected.set(key, createHash('sha256').update(content).digest('hex'));
  };
  for (let file = 0; file < PLAIN_FILES; file += 1)
    put(join(folder, `plain/${file}.dat`), `plain/${file}.dat`, (file * 977) % 60_000);
  for (const [at, name] of NASTY.entries()) put(`${folder}/${name}`, name, 1_000 + at);
  put(Buffer.concat([Buffer.from(`${folder}/`), NOT_UTF8.bytes]), NOT_UTF8.key, 999);
  return expected;
}

/** Renames all that is in one folder into another, as producers should. */
function moveAll(from: string, to: string): void {
  const path = (folder: string, name: Buffer) => Buffer.concat([Buffer.from(`${folder}/`), name]);
  for (const name of readdirSync(from, { encoding: 'buffer' })) renameSync(path(from, name), path(to, name));
}

/** Files of producers that are still in the spool. */
function spooled(spool: string): string[] {
  const found = readdirSync(spool, { recursive: true, withFileTypes: true });
  const files = found
    .filter((dirent) => dirent.isFile())
    .map((dirent) => join(dirent.parentPath, dirent.name));
  return files.filter((path) => !path.startsWith(join(spool, '.halfpipe')));
}

const build = new Build();
before(() => build.make());
after(() => build.remove());

for (const server of SERVERS) {
  describe(`against ${server.name}`, { skip: server.missing() }, () => {
    let target: Target;
    before(async () => {
      target = await server.start();
    });
    after(() => server.stop());

    test('stopped in the middle and started again: every file exactly once, byte for byte', async (t) => {
      const base = mkdtempSync(join(tmpdir(), 'halfpipe-acceptance-'));
      const reader = new S3Reader(target.endpoint, target.bucket, target);
      t.after(() => {
        reader.close();
        rmSync(base, { recursive: true, force: true });
      });
      const spool = join(base, 'spool');
      const arrivals = join(base, 'arrivals');
      for (const folder of [spool, arrivals]) mkdirSync(folder);
      const expected = makeSmall(arrivals);
      expected.set('large.bin', makeLarge(join(spool, 'large.bin')));
      const config = join(base, 'halfpipe.json');
      const { endpoint, bucket } = target;
      const settings = {
        spool: { path: spool, settle: '0 s', rescan: '1 s', ignore: ['*.tmp'] },
        // The servers' own traffic goes over lo, too: the floor is what we send, whatever else is on it. 25 MB/s.
        link: { interface: 'lo', capacity: '400 Mbit/s', floor: '50 %' },
        s3: { bucket, endpoint, region: 'us-east-1', forcePathStyle: true },
        // The large file, and beside it one small one after the other: stopped in the middle of both.
        upload: { concurrency: 2, stopTimeout: `${STOP_TIMEOUT_MS / 1000} s` },
        log: { format: 'json' },
      };
      writeFileSync(config, JSON.stringify(settings));
      const launch = () => {
        const daemon = new BuiltDaemon(build.main, ['run', '--config', config], target);
        t.after(() => daemon.end());
        return daemon;
      };

      const first = launch();
      const journals = join(spool, '.halfpipe/multipart');
      // Ceph makes a pool before its first upload in parts, which takes longer than all the small files.
      await until('it has begun the large one', first, () => {
        const records = existsSync(journals) ? readdirSync(journals) : [];
        // It is on record before the store is asked for it.
        return records.some((name) => readFileSync(join(journals, name), 'utf8').includes('"uploadId"'));
      });
      moveAll(arrivals, spool);
      await until('it is in the middle of both', first, () => first.of('uploaded').length >= 20);
      const stopped = await first.stop();
      assert.equal(stopped.exit, 0);
      assert.deepEqual(await reader.openUploads(), ['large.bin']);
      assert.ok(stopped.tookMs < STOP_TIMEOUT_MS, `it took ${stopped.tookMs} ms to stop`);
      const left = spooled(spool);
      assert.ok(left.includes(join(spool, 'large.bin')), 'the large file was stopped in the middle');
      assert.ok(left.length > 20, `only ${left.length} files were left: not in the middle`);
      for (const [key, sha256] of await reader.inventory()) assert.equal(sha256, expected.get(key), key);

      const second = launch();
      await until('the spool is empty', second, () => spooled(spool).length === 0);
      assert.equal((await second.stop()).exit, 0);
      assert.deepEqual(await reader.inventory(), expected, 'the bucket holds every file and nothing else');
      assert.deepEqual(await reader.openUploads(), []);
      const uploads = [first, second].flatMap((run) => [...run.of('uploaded'), ...run.of('alreadyThere')]);
      assert.deepEqual(
        uploads.map(({ key }) => key).sort(),
        [...expected.keys()].sort(),
        'each exactly once',
      );
      assert.deepEqual([...first.strays, ...second.strays], []);
      const peakBytes = Math.max(first.peakRssBytes, second.peakRssBytes);
      assert.ok(peakBytes < PEAK_RSS_BYTES, `peak RSS ${(peakBytes / MIB).toFixed(0)} MiB`);
      t.diagnostic(
        `${expected.size} files, peak RSS ${(peakBytes / MIB).toFixed(0)} MiB, stopped in ${stopped.tookMs.toFixed(0)} ms with ${left.length} files left`,
      );
    });

    for (const { policy, what, sizeBytes } of CONFLICTS) {
      test(`${policy} with ${what}: the same bytes are recognised, others are treated as told`, async () => {
        await keepsPolicy(target, policy, sizeBytes);
      });
    }
  });
}

async function until(
  what: string,
  daemon: BuiltDaemon,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < endMs && !daemon.ended, `waited in vain until ${what}:\n${daemon.tail()}`);
    daemon.readPeakRss();
    await delay(50);
  }
}
