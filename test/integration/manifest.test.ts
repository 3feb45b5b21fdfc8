// The manifest on real files: what is durable when, how files end, and what is never touched.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Manifest } from '../../src/manifest/manifest.ts';
import type { ManifestEvent } from '../../src/manifest/manifest-event.ts';
import { parseLine } from '../../src/manifest/manifest-line.ts';
import { lockManifest } from '../../src/manifest/manifest-lock.ts';
import type { ManifestOptions } from '../../src/manifest/open-manifest.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import type { Fault } from '../../src/system/fault.ts';
import { localContent } from '../support/drain-bench.ts';
import { systemError } from '../support/failing-disk.ts';

const DAY_MS = 86_400_000;
const NOON_MS = Date.UTC(2026, 10, 27, 12);

function storedAs(name: string) {
  const local = localContent(Buffer.from(name));
  return {
    path: SpoolPath.from(name),
    mtimeNs: 0n,
    bucket: 'inbox',
    upload: { local, receipt: { key: name }, outcome: 'stored' as const },
    verifiedBy: 'sha256',
    durationMs: 1,
  };
}

class Bench {
  readonly folder: string;
  wallMs = NOON_MS;
  readonly events: ManifestEvent[] = [];
  readonly options: ManifestOptions;
  readonly #opened: Manifest[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.options = {
      path: join(folder, 'state', 'manifest.jsonl'),
      spoolPath: join(folder, 'spool'),
      ...{ maxSizeBytes: 1_000_000, keepMs: 90 * DAY_MS, maxTotalBytes: 1e9 },
    };
  }

  static async create(t: TestContext): Promise<Bench> {
    const bench = new Bench(await mkdtemp(join(tmpdir(), 'halfpipe-manifest-')));
    t.after(async () => {
      for (const manifest of bench.#opened) await manifest.stop();
      await rm(bench.folder, { recursive: true, force: true });
    });
    await mkdir(bench.options.spoolPath);
    return bench;
  }

  manifest(options: Partial<ManifestOptions> | undefined = {}): Manifest {
    const manifest = new Manifest(
      {
        clock: { wallMs: () => this.wallMs },
        lock: lockManifest,
        onEvent: (event) => this.events.push(event),
      },
      options && { ...this.options, ...options },
    );
    this.#opened.push(manifest);
    return manifest;
  }

  get path(): string {
    return this.options.path;
  }

  /** The names of the manifest's files, in their order, and what is recorded in each. */
  async files(): Promise<string[][]> {
    const folder = join(this.folder, 'state');
    const names = (await readdir(folder)).sort();
    // The file that is written comes last.
    const ordered = [...names.filter((name) => name !== 'manifest.jsonl'), 'manifest.jsonl'];
    return Promise.all(ordered.map(async (name) => pathsIn(await readFile(join(folder, name), 'utf8'))));
  }
}

function pathsIn(text: string): string[] {
  const lines = text.split('\n');
  assert.equal(lines.pop(), '', 'the file ends with a whole line');
  return lines.map((line) => parseLine(line)?.path ?? `NO LINE: ${line}`);
}

async function reload(manifest: Manifest, options: ManifestOptions | undefined): Promise<void> {
  await (await manifest.prepare(options)).commit();
}

async function rejection(promise: Promise<unknown>): Promise<Fault> {
  return promise.then(
    () => assert.fail('it was accepted'),
    (fault) => fault,
  );
}

interface Handle {
  datasync(): Promise<void>;
  write(...args: unknown[]): Promise<{ bytesWritten: number }>;
}

async function handles(): Promise<Handle> {
  const some = await fs.promises.open('/dev/null');
  const methods: Handle = Object.getPrototypeOf(some);
  await some.close();
  return methods;
}

test('lines of files that end together are synced together', async (t) => {
  const bench = await Bench.create(t);
  const manifest = bench.manifest();
  await manifest.record(storedAs('first'));
  const methods = await handles();
  const { datasync } = methods;
  let syncs = 0;
  t.mock.method(methods, 'datasync', function (this: Handle) {
    syncs += 1;
    return datasync.call(this);
  });
  const names = Array.from({ length: 500 }, (_, at) => `file-${at}`);
  await Promise.all(names.map((name) => manifest.record(storedAs(name))));
  assert.deepEqual(await bench.files(), [['first', ...names]]);
  assert.ok(syncs <= 2, `${syncs} syncs`);
});

test('a record is not done before its line is synced, and fails when it cannot be', async (t) => {
  const bench = await Bench.create(t);
  const manifest = bench.manifest();
  await manifest.record(storedAs('first'));
  const methods = await handles();
  const mock = t.mock.method(methods, 'datasync', () => Promise.reject(systemError('EIO')));
  const { code, faultClass, message, hint } = await rejection(manifest.record(storedAs('a')));
  assert.deepEqual([code, faultClass], ['ManifestUnwritable', 'breaker']);
  assert.match(message, new RegExp(`the manifest ${bench.path} cannot be written: EIO`));
  assert.match(hint ?? '', /No file is removed without its line.*dmesg/);
  mock.mock.restore();
  assert.equal(await manifest.trouble(), undefined);
  await manifest.record(storedAs('b'));
  assert.deepEqual(
    (await bench.files()).flat().filter((path) => path !== 'a'),
    ['first', 'b'],
  );
});

