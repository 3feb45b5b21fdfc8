// Scans of real folders: what is counted, what is kept, what is left out, and at what cost.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileIndex } from '../../src/backlog/file-index.ts';
import { IgnoreRules } from '../../src/backlog/ignore-rules.ts';
import type { Oddity } from '../../src/backlog/oddity.ts';
import { Settle } from '../../src/backlog/settle.ts';
import { SilentFolders } from '../../src/backlog/silent-folders.ts';
import type { SpoolOrder, SpoolPath } from '../../src/spool/entry.ts';
import { DeadMount } from '../support/dead-mount.ts';
import { test } from '../support/nothing-left.ts';
import { SimClock } from '../support/sim-clock.ts';
import { scanAll, TemporarySpool } from '../support/temporary-spool.ts';

/** Notes what a scan leaves out. */
function oddities() {
  const odd: string[] = [];
  const onOddity = (path: SpoolPath, { kind, code }: Oddity) =>
    void odd.push(`${path}: ${kind}${code === undefined ? '' : ` ${code}`}`);
  return { odd, onOddity };
}

const UNPRIVILEGED = 12_345;
const isRoot = process.geteuid?.() === 0;

test('counts every file in every folder, and their bytes', async (t) => {
  const disk = await TemporarySpool.create(t);
  for (const name of ['a', 'b/c', 'b/d/e', 'x.jpg/f']) await disk.put(name, name);
  const result = await scanAll(await disk.open(t));
  assert.deepEqual(result.entries.map(String).length, 4);
  assert.deepEqual(
    result.entries.map(({ path }) => String(path)),
    ['a', 'b/c', 'b/d/e', 'x.jpg/f'],
  );
  assert.deepEqual([result.files, result.bytes, result.folders], [4, 1 + 3 + 5 + 7, 3]);
});

test('reports an empty spool as empty', async (t) => {
  const disk = await TemporarySpool.create(t);
  const { entries, files, bytes, oldestModifiedAtMs, settlesInMs } = await scanAll(await disk.open(t));
  assert.deepEqual([entries, files, bytes, oldestModifiedAtMs, settlesInMs], [[], 0, 0, null, null]);
});

const ORDERS: readonly (readonly [SpoolOrder, readonly string[]])[] = [
  ['oldest-first', ['old', 'middle']],
  ['newest-first', ['new', 'middle']],
  ['smallest-first', ['middle', 'new']],
  ['name', ['middle', 'new']],
];
for (const [order, expected] of ORDERS) {
  test(`keeps the best two of three, ${order}`, async (t) => {
    const disk = await TemporarySpool.create(t);
    await disk.put('new', '22');
    await disk.put('old', '333');
    await disk.put('middle', '1');
    await utimes(disk.at('old'), 1_000, 1_000);
    await utimes(disk.at('middle'), 2_000, 2_000);
    const result = await scanAll(await disk.open(t), { index: new FileIndex(order, 2) });
    assert.deepEqual(
      result.entries.map(({ path }) => String(path)),
      expected,
    );
    assert.deepEqual([result.files, result.eligible, result.oldestModifiedAtMs], [3, 3, 1_000_000]);
  });
}

test('leaves out ignored names, whole folders of them too', async (t) => {
  const disk = await TemporarySpool.create(t);
  for (const name of ['keep', '.hidden', 'x.tmp', 'skip/a', 'in/skip/b', 'in/c', 'only/here/d'])
    await disk.put(name);
  const ignore = new IgnoreRules(['.*', '*.tmp', 'skip', 'only/here/*']);
  const result = await scanAll(await disk.open(t), { ignore });
  assert.deepEqual(
    result.entries.map(({ path }) => String(path)),
    ['in/c', 'keep'],
  );
  assert.equal(result.files, 2);
});

