// `halfpipe verify` against a bucket that has lost and changed objects, and how it reads long manifests.
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { lastLines } from '../../src/manifest/manifest-reader.ts';
import { BUCKET, DaemonFixture } from '../support/daemon-fixture.ts';

const MIB = 1024 * 1024;

async function drained(
  t: test.TestContext,
  s3: Record<string, unknown> = {},
  others: Record<string, unknown> = {},
) {
  const fixture = await DaemonFixture.create(t);
  const path = join(fixture.base, 'state', 'manifest.jsonl');
  await fixture.configure({ manifest: { path }, s3: { partSize: '5 MiB', ...s3 }, ...others });
  for (let at = 0; at < 20; at += 1) await fixture.put(`${at}.jpg`, `image ${at}`);
  await fixture.put('large.bin', Buffer.alloc(12 * MIB, 'large'));
  const daemon = fixture.start();
  await fixture.untilDrained();
  await daemon.stop();
  const verify = async (...args: string[]) => {
    const run = fixture.command(['verify', '--config', fixture.configFile, ...args]);
    return { code: await run.exit, stdout: run.stdout, stderr: run.stderr };
  };
  return { fixture, path, verify };
}

test('verify finds all objects there, by their answers and by their bytes', async (t) => {
  const { verify } = await drained(t);
  for (const args of [[], ['--read-back'], ['--since', '24h']]) {
    const { code, stdout } = await verify(...args);
    assert.equal(stdout, 'compared 21 objects (12.6 MB) of 21 lines: 21 the same, 0 missing, 0 differ\n');
    assert.equal(code, 0);
  }
});

test('verify compares each packet once, and names one of its files when it is missing', async (t) => {
  const packets = { enabled: true, maxDelay: '1 s', key: 'packets/{group}/{digest}.zip', groupBy: 'folder' };
  const { fixture, path, verify } = await drained(t, {}, { packets });
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const inPackets = lines.map((line) => JSON.parse(line)).filter(({ member }) => member !== undefined);
  assert.deepEqual(
    inPackets.map(({ path: file, member, bytes }) => [
      file === member,
      bytes === `image ${parseInt(member, 10)}`.length,
    ]),
    Array(20).fill([true, true]),
  );
  const [key = '', ...others] = fixture.keys().filter((name) => name.endsWith('.zip'));
  assert.deepEqual([others, fixture.keys().length], [[], 2], fixture.keys().join());
  for (const args of [[], ['--read-back']]) {
    const { code, stdout } = await verify(...args);
    assert.match(stdout, /^compared 2 objects \(12\.6 MB\) of 21 lines: 2 the same, 0 missing, 0 differ\n$/);
    assert.equal(code, 0);
  }
  await writeFile(fixture.bucket.fileOf(key), Buffer.alloc(inPackets[0]?.packet.bytes));
  assert.match(
    (await verify('--read-back')).stdout,
    /^differs {2}inbox\/packets\/.*: its bytes are others$/m,
  );
  fixture.bucket.delete(key);
  const { code, stdout } = await verify();
  assert.match(stdout, /^missing {2}inbox\/packets\/.*from \d+\.jpg and the other files of this packet$/m);
  assert.equal(code, 1);
});

test('verify names what is missing or differs, and ends with 1', async (t) => {
  const { fixture, verify } = await drained(t);
  const { bucket } = fixture;
  bucket.delete('3.jpg');
  const file = bucket.scratchFile();
  await writeFile(file, 'another content');
  const object = bucket.get('4.jpg') ?? assert.fail();
  bucket.commit(file, { ...object, sizeBytes: 15 }, () => undefined);
  const { code, stdout } = await verify();
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`^missing  ${BUCKET}/3\\.jpg, uploaded \\S+ from 3\\.jpg$`, 'm'));
  assert.match(stdout, new RegExp(`^differs  ${BUCKET}/4\\.jpg, .*: it has 15 bytes instead of 7$`, 'm'));
  assert.match(stdout, /19 the same, 1 missing, 1 differ\n$/);
  const json = JSON.parse((await verify('--json')).stdout);
  assert.deepEqual([json.objects, json.same, json.missing, json.differs], [21, 19, 1, 1]);
  assert.deepEqual(json.problems.map(({ key }: { key: string }) => key).sort(), ['3.jpg', '4.jpg']);
});

test('verify --read-back finds bytes that differ where the answers do not, also in parts', async (t) => {
  const { fixture, verify } = await drained(t);
  await writeFile(fixture.bucket.fileOf('5.jpg'), 'IMAGE 5');
  await writeFile(fixture.bucket.fileOf('large.bin'), Buffer.alloc(12 * MIB, 'LARGE'));
  assert.equal((await verify()).code, 0, 'the store does not know');
  const { code, stdout } = await verify('--read-back');
  assert.equal(code, 1);
  assert.match(stdout, /^differs {2}inbox\/5\.jpg, .*: its bytes are others$/m);
  assert.match(stdout, /^differs {2}inbox\/large\.bin, .*: its bytes are others$/m);
  assert.match(stdout, /19 the same, 0 missing, 2 differ\n$/);
});

