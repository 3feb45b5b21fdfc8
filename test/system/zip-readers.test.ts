// The zips that halfpipe writes, as Info-ZIP, 7-Zip, libarchive and Python's zipfile read them. Needs their Debian packages.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { contentOf } from '../../src/store/zip/zip-content.ts';
import { readZipIndex } from '../../src/store/zip/zip-index.ts';
import type { ZipSource } from '../../src/store/zip/zip-source.ts';
import { ZipWriter } from '../../src/store/zip/zip-writer.ts';
import type { Packed } from '../support/packed-zip.ts';

const MODIFIED_AT_MS = Date.UTC(2026, 10, 28, 3, 4, 5);
const GIB = 1024 ** 3;
const run = promisify(execFile);

interface Reader {
  /** Reads all members and compares their CRC-32. Rejects if one is wrong. */
  test(zip: string): Promise<unknown>;
  /** The names of all members. */
  list(zip: string): Promise<string[]>;
  extract(zip: string, folder: string): Promise<unknown>;
  print(zip: string, member: string): Promise<string>;
}

const READERS: Readonly<Record<string, Reader>> = {
  'Info-ZIP': {
    test: (zip) => tool('unzip', '-tqq', zip),
    list: async (zip) => linesOf(await tool('unzip', '-Z1', zip)),
    extract: (zip, folder) => tool('unzip', '-qq', zip, '-d', folder),
    print: (zip, member) => tool('unzip', '-p', zip, member),
  },
  '7-Zip': {
    test: (zip) => tool('7z', 't', '-bd', zip),
    list: async (zip) => {
      const blocks = (await tool('7z', 'l', '-slt', '-ba', zip)).split('\n');
      return blocks.flatMap((line) => (line.startsWith('Path = ') ? [line.slice('Path = '.length)] : []));
    },
    extract: (zip, folder) => tool('7z', 'x', '-bd', `-o${folder}`, zip),
    print: (zip, member) => tool('7z', 'x', '-so', zip, member),
  },
  libarchive: {
    test: (zip) => run('sh', ['-c', 'bsdtar -xOf "$0" >/dev/null', zip], { env: UTF8 }),
    list: async (zip) => linesOf(await tool('bsdtar', '-tf', zip)),
    extract: (zip, folder) => tool('bsdtar', '-xf', zip, '-C', folder),
    print: (zip, member) => tool('bsdtar', '-xOf', zip, member),
  },
  Python: {
    test: (zip) => python('assert z.testzip() is None', zip),
    list: async (zip) => linesOf(await python('print("\\n".join(z.namelist()))', zip)),
    extract: (zip, folder) => python('z.extractall(sys.argv[2])', zip, folder),
    print: (zip, member) => python('sys.stdout.buffer.write(z.read(sys.argv[2]))', zip, member),
  },
};

const UTF8 = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'Asia/Tokyo' };