test('never lists the private folder, not even when somebody renamed it', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  await writeFile(disk.at('.halfpipe/aside/kept'), '');
  assert.equal((await scanAll(spool)).files, 0);
  execFileSync('mv', [join(disk.path, '.halfpipe'), join(disk.path, 'visible')]);
  assert.equal((await scanAll(spool)).files, 0);
});

test('reports links, FIFOs and sockets, and follows no link', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.put('file');
  await symlink('/etc', disk.at('link'));
  execFileSync('mkfifo', [join(disk.path, 'fifo')]);
  const server = createServer().listen(join(disk.path, 'socket'));
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { odd, onOddity } = oddities();
  const result = await scanAll(await disk.open(t), { onOddity });
  assert.equal(result.files, 1);
  assert.deepEqual(odd.sort(), ['fifo: FIFO', 'link: symbolic link', 'socket: socket']);
});

test('reports a folder nested too deeply instead of going on for ever', async (t) => {
  const disk = await TemporarySpool.create(t);
  await mkdir(join(disk.path, ...Array.from({ length: 70 }, () => 'd')), { recursive: true });
  const { odd, onOddity } = oddities();
  await scanAll(await disk.open(t), { onOddity });
  assert.deepEqual(odd, [`${Array.from({ length: 65 }, () => 'd').join('/')}: too deep`]);
});

for (const [what, permission] of [
  ['read', 0],
  ['enter, though it may be read', 4],
  ['list, though it may be entered', 1],
] as const) {
  test(`reports a folder it may not ${what}, and scans the rest`, async (t) => {
    const disk = await TemporarySpool.create(t);
    await disk.put('closed/in/f');
    await disk.put('open/f');
    if (isRoot) {
      await chmod(disk.base, 0o755);
      await chown(disk.path, UNPRIVILEGED, UNPRIVILEGED);
      await chown(disk.at('closed'), 0, UNPRIVILEGED);
    }
    await chmod(disk.at('closed'), isRoot ? 0o700 | (permission << 3) : permission << 6);
    const { odd, onOddity } = oddities();
    const result = await asUnprivileged(async () => {
      const spool = await disk.open(t);
      return scanAll(spool, { onOddity });
    });
    await chmod(disk.at('closed'), 0o755);
    assert.equal(result.files, 1);
    assert.deepEqual(odd, ['closed: closed folder EACCES']);
  });
}