test('what a full disk took of a line is cut off, and writing continues when there is room', async (t) => {
  const bench = await Bench.create(t);
  const manifest = bench.manifest();
  await manifest.record(storedAs('first'));
  const methods = await handles();
  const { write } = methods;
  let isFull = true;
  t.mock.method(methods, 'write', async function (this: Handle, ...args: unknown[]) {
    if (!isFull) return write.apply(this, args);
    const [bytes, from, length, offset] = args as [Buffer, number, number, number];
    if (from > 0) throw systemError('ENOSPC');
    return write.call(this, bytes, from, Math.min(40, length), offset);
  });
  const { message, hint } = await rejection(manifest.record(storedAs('a')));
  assert.match(message, /ENOSPC/);
  assert.match(hint ?? '', /manifest\.keep/);
  assert.match((await manifest.trouble())?.message ?? '', /ENOSPC/);
  isFull = false;
  assert.equal(await manifest.trouble(), undefined);
  await manifest.record(storedAs('b'));
  assert.deepEqual(await bench.files(), [['first', 'b']]);
});

for (const [what, damage] of [
  ['half a line', (path: string) => appendFile(path, '{"v":1,"uploadedAt":"2026-11')],
  ['zeros', (path: string) => appendFile(path, Buffer.alloc(5_000))],
  ['zeros and a line feed', (path: string) => appendFile(path, `${'\0'.repeat(70)}\n`)],
  ['a cut in the last line', async (path: string) => truncate(path, (await stat(path)).size - 10)],
] as const)
  test(`after a power cut that left ${what} at the end, the next start cuts it off and says so`, async (t) => {
    const bench = await Bench.create(t);
    const before = bench.manifest();
    for (const name of ['a', 'b', 'c']) await before.record(storedAs(name));
    await before.stop();
    const whole = (await stat(bench.path)).size;
    await damage(bench.path);
    await bench.manifest().record(storedAs('d'));
    const [paths = []] = await bench.files();
    const left = what === 'a cut in the last line' ? ['a', 'b'] : ['a', 'b', 'c'];
    assert.deepEqual(paths, [...left, 'd']);
    const [repaired] = bench.events;
    assert.equal(repaired?.kind, 'manifestRepaired');
    assert.ok(whole > 0);
  });

test('a first line that a power cut tore is cut off as well', async (t) => {
  const bench = await Bench.create(t);
  await mkdir(join(bench.folder, 'state'));
  await writeFile(bench.path, '{"v":1,"up\0\0\0\0');
  await bench.manifest().record(storedAs('a'));
  assert.deepEqual(await bench.files(), [['a']]);
});

test('a file ends with its day, and before it is too large, and names stay in the order of the lines', async (t) => {
  const bench = await Bench.create(t);
  const manifest = bench.manifest({ maxSizeBytes: 800 });
  for (const name of ['a', 'b', 'c']) await manifest.record(storedAs(name));
  bench.wallMs += DAY_MS;
  await manifest.record(storedAs('d'));
  // The clock is set back by an hour: still the same day.
  bench.wallMs -= 3_600_000;
  await manifest.record(storedAs('e'));
  await manifest.record(storedAs('f'));
  assert.deepEqual(await bench.files(), [['a', 'b'], ['c'], ['d', 'e'], ['f']]);
});

test('a file of yesterday ends after a restart, too', async (t) => {
  const bench = await Bench.create(t);
  const before = bench.manifest();
  await before.record(storedAs('a'));
  await before.stop();
  bench.wallMs += DAY_MS;
  await bench.manifest().record(storedAs('b'));
  assert.deepEqual(await bench.files(), [['a'], ['b']]);
});

test('ended files are deleted after manifest.keep, and beyond manifest.maxTotal, and no other file is', async (t) => {
  const bench = await Bench.create(t);
  await mkdir(join(bench.folder, 'state'));
  const others = [
    'manifest-20200101T000000.000Z.jsonl.gz',
    'manifest-copy.jsonl',
    'manifest-20200101T000000.000Z.txt',
  ];
  for (const name of others) await writeFile(join(bench.folder, 'state', name), 'mine');
  const folderOfThatName = 'manifest-20200101T000000.000Z.jsonl';
  await mkdir(join(bench.folder, 'state', folderOfThatName));
  const manifest = bench.manifest({ keepMs: 2.5 * DAY_MS });
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await manifest.record(storedAs(name));
    bench.wallMs += DAY_MS;
  }
  const kept = async () =>
    (await readdir(join(bench.folder, 'state')))
      .filter((name) => !others.includes(name) && name !== folderOfThatName && name !== 'manifest.jsonl')
      .map((name) => name.slice('manifest-'.length, 'manifest-20261127'.length));
  // Each ended when the next one was recorded, the last one of them on the first of December.
  assert.deepEqual(await kept(), ['20261129', '20261130', '20261201']);
  await reload(manifest, { ...bench.options, maxTotalBytes: 700 });
  await manifest.record(storedAs('f'));
  assert.deepEqual(await kept(), ['20261202']);
  assert.equal((await readdir(join(bench.folder, 'state'))).length, others.length + 3);
  assert.deepEqual(bench.events, []);
});

