import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Settle } from '../../src/backlog/settle.ts';
import type { FileIdentity } from '../../src/spool/entry.ts';

const WALL_MS = 1_800_000_000_000;

function touchedAt(mtimeMs: number, ctimeMs = mtimeMs): FileIdentity {
  const [mtimeNs, ctimeNs] = [BigInt(mtimeMs) * 1_000_000n, BigInt(ctimeMs) * 1_000_000n];
  return { dev: 1n, ino: 1n, sizeBytes: 1, mtimeNs, ctimeNs };
}

/** The moment `ms` after the beginning, with the wall clock `wallStepMs` off. */
function at(ms: number, wallStepMs = 0) {
  return { wallMs: WALL_MS + ms + wallStepMs, monotonicMs: 5_000 + ms };
}

/** One that has watched for long. */
function watching(settleMs: number, sightingsMax?: number): Settle {
  const settle = new Settle(settleMs, sightingsMax);
  settle.begin(at(-3_600_000));
  return settle;
}

const FIRST_SIGHT: readonly (readonly [string, number, FileIdentity, number])[] = [
  ['takes a file untouched for longer than settle', 2_000, touchedAt(WALL_MS - 2_001), 0],
  ['takes a file untouched for exactly settle', 2_000, touchedAt(WALL_MS - 2_000), 0],
  ['waits for the rest of settle', 2_000, touchedAt(WALL_MS - 1_500), 500],
  ['waits when an old file was just renamed in', 2_000, touchedAt(WALL_MS - 90_000, WALL_MS - 100), 1_900],
  ['waits when only the content is new', 2_000, touchedAt(WALL_MS - 100, WALL_MS - 90_000), 1_900],
  [
    'waits no longer than settle for a time stamp in the future',
    2_000,
    touchedAt(WALL_MS + 3_600_000),
    2_000,
  ],
  ['takes everything at once when settle is 0', 0, touchedAt(WALL_MS + 3_600_000), 0],
];
for (const [title, settleMs, identity, remainingMs] of FIRST_SIGHT) {
  test(title, () => {
    assert.equal(watching(settleMs).remainingMs('f', identity, at(0)), remainingMs);
  });
}

test('takes a file with a time stamp in the future once it has not changed for settle', () => {
  const settle = watching(2_000);
  const identity = touchedAt(WALL_MS + 3_600_000);
  settle.remainingMs('f', identity, at(0));
  assert.equal(settle.remainingMs('f', identity, at(1_999)), 1);
  assert.equal(settle.remainingMs('f', identity, at(2_000)), 0);
});

test('begins anew when the file changes', () => {
  const settle = watching(2_000);
  settle.remainingMs('f', touchedAt(WALL_MS + 60_000), at(0));
  assert.equal(settle.remainingMs('f', touchedAt(WALL_MS + 60_001), at(1_999)), 2_000);
});

test('settles though its permissions or links change every second', () => {
  const settle = watching(2_000);
  for (const ms of [0, 1_000]) {
    assert.ok(settle.remainingMs('f', touchedAt(WALL_MS, WALL_MS + ms), at(ms)) > 0);
    settle.endScan();
  }
  for (const ms of [2_000, 3_000, 10_000]) {
    assert.equal(settle.remainingMs('f', touchedAt(WALL_MS, WALL_MS + ms), at(ms)), 0);
    settle.endScan();
  }
});

// Regression: a machine without a clock of its own starts, its producers write, and NTP steps an hour ahead.
test('believes no quiet time longer than was watched right after a start', () => {
  const settle = new Settle(2_000);
  const identity = touchedAt(WALL_MS - 3_600_000);
  settle.begin(at(0));
  assert.equal(settle.remainingMs('f', identity, at(500)), 1_500);
  assert.equal(settle.remainingMs('f', identity, at(2_000)), 0);
  assert.equal(settle.remainingMs('g', identity, at(2_001)), 0, 'nor for longer than settle');
});

test('believes no quiet time longer than was watched after the wall clock stepped forward', () => {
  const settle = watching(2_000);
  settle.remainingMs('f', touchedAt(WALL_MS - 10_000), at(0));
  const identity = touchedAt(WALL_MS);
  assert.equal(settle.remainingMs('g', identity, at(100, 3_600_000)), 2_000);
  assert.equal(settle.remainingMs('g', identity, at(2_100, 3_600_000)), 0);
  assert.equal(settle.remainingMs('h', identity, at(2_100, 3_600_000)), 0);
});

test('takes a clock that is slewed, or stepped back, for what it is', () => {
  const settle = watching(2_000);
  for (let ms = 0; ms < 60_000; ms += 1_000)
    assert.equal(settle.remainingMs(`${ms}`, touchedAt(WALL_MS - 9_000_000), at(ms, ms / 10)), 0);
  assert.equal(settle.remainingMs('f', touchedAt(WALL_MS - 9_000_000), at(60_000, -3_600_000)), 0);
});

test('is not fooled by a wall clock that steps forward while a file is written', () => {
  const settle = watching(2_000);
  const identity = touchedAt(WALL_MS);
  settle.remainingMs('f', identity, at(0));
  assert.equal(settle.remainingMs('f', identity, at(100, 3_600_000)), 1_900);
});

