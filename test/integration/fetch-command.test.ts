// `halfpipe fetch` against a bucket with packets, good and bad ones: what it asks for, what it prints and what it writes.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import { BUCKET, DaemonFixture } from '../support/daemon-fixture.ts';
import { PACKED_AT_MS, type Packed, renamed, zipOf } from '../support/packed-zip.ts';

const KEY = 'packets/2026-11-28/0304.zip';
const RANDOM = randomBytes(30_000);
const MEMBERS: readonly Packed[] = [
  { name: 'a/ü.txt', content: Buffer.from('all of it') },
  { name: 'a/empty', content: Buffer.alloc(0) },
  { name: 'b/deflated', content: Buffer.alloc(200_000, 'again and again '), compress: true },
  { name: 'random', content: RANDOM },
];

async function bucketWith(t: test.TestContext, zip: Buffer, s3: Record<string, unknown> = {}) {
  const fixture = await DaemonFixture.create(t, { s3 });
  await put(fixture, zip);
  const fetch = async (...args: string[]) => {
    const before = fixture.served.length;
    const run = fixture.command(['fetch', ...args, '--config', fixture.configFile]);
    const code = await run.exit;
    const { stdout, stderr } = run;
    return { code, stdout, stderr, requests: fixture.served.length - before };
  };
  return { fixture, fetch, at: (...names: string[]) => join(fixture.base, ...names) };
}

async function put({ bucket }: DaemonFixture, content: Buffer, key = KEY): Promise<void> {
  const file = bucket.scratchFile();
  await writeFile(file, content);
  const etag = createHash('md5').update(content).digest('hex');
  const object = { key, etag, sizeBytes: content.byteLength, modifiedMs: PACKED_AT_MS, headers: {} };
  bucket.commit(file, object, () => undefined);
}

/** Names below the folder, sorted. */
async function below(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

test('fetch lists a packet from its index alone', async (t) => {
  const { fetch } = await bucketWith(t, await zipOf(MEMBERS));
  const { code, stdout, stderr, requests } = await fetch(KEY);
  assert.deepEqual([code, stderr, requests], [0, '', 1]);
  assert.equal(
    stdout,
    [
      '     9  2026-11-28T03:04:05Z  a/ü.txt',
      '     0  2026-11-28T03:04:05Z  a/empty',
      '200000  2026-11-28T03:04:05Z  b/deflated',
      ' 30000  2026-11-28T03:04:05Z  random',
      `4 files (230 kB) in ${BUCKET}/${KEY} (30.9 kB)`,
      '',
    ].join('\n'),
  );
  const json = JSON.parse((await fetch(KEY, '--json')).stdout);
  assert.deepEqual([json.bucket, json.key, json.members.length], [BUCKET, KEY, 4]);
  assert.deepEqual(json.members[3], {
    ...{ name: 'random', bytes: 30_000, storedBytes: 30_000, modifiedAt: '2026-11-28T03:04:05Z' },
    crc32: crc32(RANDOM).toString(16).padStart(8, '0'),
  });
});

test('a long list takes two requests, and a member three', async (t) => {
  const many = Array.from({ length: 5_000 }, (_, at) => ({ name: `f/${at}`, content: Buffer.from(`${at}`) }));
  const { fetch } = await bucketWith(t, await zipOf(many));
  const list = await fetch(KEY, '--json');
  assert.equal(list.requests, 2);
  assert.equal(JSON.parse(list.stdout).members[4_999].name, 'f/4999');
  const { code, stdout, requests } = await fetch(KEY, 'f/17');
  assert.deepEqual([code, stdout, requests], [0, '17', 3]);
});

test('fetch brings one member, stored or deflated, to standard output or into a new file', async (t) => {
  const { fetch, at } = await bucketWith(t, await zipOf(MEMBERS));
  assert.equal((await fetch(KEY, 'a/ü.txt')).stdout, 'all of it');
  assert.deepEqual(await fetch(KEY, 'a/empty'), { code: 0, stdout: '', stderr: '', requests: 1 });
  assert.equal((await fetch(KEY, 'b/deflated')).stdout, MEMBERS[2]?.content.toString());
  const file = at('random.out');
  assert.deepEqual((await fetch(KEY, 'random', '--output', file)).code, 0);
  assert.ok((await readFile(file)).equals(RANDOM));
  assert.equal((await stat(file)).mtimeMs, PACKED_AT_MS);
  const again = await fetch(KEY, 'a/ü.txt', '--output', file);
  assert.deepEqual([again.code, again.stderr], [1, `halfpipe: ${file} exists already\n`]);
  assert.ok((await readFile(file)).equals(RANDOM));
});

test('a damaged member is named, and nothing of it is printed or written', async (t) => {
  const zip = await zipOf(MEMBERS);
  zip.writeUInt8(zip.readUInt8(zip.indexOf(RANDOM) + 100) ^ 1, zip.indexOf(RANDOM) + 100);
  const deflated = zip.indexOf('b/deflated') + 'b/deflated'.length;
  zip.fill(0xff, deflated + 10, deflated + 20);
  const { fetch, at } = await bucketWith(t, zip);
  const broken = await fetch(KEY, 'random');
  assert.deepEqual([broken.code, broken.stdout], [1, '']);
  assert.equal(
    broken.stderr,
    `halfpipe: ${BUCKET}/${KEY}: random is damaged: its CRC-32 is not that of the index\n`,
  );
  await mkdir(at('out'));
  assert.equal((await fetch(KEY, 'random', '--output', at('out', 'random'))).code, 1);
  assert.deepEqual(await readdir(at('out')), []);
  const all = await fetch('--unpack', KEY, at('out'));
  assert.equal(all.code, 1);
  assert.match(all.stderr, /b\/deflated is damaged: .*\n.* random is damaged: its CRC-32/);
  assert.match(all.stdout, /^unpacked 2 files \(9 B\)/);
  assert.deepEqual(await below(at('out')), ['a/empty', 'a/ü.txt']);
});

test('fetch --unpack writes every file once, in as many requests as the list takes and one more', async (t) => {
  const { fetch, at } = await bucketWith(t, await zipOf(MEMBERS));
  const out = at('new', 'folder');
  const { code, stdout, requests } = await fetch('--unpack', KEY, out);
  assert.deepEqual([code, requests], [0, 1]);
  assert.equal(stdout, `unpacked 4 files (230 kB) of ${BUCKET}/${KEY} to ${out}\n`);
  for (const { name, content } of MEMBERS) assert.ok((await readFile(join(out, name))).equals(content), name);
  assert.equal((await stat(join(out, 'random'))).mtimeMs, PACKED_AT_MS);
  await writeFile(join(out, 'random'), 'mine');
  const again = await fetch('--unpack', KEY, out);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /random was left out: it exists already/);
  assert.equal(await readFile(join(out, 'random'), 'utf8'), 'mine');
  assert.equal((await below(out)).length, 4);
});

