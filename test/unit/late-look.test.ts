import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FileIdentity, SpoolPath } from '../../src/spool/entry.ts';
import { LateLook, type LateLookPorts, type LookedAt } from '../../src/spool/late-look.ts';
import { SimClock } from '../support/sim-clock.ts';

/** A removed file that its test writes to. */
class Removed implements LookedAt {
  readonly path: SpoolPath;
  readonly sizeBytes: number;
  writes = 0;
  holders = 1;
  /** How many writes what was brought back held, each time. */
  readonly broughtBack: number[] = [];
  /** Resolves when it is back. */
  whileBroughtBack: Promise<void> = Promise.resolve();
  fails = false;
  unreadable = false;
  readonly #mtimeNs: bigint;

  constructor(name: string, mtimeMs: number, sizeBytes = 1) {
    this.path = SpoolPath.from(name);
    this.sizeBytes = sizeBytes;
    this.#mtimeNs = BigInt(Math.floor(mtimeMs)) * 1_000_000n;
  }

  get identity(): FileIdentity {
    const mtimeNs = this.#mtimeNs + BigInt(this.writes);
    return { dev: 1n, ino: 1n, sizeBytes: this.sizeBytes, mtimeNs, ctimeNs: mtimeNs };
  }

  async currentIdentity(): Promise<FileIdentity> {
    if (this.unreadable) throw new Error('EIO');
    return this.identity;
  }

  hold(): void {
    this.holders += 1;
  }

  async close(): Promise<void> {
    this.holders -= 1;
  }

  readonly bringBack = async (): Promise<void> => {
    if (this.fails) throw new Error('the disk is full');
    await this.whileBroughtBack;
    this.broughtBack.push(this.writes);
  };
}

function prepare(limits: Pick<LateLookPorts, 'filesMax' | 'bytesMax'> = {}) {
  const clock = new SimClock();
  const told: string[] = [];
  const onLate = (path: SpoolPath, problem: unknown) =>
    void told.push(problem === undefined ? `${path}` : `${path}: ${problem}`);
  const late = new LateLook({ clock, onLate, ...limits });
  /** As a transfer does: it closes what it has removed. */
  const remove = async (name: string, quietMs = 5_000, sizeBytes = 1) => {
    const file = new Removed(name, clock.wallMs() - quietMs, sizeBytes);
    await late.keep(file, file.identity, file.bringBack);
    await file.close();
    return file;
  };
  return { clock, late, told, remove };
}

test('a file that is written to after its removal comes back, once it has been quiet for ten seconds', async () => {
  const { clock, told, remove } = prepare();
  const file = await remove('f');
  await clock.advance(20_000);
  file.writes = 1;
  await clock.advance(9_000);
  file.writes = 2;
  await clock.advance(10_000);
  assert.deepEqual(file.broughtBack, [], 'its writer may go on');
  await clock.advance(3_000);
  assert.deepEqual(file.broughtBack, [2]);
  assert.deepEqual(told, ['f']);
});

test('a writer that goes on after that has its file brought back once more', async () => {
  const { clock, remove } = prepare();
  const file = await remove('f');
  for (const writes of [1, 2]) {
    file.writes = writes;
    await clock.advance(30_000);
  }
  assert.deepEqual(file.broughtBack, [1, 2]);
});

test('a file to which nothing happens is let go after a minute', async () => {
  const { clock, late, told, remove } = prepare();
  const file = await remove('f');
  await clock.advance(59_000);
  assert.deepEqual([late.size, file.holders], [1, 1]);
  await clock.advance(3_000);
  assert.deepEqual([late.size, file.holders], [0, 0]);
  assert.deepEqual(told, []);
});

test('a file that had been quiet for a minute is not kept', async () => {
  const { late, remove } = prepare();
  const file = await remove('f', 60_001);
  assert.deepEqual([late.size, file.holders], [0, 0]);
});

for (const [what, limits, sizeBytes] of [
  ['descriptors', { filesMax: 2 }, 1],
  ['space on the disk', { bytesMax: 100 }, 50],
] as const) {
  test(`keeps no more ${what} than it may: the oldest gives way, after a last look`, async () => {
    const { late, remove } = prepare(limits);
    const first = await remove('first', 0, sizeBytes);
    first.writes = 1;
    await remove('second', 0, sizeBytes);
    assert.deepEqual(first.broughtBack, []);
    await remove('third', 0, sizeBytes);
    assert.deepEqual([first.broughtBack, first.holders, late.size], [[1], 0, 2]);
  });
}

test('what cannot be brought back yet is told, kept, and tried again', async () => {
  const { clock, told, remove } = prepare();
  const file = await remove('f');
  file.writes = 1;
  file.fails = true;
  await clock.advance(90_000);
  assert.equal(told[0], 'f: Error: the disk is full');
  assert.equal(file.holders, 1);
  file.fails = false;
  await clock.advance(2_000);
  assert.deepEqual(file.broughtBack, [1]);
  assert.equal(told.at(-1), 'f');
});

test('a file that cannot be looked at for a moment is looked at again', async () => {
  const { clock, late, told, remove } = prepare();
  const file = await remove('f');
  file.unreadable = true;
  file.writes = 1;
  await clock.advance(20_000);
  assert.deepEqual([told, late.size], [[], 1]);
  file.unreadable = false;
  await clock.advance(15_000);
  assert.deepEqual(file.broughtBack, [1]);
});

test('a stop has a last look at all of them', async () => {
  const { late, remove } = prepare();
  const [written, left] = [await remove('written'), await remove('left')];
  written.writes = 1;
  await late.flush();
  assert.deepEqual([written.broughtBack, left.broughtBack], [[1], []]);
  assert.deepEqual([written.holders, left.holders, late.size], [0, 0, 0]);
});

test('after a stop nothing is looked at any more', async () => {
  const { clock, late, remove } = prepare();
  for (const name of ['f', 'g']) await remove(name);
  assert.equal(clock.pending, 1, 'one turn for all of them');
  await late.flush();
  assert.equal(clock.pending, 0, 'no timer is left behind');
  await remove('h');
  assert.equal(clock.pending, 1, 'but for what is removed after it');
});

test('a stop while a file is being brought back waits for that, and does not bring it back twice', async () => {
  const { clock, late, remove } = prepare();
  const file = await remove('f');
  file.writes = 1;
  let finish: () => void = () => assert.fail('not brought back');
  file.whileBroughtBack = new Promise((resolve) => {
    finish = resolve;
  });
  await clock.advance(11_000);
  let isOver = false;
  const flushed = late.flush().then(() => {
    isOver = true;
  });
  await clock.advance(0);
  assert.deepEqual([isOver, file.holders], [false, 1]);
  finish();
  await flushed;
  assert.deepEqual([file.broughtBack, file.holders], [[1], 0]);
  await clock.advance(2_000);
  assert.equal(clock.pending, 0, 'nor is there another turn');
});

test('a turn that takes long is not overtaken by the next one', async () => {
  const { clock, remove } = prepare();
  const file = await remove('f');
  file.writes = 1;
  let finish: () => void = () => assert.fail('not brought back');
  file.whileBroughtBack = new Promise((resolve) => {
    finish = resolve;
  });
  await clock.advance(11_000);
  await remove('g');
  await clock.advance(3_000);
  finish();
  await clock.advance(3_000);
  assert.deepEqual(file.broughtBack, [1]);
});
