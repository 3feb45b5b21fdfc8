// The spool is held for one instance, and found again, on the real file system and with a clock that the test moves.
import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { InstanceLock } from '../../src/spool/instance-lock.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { SpoolKeeper } from '../../src/spool/spool-keeper.ts';
import { test } from '../support/nothing-left.ts';
import { SimClock } from '../support/sim-clock.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

/** A keeper at work, and what it says. */
async function keeping(
  t: TestContext,
  before: (disk: TemporarySpool) => Promise<void> = async () => undefined,
) {
  const disk = await TemporarySpool.create(t);
  await before(disk);
  const spool = await disk.open(t);
  const clock = new SimClock();
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const keeper = new SpoolKeeper({
    spool,
    clock,
    lock: (locked) => InstanceLock.acquire(locked, () => undefined),
    onReattached: () => note('reattached'),
    onEvent: (event) => {
      if (event.kind === 'putBack') note(`recovered ${event.recovery.restored}`);
      if (event.kind === 'fault') note(event.operation);
    },
  });
  t.after(() => keeper.stop());
  await keeper.start();
  assert.deepEqual(events.splice(0), ['recovered 0'], 'what the start found');
  /** Lets time pass, until something is heard and the next turn is due. */
  const heardAfter = async (ms: number) => {
    await clock.advance(ms);
    for (let look = 0; look < 1_000 && (events.length === 0 || clock.pending === 0); look += 1)
      await new Promise((resolve) => setTimeout(resolve, 2));
    return events.splice(0);
  };
  return { disk, clock, events, keeper, heardAfter };
}

test('a spool that is lost is looked for at once, then every three seconds, until it is there again', async (t) => {
  const { disk, clock, events, keeper, heardAfter } = await keeping(t);
  await rm(disk.path, { recursive: true });
  keeper.lost();
  assert.deepEqual(await heardAfter(0), ['return to the spool']);
  await clock.advance(2_999);
  assert.deepEqual(events, []);
  assert.deepEqual(await heardAfter(1), ['return to the spool']);
  await mkdir(disk.path);
  assert.deepEqual(await heardAfter(3_000), ['reattached']);
  await assert.rejects(
    disk.open(t).then(InstanceLock.acquire),
    { code: 'EADDRINUSE' },
    'the new one is ours',
  );
  await clock.advance(3_000);
  await keeper.stop();
  assert.deepEqual(events, [], 'and it is not looked for any more');
});

test('a spool that was moved away and back keeps its lock', async (t) => {
  const { disk, keeper, heardAfter } = await keeping(t);
  await rename(disk.path, `${disk.path}-away`);
  keeper.lost();
  assert.deepEqual(await heardAfter(0), ['return to the spool']);
  await rename(`${disk.path}-away`, disk.path);
  assert.deepEqual(await heardAfter(3_000), ['reattached']);
  await assert.rejects(disk.open(t).then(InstanceLock.acquire), { code: 'EADDRINUSE' });
});

test('a spool that another instance has taken meanwhile is left to it, and tried again', async (t) => {
  const { disk, keeper, heardAfter } = await keeping(t);
  await rm(disk.path, { recursive: true });
  await mkdir(disk.path);
  const other = await InstanceLock.acquire(await disk.open(t));
  keeper.lost();
  assert.deepEqual(await heardAfter(0), ['return to the spool']);
  await other.release();
  assert.deepEqual(await heardAfter(3_000), ['reattached']);
});

test('a file that waits aside for its name is put back ten minutes later', async (t) => {
  const { disk, heardAfter } = await keeping(t, async (crashed) => {
    const path = await crashed.put('f', 'old');
    const spool = await SpoolDirectory.open(crashed.path);
    const file = await spool.openFile(path);
    await spool.setAside(file);
    await file.close();
    await spool.close();
    await crashed.put('f', 'new');
  });
  await rm(join(disk.path, 'f'));
  assert.deepEqual(await heardAfter(10 * 60_000), ['recovered 1']);
  assert.deepEqual(await disk.list(), ['f']);
});

test('a stop gives the lock back and leaves no turn', async (t) => {
  const { disk, clock, keeper } = await keeping(t);
  await writeFile(join(disk.path, 'f'), 'content');
  await keeper.stop();
  assert.equal(clock.pending, 0);
  keeper.lost();
  assert.equal(clock.pending, 0);
  await (await InstanceLock.acquire(await disk.open(t))).release();
});

test('a stop while the spool is taken again waits for that, and gives the new lock back', async (t) => {
  const { disk, clock, events, keeper } = await keeping(t);
  await rm(disk.path, { recursive: true });
  await mkdir(disk.path);
  keeper.lost();
  await clock.advance(0);
  await keeper.stop();
  assert.deepEqual([events, clock.pending], [['reattached'], 0]);
  await (await InstanceLock.acquire(await disk.open(t))).release();
});
