// Walks over real folders in the scanning thread.
import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test as plainTest } from 'node:test';
import { NoThread, threadWalk, walkByDepth, walkInThread } from '../../src/backlog/deep-walk.ts';
import { FOUND_MAX } from '../../src/backlog/found-files.ts';
import { IgnoreRules } from '../../src/backlog/ignore-rules.ts';
import type { Oddity } from '../../src/backlog/oddity.ts';
import { type ScanRequest, scan, type WalkSpool } from '../../src/backlog/scanner.ts';
import { NoAnswer, SilentFolders } from '../../src/backlog/silent-folders.ts';
import type { SpoolPath } from '../../src/spool/entry.ts';
import type { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { Fault } from '../../src/system/fault.ts';
import { DeadMount } from '../support/dead-mount.ts';
import { test } from '../support/nothing-left.ts';
import { SimClock } from '../support/sim-clock.ts';
import { scanRequest, TemporarySpool } from '../support/temporary-spool.ts';

const isRoot = process.geteuid?.() === 0;

/** What a scan has found, for comparison with another. */
async function found(spool: SpoolDirectory, walkSpool?: WalkSpool, overrides: Partial<ScanRequest> = {}) {
  const odd: string[] = [];
  const onOddity = (path: SpoolPath, { kind }: Oddity) => void odd.push(`${path}: ${kind}`);
  const request = scanRequest({ onOddity, ...overrides });
  const result = await scan(spool, request, walkSpool);
  return { result, odd: odd.sort(), entries: request.index.first(10_000) };
}

// The first thread: tsx begins something in it that it keeps.
plainTest('a walk in a thread finds what a walk through the thread pool finds', async (t) => {
  const disk = await TemporarySpool.create(t);
  for (let folder = 0; folder < 4; folder += 1)
    for (let file = 0; file < FOUND_MAX; file += 1)
      await disk.put(`d${folder}/${'n'.repeat(20 * folder)}${file}`);
  await disk.put(Buffer.from([0x66, 0xff, 0xfe]));
  await disk.put('skip.tmp');
  await symlink('/etc', disk.at('link'));
  await mkdir(join(disk.path, ...Array.from({ length: 70 }, () => 'd')), { recursive: true });
  const spool = await disk.open(t);
  const ignore = new IgnoreRules(['*.tmp']);
  const here = await found(spool, undefined, { ignore });
  assert.equal(here.result.files, 4 * FOUND_MAX + 1);
  assert.deepEqual(await found(spool, walkInThread, { ignore }), here);
});

test('paths so long that few of them fit into a batch are found', async (t) => {
  const disk = await TemporarySpool.create(t);
  const folder = Array.from({ length: 10 }, () => 'f'.repeat(255)).join('/');
  await mkdir(join(disk.path, ...folder.split('/').slice(0, 5)), { recursive: true });
  for (let file = 0; file < 60; file += 1) await disk.put(`${folder.slice(0, 255 * 5 + 5)}${file}`);
  const spool = await disk.open(t);
  const { result, entries } = await found(spool, walkInThread);
  assert.deepEqual([result.files, entries.length], [60, 60]);
  assert.deepEqual((await found(spool)).entries, entries);
});

test('a spool is walked without a thread at first, and with one if it is deep', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.put('f');
  const spool = await disk.open(t);
  const threads = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
  const before = threads();
  /** How many threads there are when the last file is judged. */
  const walkBy = async (walk: WalkSpool, files: number) => {
    let last = 0;
    const judge = () => {
      last = threads() - before;
      return 'waiting' as const;
    };
    assert.equal((await found(spool, walk, { judge })).result.files, files, 'none is counted twice');
    return last;
  };
  const [quick, slow] = [walkByDepth(new SimClock()), walkByDepth({ monotonicMs: () => (nowMs += 300) })];
  let nowMs = 0;
  for (const walk of [quick, slow]) assert.equal(await walkBy(walk, 1), 0);
  for (let file = 0; file < FOUND_MAX; file += 1) await disk.put(`${file}`);
  assert.equal(await walkBy(quick, FOUND_MAX + 1), 0);
  assert.ok((await walkBy(slow, FOUND_MAX + 1)) > 0);
  assert.ok((await walkBy(quick, FOUND_MAX + 1)) > 0, 'it is known to be deep');
});