/** Root may do everything: its tests of permissions run as another user. */
async function asUnprivileged<T>(use: () => Promise<T>): Promise<T> {
  if (!isRoot) return use();
  process.setegid?.(UNPRIVILEGED);
  process.seteuid?.(UNPRIVILEGED);
  try {
    return await use();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

for (const [what, args] of [
  ['another file system', ['-t', 'tmpfs', 'tmpfs']],
  ['a folder of the same file system', ['--bind', 'elsewhere']],
] as const) {
  test(`reports ${what} that is mounted below, and skips it without a look`, {
    skip: !isRoot && 'needs root to mount',
  }, async (t) => {
    const disk = await TemporarySpool.create(t);
    await disk.put('a b/mounted/hidden');
    await mkdir(join(disk.base, 'elsewhere'));
    const place = join(disk.path, 'a b/mounted');
    try {
      execFileSync('mount', [...args, place], { stdio: 'pipe', cwd: disk.base });
    } catch {
      return t.skip('mounting is not permitted here');
    }
    const { odd, onOddity } = oddities();
    try {
      await disk.put('a b/mounted/elsewhere');
      const result = await scanAll(await disk.open(t), { onOddity });
      assert.equal(result.files, 0);
    } finally {
      execFileSync('umount', ['-l', place]);
    }
    assert.deepEqual(odd, ['a b/mounted: mount']);
  });
}

test('gives up a folder that does not answer, and reads it when it does', {
  skip: !isRoot && 'needs root to mount',
}, async (t) => {
  const disk = await TemporarySpool.create(t);
  for (const name of ['a/b/hidden', 'a/f', 'z/f', 'f']) await disk.put(name);
  const spool = await disk.open(t);
  const place = join(disk.path, 'a/b');
  let dead: DeadMount | undefined;
  let answered = 0;
  // Mounted in the very moment in which it is looked at: later than the kernel's list of mounts was read.
  const ignore = new IgnoreRules([]);
  ignore.ignores = (_name, path) => {
    if (dead === undefined && `${path}` === 'a/b') dead = DeadMount.over(place);
    return false;
  };
  const clock = new SimClock();
  const silent = new SilentFolders(clock, () => void answered++);
  const { odd, onOddity } = oddities();
  const scanning = scanAll(spool, { ignore, onOddity, silent });
  for (let turn = 0; turn < 100 && silent.overdue === undefined && odd.length === 0; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (dead !== undefined) await clock.advance(1_000);
  }
  if (dead === undefined) return t.skip('mounting is not permitted here');
  const result = await scanning;
  assert.deepEqual(odd, ['a: silent folder']);
  assert.deepEqual(result.entries.map(({ path }) => `${path}`).sort(), ['f', 'z/f']);
  dead.end();
  for (let turn = 0; turn < 100 && answered === 0; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await scanAll(spool, { silent })).files, 4);
});

test('says when what is not settled yet may be', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.put('f');
  const now = { wallMs: Date.now() + 1_000, monotonicMs: 0 };
  const result = await scanAll(await disk.open(t), { settle: new Settle(60_000), now });
  assert.deepEqual([result.files, result.unsettled, result.eligible], [1, 1, 0]);
  assert.ok(result.settlesInMs !== null && result.settlesInMs > 0 && result.settlesInMs <= 60_000);
});

test('goes on when folders and files disappear while it looks', async (t) => {
  const disk = await TemporarySpool.create(t);
  for (let folder = 0; folder < 5; folder++) {
    for (let file = 0; file < 200; file++) await disk.put(`d${folder}/f${file}`);
  }
  const spool = await disk.open(t);
  let removal: Promise<unknown> | undefined;
  const ignore = new IgnoreRules([]);
  ignore.ignores = (_, path) => {
    const removeAll = () =>
      Promise.all([0, 1, 2, 3, 4].map((n) => rm(disk.at(`d${n}`), { recursive: true, force: true })));
    if (`${path}`.startsWith('d1/')) removal ??= removeAll();
    return false;
  };
  const { files } = await scanAll(spool, { ignore });
  await removal;
  assert.ok(removal !== undefined && files >= 1 && files <= 1_000);
  assert.equal((await scanAll(spool)).files, 0);
});

test('stops when it is told to', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.put('f');
  const spool = await disk.open(t);
  const reason = new Error('enough');
  const scanning = scanAll(spool, { signal: AbortSignal.abort(reason) });
  await assert.rejects(scanning, /enough/);
});

test('a file whose last change was a write settles later than one that was renamed into place', async (t) => {
  const disk = await TemporarySpool.create(t);
  await writeFile(disk.at('f'), 'content');
  const spool = await disk.open(t);
  const { mtimeNs, ctimeNs } = await stat(disk.at('f'), { bigint: true });
  assert.equal(mtimeNs, ctimeNs);
  const now = { wallMs: Number(mtimeNs / 1_000_000n), monotonicMs: 0 };
  const settlesInMs = async (wasRenamed: () => boolean) =>
    (await scanAll(spool, { settle: new Settle(1_000), now, wasRenamed })).settlesInMs;
  assert.equal(await settlesInMs(() => false), 15_000);
  assert.equal(await settlesInMs(() => true), 1_000, 'as watch events tell');
  await rename(disk.at('f'), disk.at('.f'));
  await delay(20);
  await rename(disk.at('.f'), disk.at('f'));
  assert.ok(Number(await settlesInMs(() => false)) <= 1_000, 'as its time stamps tell');
});