test('an object that a newer line of its key replaced is no error', async (t) => {
  const { fixture, verify } = await drained(t, { conflict: 'overwrite' });
  const daemon = fixture.start();
  await fixture.put('3.jpg', 'a newer image');
  await fixture.untilDrained();
  await daemon.stop();
  const { code, stdout } = await verify();
  assert.match(stdout, /^compared 21 objects \(12\.6 MB\) of 22 lines: 21 the same/);
  assert.equal(code, 0);
});

test('verify says clearly that there is no manifest, none yet, or no store', async (t) => {
  const fixture = await DaemonFixture.create(t);
  const path = join(fixture.base, 'manifest.jsonl');
  const verify = async () => {
    const run = fixture.command(['verify', '--config', fixture.configFile]);
    return [await run.exit, run.stderr];
  };
  assert.deepEqual(await verify(), [
    1,
    `halfpipe: no manifest is kept: set manifest.path in ${fixture.configFile}\n`,
  ]);
  await fixture.configure({ manifest: { path } });
  const [code, stderr] = await verify();
  assert.equal(code, 1);
  assert.match(String(stderr), /cannot be read: ENOENT\. There is none yet/);
});

function lineOf(key: string, at: string, bytes = 1): string {
  return `${JSON.stringify({ v: 1, uploadedAt: at, path: key, bucket: 'b', key, bytes })}\n`;
}

async function read(path: string, sinceMs = 0, groupBytes?: number) {
  const counts = { files: 0, lines: 0, unreadable: 0 };
  const groups: string[][] = [];
  for await (const lines of lastLines(path, sinceMs, counts, groupBytes))
    groups.push(lines.map(({ key, bytes }) => `${key}:${bytes}`));
  return { counts, groups, all: groups.flat().toSorted() };
}

test('of each key the last line counts, over all files, in groups of bounded size', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'halfpipe-lines-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'm.jsonl');
  const keys = Array.from({ length: 1_000 }, (_, at) => `key-${at}`);
  const first = keys.map((key) => lineOf(key, '2026-11-26T10:00:00.000Z', 1)).join('');
  await writeFile(join(folder, 'm-20261126T235959.000Z.jsonl'), first);
  await writeFile(path, `${lineOf('key-7', '2026-11-27T10:00:00.000Z', 2)}\0\0\n{"torn`);
  const expected = keys.map((key) => `${key}:${key === 'key-7' ? 2 : 1}`).toSorted();
  const whole = await read(path);
  assert.deepEqual([whole.all, whole.groups.length], [expected, 1]);
  assert.deepEqual(whole.counts, { files: 2, lines: 1_001, unreadable: 1 });
  const small = await read(path, 0, 10_000);
  assert.deepEqual(small.all, expected);
  assert.deepEqual(small.counts, whole.counts);
  assert.ok(small.groups.length > 5);
  for (const group of small.groups) assert.ok(group.length < 200, `${group.length} lines in memory`);
});

test('older files are not read, and older lines do not count', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'halfpipe-lines-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'm.jsonl');
  await writeFile(join(folder, 'm-20261120T000000.000Z.jsonl'), 'never read');
  await writeFile(
    path,
    lineOf('old', '2026-11-25T00:00:00.000Z') + lineOf('new', '2026-11-27T00:00:00.000Z'),
  );
  const { all, counts } = await read(path, Date.UTC(2026, 10, 26));
  assert.deepEqual(all, ['new:1']);
  assert.deepEqual(counts, { files: 1, lines: 2, unreadable: 0 });
});

test('a file that is renamed or deleted while the manifest is read loses no other lines', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'halfpipe-lines-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'm.jsonl');
  await writeFile(join(folder, 'm-20261120T000000.000Z.jsonl'), lineOf('a', '2026-11-20T00:00:00.000Z'));
  await writeFile(path, lineOf('b', '2026-11-27T00:00:00.000Z'));
  const counts = { files: 0, lines: 0, unreadable: 0 };
  const groups = lastLines(path, 0, counts, 100);
  await groups.next();
  for (const name of await readdir(folder)) if (name !== 'm.jsonl') await unlink(join(folder, name));
  await rename(path, join(folder, 'm-20261127T000000.000Z.jsonl'));
  await appendFile(path, lineOf('c', '2026-11-28T00:00:00.000Z'));
  for await (const lines of groups) assert.ok(lines.length <= 1);
});