test('nothing that a packet says leads out of the folder', async (t) => {
  const given = ['aa/escape', 'C-/drive', 'x/absolut', 'b-backsl', 'link/in', 'good'];
  let zip = await zipOf(given.map((name) => ({ name, content: Buffer.from(name) })));
  zip = renamed(zip, 'aa/escape', '../escape');
  zip = renamed(zip, 'C-/drive', 'C:/drive');
  zip = renamed(zip, 'x/absolut', '//absolut');
  zip = renamed(zip, 'b-backsl', 'b\\backsl');
  const { fetch, at } = await bucketWith(t, zip);
  await mkdir(at('out'));
  await mkdir(at('elsewhere'));
  await symlink(at('elsewhere'), at('out', 'link'));
  const { code, stdout, stderr } = await fetch('--unpack', KEY, at('out'));
  assert.equal(code, 1);
  assert.match(stdout, /^unpacked 1 file /);
  assert.equal(stderr.match(/its name is no path below a folder/g)?.length, 4, stderr);
  assert.match(stderr, /link\/in was left out: a part of its path exists already, and is no folder/);
  assert.deepEqual([await readdir(at('elsewhere')), await below(at('out'))], [[], ['good', 'link']]);
  assert.deepEqual(
    (await readdir(at())).filter((name) => name === 'escape'),
    [],
  );
});

test('fetch says clearly that there is no such object, no such member, or no zip', async (t) => {
  const { fixture, fetch } = await bucketWith(t, await zipOf(MEMBERS), { prefix: 'packets/' });
  const told = async (...args: string[]) => {
    const { code, stdout, stderr } = await fetch(...args);
    assert.deepEqual([code, stdout], [1, '']);
    return stderr;
  };
  assert.equal(
    await told('0304.zip'),
    `halfpipe: there is no object ${BUCKET}/0304.zip. The keys of this service begin with packets/\n`,
  );
  assert.equal(
    await told(KEY, 'ranbom'),
    `halfpipe: ${BUCKET}/${KEY} has no member ranbom. To list them: halfpipe fetch ${KEY}\n`,
  );
  await put(fixture, RANDOM, 'packets/no.zip');
  assert.match(
    await told('packets/no.zip'),
    /^halfpipe: inbox\/packets\/no\.zip is not a zip, or is damaged/,
  );
  await put(fixture, Buffer.alloc(0), 'packets/empty.zip');
  assert.match(await told('packets/empty.zip'), /^halfpipe: inbox\/packets\/empty\.zip is not a zip/);
  const cut = await zipOf(MEMBERS);
  await put(fixture, cut.subarray(100), 'packets/cut.zip');
  assert.match(await told('packets/cut.zip', 'random'), /random is not where the index says|is damaged/);
});