async function tool(command: string, ...args: string[]): Promise<string> {
  return (await run(command, args, { env: UTF8, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

function python(code: string, ...args: string[]): Promise<string> {
  return tool('python3', '-c', `import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); ${code}`, ...args);
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halfpipe-zip-'));
});
after(() => rm(folder, { recursive: true }));

/** Blocks that hold nothing but zeros become holes. */
async function writeZip(path: string, members: Iterable<Packed>): Promise<number> {
  const file = openSync(path, 'w');
  let [at, hole] = [0, Buffer.alloc(0)];
  const writer = new ZipWriter((block) => {
    if (hole.byteLength !== block.byteLength) hole = Buffer.alloc(block.byteLength);
    if (!block.equals(hole)) writeSync(file, block, 0, block.byteLength, at);
    at += block.byteLength;
  });
  for (const { name, content, compress = false } of members)
    await writer.add(name, content, { modifiedAtMs: MODIFIED_AT_MS, compress });
  const sizeBytes = await writer.end();
  ftruncateSync(file, at);
  closeSync(file);
  assert.equal(at, sizeBytes);
  return sizeBytes;
}

async function withSource<T>(path: string, use: (source: ZipSource) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    const { size: sizeBytes } = await file.stat();
    async function* read(start: number, lengthBytes: number) {
      // A part at a time: an iteration that ends early leaves no stream behind.
      for (let offset = start; offset < start + lengthBytes; ) {
        const buffer = Buffer.alloc(Math.min(1 << 20, start + lengthBytes - offset));
        const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, offset);
        offset += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    }
    return await use({ name: path, sizeBytes, read });
  } finally {
    await file.close();
  }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Name → SHA-256 of all files below. */
async function filesBelow(path: string): Promise<Map<string, string>> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digests = await Promise.all(
    files.map(async (file) => [file.slice(path.length + 1), sha256(await readFile(file))] as const),
  );
  return new Map(digests.sort());
}

const NAMES = [
  'plain.txt',
  'a folder/with spaces/and-dash',
  '-starts-with-a-dash',
  'Grüße/日本語/файл.txt',
  'e\u0301 decomposed',
  'é composed',
  '👩🏽‍🚀.jpg',
  'quote\'s "and" $dollar ;semi',
  'n'.repeat(255),
  `deep/${`${'d'.repeat(100)}/`.repeat(9)}end`,
  'no-extension',
  '.hidden/.file',
];
const CONTENTS = [
  Buffer.alloc(0),
  Buffer.from('x'),
  Buffer.from('text that shrinks '.repeat(2_000)),
  randomBytes(20_000),
  randomBytes(700_000),
];

test('members stored and deflated, of all sizes, with names of all kinds, are read by each tool', async (t) => {
  const members = NAMES.flatMap((name, at) =>
    [false, true].map((compress) => ({
      name: compress ? `deflated/${name}` : name,
      content: CONTENTS[at % CONTENTS.length] ?? Buffer.alloc(0),
      compress,
    })),
  );
  const zip = join(folder, 'all-kinds.zip');
  await writeZip(zip, members);
  const expected = new Map(members.map(({ name, content }) => [name, sha256(content)] as const).sort());
  for (const [name, reader] of Object.entries(READERS))
    await t.test(name, async () => {
      await reader.test(zip);
      const asRead = (names: Iterable<string>) => [...names].map((one) => one.normalize('NFC')).toSorted();
      assert.deepEqual(asRead(await reader.list(zip)), asRead(expected.keys()));
      const out = join(folder, `all-kinds of ${name}`);
      await mkdir(out);
      await reader.extract(zip, out);
      const found = await filesBelow(out);
      // libarchive composes names: é of two characters becomes é of one.
      assert.deepEqual(asRead(found.keys()), asRead(expected.keys()));
      for (const [file, digest] of expected)
        assert.equal(found.get(file) ?? found.get(file.normalize('NFC')), digest, file);
      // Python gives extracted files the present time.
      if (name !== 'Python') assert.equal((await stat(join(out, 'plain.txt'))).mtimeMs, MODIFIED_AT_MS);
    });
});

test('70,000 members are listed and tested by each tool', async (t) => {
  const zip = join(folder, 'many.zip');
  const names = Array.from({ length: 70_000 }, (_, at) => `${at % 100}/file ${at}`);
  await writeZip(
    zip,
    names.map((name) => ({ name, content: Buffer.from(name) })),
  );
  for (const [name, reader] of Object.entries(READERS))
    await t.test(name, async () => {
      await reader.test(zip);
      const listed = await reader.list(zip);
      assert.equal(listed.length, names.length);
      assert.deepEqual(listed.toSorted(), names.toSorted());
      assert.equal(await reader.print(zip, '99/file 69999'), '99/file 69999');
    });
  await t.test('halfpipe fetch', () =>
    withSource(zip, async (source) => {
      const members = await readZipIndex(source);
      assert.deepEqual(
        members.map((member) => member.name),
        names,
      );
    }),
  );
});

test('a zip over 4 GiB is listed by each tool, and the members around the limit are read', async (t) => {
  const zip = join(folder, 'large.zip');
  const zeros = Buffer.alloc(0.9 * GIB);
  const small = (at: number) => ({ name: `small ${at}`, content: Buffer.from(`content of ${at}`) });
  function* members(): Generator<Packed> {
    for (const at of Array(5).keys()) {
      yield small(at);
      yield { name: `zeros ${at}`, content: zeros };
    }
    yield small(5);
    yield { ...small(6), compress: true };
  }
  const sizeBytes = await writeZip(zip, members());
  assert.ok(sizeBytes > 4.5 * GIB && (await stat(zip)).blocks * 512 < GIB);
  for (const [name, reader] of Object.entries(READERS))
    await t.test(name, async () => {
      assert.equal((await reader.list(zip)).length, 12);
      for (const at of [0, 4, 5, 6]) assert.equal(await reader.print(zip, `small ${at}`), `content of ${at}`);
    });
  await t.test('halfpipe fetch', () =>
    withSource(zip, async (source) => {
      const last = (await readZipIndex(source)).at(-1) ?? assert.fail();
      assert.ok(last.offset > 4 * GIB);
      const chunks: Uint8Array[] = [];
      for await (const chunk of contentOf(source, last)) chunks.push(chunk);
      assert.equal(Buffer.concat(chunks).toString(), 'content of 6');
    }),
  );
});