test('does not wait an hour when the wall clock steps back an hour', () => {
  const settle = watching(2_000);
  const identity = touchedAt(WALL_MS);
  settle.remainingMs('f', identity, at(0));
  assert.equal(settle.remainingMs('f', identity, at(2_000, -3_600_000)), 0);
});

test('remembers no more files than allowed, and judges the others by the wall clock', () => {
  const settle = watching(2_000, 2);
  for (const id of ['a', 'b', 'c']) settle.remainingMs(id, touchedAt(WALL_MS), at(0));
  assert.equal(settle.trackedFiles, 2);
  assert.equal(settle.remainingMs('c', touchedAt(WALL_MS), at(2_000)), 0);
});

test('forgets files that a scan no longer finds', () => {
  const settle = watching(2_000);
  settle.remainingMs('a', touchedAt(WALL_MS), at(0));
  settle.remainingMs('b', touchedAt(WALL_MS), at(0));
  settle.endScan();
  settle.remainingMs('a', touchedAt(WALL_MS), at(100));
  settle.endScan();
  assert.equal(settle.trackedFiles, 1);
});

test('does not remember what is settled by both clocks', () => {
  const settle = watching(2_000);
  settle.remainingMs('a', touchedAt(WALL_MS), at(0));
  assert.equal(settle.remainingMs('a', touchedAt(WALL_MS), at(2_000)), 0);
  assert.equal(settle.trackedFiles, 0);
});

test('does not remember what is taken at first sight', () => {
  const settle = watching(2_000);
  settle.remainingMs('a', touchedAt(WALL_MS - 2_000), at(0));
  assert.equal(settle.trackedFiles, 0);
});

test('a file with a time stamp in the future stays settled until it is gone', () => {
  const settle = watching(2_000);
  const identity = touchedAt(WALL_MS + 3_600_000);
  settle.remainingMs('f', identity, at(0));
  for (const ms of [2_000, 2_001, 60_000]) assert.equal(settle.remainingMs('f', identity, at(ms)), 0);
});

test('applies a new settle time to files already seen', () => {
  const settle = watching(2_000);
  settle.remainingMs('a', touchedAt(WALL_MS), at(0));
  settle.setSettleMs(10_000);
  assert.equal(settle.remainingMs('a', touchedAt(WALL_MS), at(2_000)), 8_000);
});

const IN_PLACE = { isWhole: false, tellsWriters: true };

test('waits longer for a file whose last change was a write', () => {
  const settle = new Settle(2_000);
  settle.begin(at(-60_000));
  assert.equal(settle.remainingMs('f', touchedAt(WALL_MS - 2_000), at(0), IN_PLACE), 8_000);
  assert.equal(settle.remainingMs('f', touchedAt(WALL_MS - 2_000), at(7_999), IN_PLACE), 1);
  assert.equal(settle.remainingMs('f', touchedAt(WALL_MS - 2_000), at(8_000), IN_PLACE), 0);
});

test('believes no quiet time of a file written in place that is longer than was watched', () => {
  const settle = new Settle(2_000);
  assert.equal(settle.remainingMs('f', touchedAt(WALL_MS - 60_000), at(0), IN_PLACE), 10_000);
  assert.equal(settle.remainingMs('f', touchedAt(WALL_MS - 60_000), at(9_000), IN_PLACE), 1_000);
  assert.equal(settle.remainingMs('other', touchedAt(WALL_MS - 60_000), at(10_000), IN_PLACE), 0);
});

/** Written to every `everyMs` for `forMs`, looked at every second: when it would have been taken. */
function takenAt(settle: Settle, everyMs: number, forMs: number): number[] {
  const taken: number[] = [];
  for (let ms = 0; ms < forMs; ms += 1_000) {
    const writes = Math.floor(ms / everyMs);
    const identity = { ...touchedAt(WALL_MS + writes * everyMs), sizeBytes: 1 + writes };
    if (settle.remainingMs('f', identity, at(ms), IN_PLACE) === 0) taken.push(ms);
    settle.endScan();
  }
  return taken;
}

test('a file that is written to again and again is taken after ten minutes, when it is quiet for settle', () => {
  assert.equal(takenAt(new Settle(2_000), 3_000, 620_000)[0], 602_000);
});

test('a file that is never quiet for settle is not taken', () => {
  assert.deepEqual(takenAt(new Settle(2_000), 1_000, 1_300_000), []);
});

test('a name that comes back is waited for, unless its file is written anew each time', () => {
  const settle = new Settle(2_000);
  const waits = (identity: FileIdentity, ms: number) => settle.remainingMs('f', identity, at(ms), IN_PLACE);
  settle.patience.removed('f', 5_000);
  assert.equal(waits(touchedAt(WALL_MS + 1_000), 1_000), 20_000);
  assert.equal(waits({ ...touchedAt(WALL_MS + 4_000), sizeBytes: 2 }, 4_000), 20_000, 'it grew');
  assert.equal(waits({ ...touchedAt(WALL_MS + 5_000), sizeBytes: 1 }, 5_000), 10_000, 'it shrank');
});