test('a deep spool is walked without a thread if none can start, and the next walk tries none', async (t) => {
  const disk = await TemporarySpool.create(t);
  for (let file = 0; file < FOUND_MAX + 1; file += 1) await disk.put(`${file}`);
  const spool = await disk.open(t);
  // Too little for a thread to begin; with 2 MB or less, V8 ends the process.
  const withoutMemory = threadWalk({ maxOldGenerationSizeMb: 4 });
  let threads = 0;
  const codes: string[] = [];
  const walk = walkByDepth({ monotonicMs: () => (nowMs += 300) }, (walked, request) => {
    threads += 1;
    return withoutMemory(walked, request);
  });
  let nowMs = 0;
  const onNoThread = (code: string) => void codes.push(code);
  const expected = await found(spool);
  for (let scans = 0; scans < 2; scans += 1)
    assert.deepEqual(await found(spool, walk, { onNoThread }), expected);
  assert.deepEqual([threads, codes], [1, ['ERR_WORKER_OUT_OF_MEMORY']]);
  nowMs += 600_000;
  await found(spool, walk, { onNoThread });
  assert.equal(threads, 2, 'it is tried again after ten minutes');
});

test('a thread that breaks down in the middle fails its walk, and the next one needs none', async (t) => {
  const disk = await TemporarySpool.create(t);
  for (let file = 0; file < FOUND_MAX; file += 1) await disk.put(`${file}`);
  const spool = await disk.open(t);
  const walk = walkByDepth({ monotonicMs: () => (nowMs += 300) }, async (walked, request) => {
    await walkInThread(walked, request);
    throw new NoThread('ERR_WORKER_OUT_OF_MEMORY', undefined);
  });
  let nowMs = 0;
  await assert.rejects(found(spool, walk), /ERR_WORKER_OUT_OF_MEMORY/);
  assert.equal((await found(spool, walk)).result.files, FOUND_MAX);
});

test('a walk in a thread ends when it is told to', async (t) => {
  const disk = await TemporarySpool.create(t);
  for (let file = 0; file < 10 * FOUND_MAX; file += 1) await disk.put(`${file}`);
  const ending = new AbortController();
  let judged = 0;
  const judge = () => {
    judged += 1;
    ending.abort();
    return 'waiting' as const;
  };
  await assert.rejects(found(await disk.open(t), walkInThread, { judge, signal: ending.signal }));
  assert.ok(judged <= FOUND_MAX, `${judged} files`);
});

test('a scan that was ended before its walk begins no thread', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.put('a');
  const ending = new AbortController();
  ending.abort(new Error('ended'));
  await assert.rejects(found(await disk.open(t), walkInThread, { signal: ending.signal }), /ended/);
});

test('a folder that blocks the thread is given up, and left out until it answers', {
  skip: !isRoot && 'needs root to mount',
}, async (t) => {
  const disk = await TemporarySpool.create(t);
  for (const name of ['a/b/hidden', 'f']) await disk.put(name);
  for (let file = 0; file < 3 * FOUND_MAX; file += 1) await disk.put(`many/${file}`);
  const spool = await disk.open(t);
  let dead: DeadMount | undefined;
  const clock = new SimClock();
  let answered = 0;
  const silent = new SilentFolders(clock, () => void answered++);
  // Mounted when the thread has begun, and has read the kernel's list of mounts.
  const walking: WalkSpool = (walked, request) => {
    const walk = walkInThread(walked, request);
    dead ??= DeadMount.over(join(disk.path, 'a/b'));
    return walk;
  };
  const scanning = found(spool, walking, { silent });
  const outcome = scanning.catch((error: unknown) => error);
  let isOver = false;
  void outcome.then(() => {
    isOver = true;
  });
  for (let turn = 0; turn < 400 && !isOver; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (turn > 100) await clock.advance(1_000);
  }
  if (dead === undefined) return t.skip('mounting is not permitted here');
  const error = await outcome;
  assert.ok(error instanceof Fault && error.cause instanceof NoAnswer, `${error}`);
  const { result, odd } = await found(spool, walkInThread, { silent });
  assert.deepEqual([result.files, result.hasSilent, odd], [3 * FOUND_MAX + 1, true, ['a: silent folder']]);
  dead.end();
  for (let turn = 0; turn < 100 && answered === 0; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal((await found(spool, walkInThread, { silent })).result.files, 3 * FOUND_MAX + 2);
});