test('a file that another program moved away is not written to any more', async (t) => {
  const bench = await Bench.create(t);
  const manifest = bench.manifest();
  await manifest.record(storedAs('a'));
  await rename(bench.path, `${bench.path}.1`);
  await manifest.record(storedAs('b'));
  assert.deepEqual(await bench.files(), [['a'], ['b']]);
});

test('a folder that is missing is made, one above it is not', async (t) => {
  const bench = await Bench.create(t);
  const path = join(bench.folder, 'disk', 'state', 'manifest.jsonl');
  const manifest = bench.manifest({ path });
  const { message, hint } = await rejection(manifest.record(storedAs('a')));
  assert.match(message, /ENOENT/);
  assert.match(hint ?? '', /mount its disk/);
  await mkdir(join(bench.folder, 'disk'));
  await manifest.record(storedAs('a'));
  assert.deepEqual(pathsIn(await readFile(path, 'utf8')), ['a']);
});

for (const [what, make, reason] of [
  ['a file with something else in it', (path: string) => writeFile(path, '[general]\n'), /not a manifest/],
  ['a FIFO', async (path: string) => void execFileSync('mkfifo', [path]), /not a regular file/],
  ['a folder', (path: string) => mkdir(path), /not a regular file/],
  [
    'a link',
    async (path: string) => {
      await writeFile(`${path}.real`, '');
      await symlink(`${path}.real`, path);
    },
    /ELOOP/,
  ],
] as const)
  test(`${what} at manifest.path is refused, and left as it is`, async (t) => {
    const bench = await Bench.create(t);
    await mkdir(join(bench.folder, 'state'));
    await make(bench.path);
    const before = await stat(bench.path);
    const { message, code } = await rejection(bench.manifest().record(storedAs('a')));
    assert.match(message, reason);
    assert.equal(code, 'ManifestUnwritable');
    assert.equal((await stat(bench.path)).size, before.size);
  });

test('a manifest that is in the spool by way of a link is refused', async (t) => {
  const bench = await Bench.create(t);
  await symlink(bench.options.spoolPath, join(bench.folder, 'state'));
  const { message, hint } = await rejection(bench.manifest().record(storedAs('a')));
  assert.match(message, /is in the spool/);
  assert.match(hint ?? '', /outside the spool/);
  assert.deepEqual(await readdir(bench.options.spoolPath), []);
});

test('a second instance is refused as long as the first one writes the manifest, by any path to it', async (t) => {
  const bench = await Bench.create(t);
  const first = bench.manifest();
  await first.record(storedAs('a'));
  await symlink(join(bench.folder, 'state'), join(bench.folder, 'other-way'));
  const second = bench.manifest({ path: join(bench.folder, 'other-way', 'manifest.jsonl') });
  const fault = await second.trouble();
  assert.match(fault?.message ?? '', /another halfpipe writes the manifest/);
  assert.match(fault?.hint ?? '', /manifest\.path of its own/);
  await first.stop();
  assert.equal(await second.trouble(), undefined);
});

test('a reload switches the manifest on, moves it and switches it off', async (t) => {
  const bench = await Bench.create(t);
  const manifest = bench.manifest(undefined);
  await reload(manifest, undefined);
  const off = new Manifest(
    { clock: { wallMs: () => bench.wallMs }, lock: lockManifest, onEvent: () => undefined },
    undefined,
  );
  await off.record(storedAs('not recorded'));
  assert.equal(await off.trouble(), undefined);
  await reload(off, bench.options);
  await off.record(storedAs('a'));
  const moved = join(bench.folder, 'spool-2', 'm.jsonl');
  await reload(off, { ...bench.options, path: moved });
  await off.record(storedAs('b'));
  await reload(off, undefined);
  await off.record(storedAs('c'));
  assert.deepEqual(await bench.files(), [['a']]);
  assert.deepEqual(pathsIn(await readFile(moved, 'utf8')), ['b']);
});

test('a reload that names a place that cannot be written is refused, and the old place stays', async (t) => {
  const bench = await Bench.create(t);
  const manifest = bench.manifest();
  await manifest.record(storedAs('a'));
  const path = join(bench.folder, 'no', 'such', 'folder', 'm.jsonl');
  assert.match((await rejection(reload(manifest, { ...bench.options, path }))).message, /ENOENT/);
  await manifest.record(storedAs('b'));
  assert.deepEqual(await bench.files(), [['a', 'b']]);
});
