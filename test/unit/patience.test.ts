import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Arrival, Patience, WHOLE } from '../../src/backlog/patience.ts';

const CLOSED: Arrival = { isWhole: false, tellsWriters: true };
const PERHAPS_OPEN: Arrival = { isWhole: false, tellsWriters: false };
const [SETTLE_MS, MINUTE_MS] = [2_000, 60_000];

for (const [title, arrival, settleMs, expectedMs] of [
  ['a file that was renamed into place is quiet for settle', WHOLE, SETTLE_MS, 2_000],
  ['a file that was written in place is quiet for five times as long', CLOSED, SETTLE_MS, 10_000],
  ['for fifteen times as long where its writer may have it open', PERHAPS_OPEN, SETTLE_MS, 30_000],
  ['no file waits for longer than ten minutes', PERHAPS_OPEN, 60_000, 600_000],
  ['but for settle, if that is longer', PERHAPS_OPEN, 3_600_000, 3_600_000],
  ['with a settle of 0 no file waits', PERHAPS_OPEN, 0, 0],
] as const) {
  test(title, () => assert.equal(new Patience().quietMs('f', settleMs, arrival), expectedMs));
}

for (const [what, arrival, settleMs, waitsMs] of [
  ['written in place', CLOSED, SETTLE_MS, [20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000]],
  ['renamed into place', WHOLE, SETTLE_MS, [4_000, 8_000, 16_000]],
  ['taken at once', WHOLE, 0, [2_000, 4_000, 8_000]],
] as const) {
  test(`a file that was ${what} waits twice as long after each change that came too late`, () => {
    const patience = new Patience();
    for (const expectedMs of waitsMs) {
      patience.changed('f');
      assert.equal(patience.quietMs('f', settleMs, arrival), expectedMs);
      assert.equal(
        patience.quietMs('other', settleMs, arrival),
        new Patience().quietMs('f', settleMs, arrival),
      );
    }
  });
}

/** Removed, and there again after so long. */
function comesBack(patience: Patience, afterMs: number): void {
  patience.removed('f', 1_000_000);
  patience.appeared('f', 1_000_000 + afterMs);
}

test('a name that comes back soon after its file was removed waits twice as long, up to a minute', () => {
  const patience = new Patience();
  for (const expectedMs of [20_000, 40_000, 64_000, 64_000]) {
    comesBack(patience, MINUTE_MS);
    // Seen in every scan; it came back once.
    patience.appeared('f', 1_000_000 + MINUTE_MS + 1);
    assert.equal(patience.quietMs('f', SETTLE_MS, CLOSED), expectedMs);
  }
  assert.equal(patience.quietMs('f', SETTLE_MS, WHOLE), 2_000, 'but not for what is renamed to it');
  comesBack(patience, MINUTE_MS + 1);
  assert.equal(patience.quietMs('f', SETTLE_MS, CLOSED), 10_000, 'a late return is none');
});

test('a name under which files are written anew is not waited for', () => {
  const patience = new Patience();
  comesBack(patience, 5_000);
  patience.rewritten('f');
  comesBack(patience, 5_000);
  assert.equal(patience.quietMs('f', SETTLE_MS, CLOSED), 10_000);
});

test('forgets the name of which nothing was heard for longest, beyond its bound', () => {
  const patience = new Patience(2);
  for (const id of ['a', 'b', 'a', 'c']) patience.changed(id);
  assert.equal(patience.size, 2);
  assert.equal(patience.quietMs('a', SETTLE_MS, WHOLE), 8_000);
  assert.equal(patience.quietMs('b', SETTLE_MS, WHOLE), 2_000);
});
