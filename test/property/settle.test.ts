import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Settle } from '../../src/backlog/settle.ts';

const WALL_MS = 1_800_000_000_000;
const SETTLE_MS = 2_000;

interface Step {
  readonly passMs: number;
  readonly stepWallMs: number;
  readonly writes: boolean;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    passMs: fc.integer({ min: 0, max: 3_000 }),
    stepWallMs: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      fc.integer({ min: -7_200_000, max: 7_200_000 }),
    ),
    writes: fc.boolean(),
  }),
  { maxLength: 30 },
);

/** Lives through `history` with a file system whose clock is `skewMs` off, looking at the file after every step. */
function live(
  history: readonly Step[],
  skewMs: number,
  look: (remainingMs: number, quietMs: number) => void,
) {
  const settle = new Settle(SETTLE_MS);
  let [monotonicMs, wallMs, touchedMs, quietMs, inode] = [0, WALL_MS, WALL_MS + skewMs, 0, 0n];
  for (const { passMs, stepWallMs, writes } of [{ passMs: 0, stepWallMs: 0, writes: false }, ...history]) {
    monotonicMs += passMs;
    wallMs += passMs + stepWallMs;
    quietMs += passMs;
    if (writes) {
      touchedMs = wallMs + skewMs;
      quietMs = 0;
      // A write within one tick of the file system's clock is told from the last one by its size; here by the inode.
      inode++;
    }
    const touchedNs = BigInt(touchedMs) * 1_000_000n;
    const identity = { dev: 1n, ino: inode, sizeBytes: 1, mtimeNs: touchedNs, ctimeNs: touchedNs };
    look(settle.remainingMs('f', identity, { wallMs, monotonicMs }), quietMs);
    settle.endScan();
  }
}

test('a file seen from its beginning is never taken early, however the wall clock steps', () => {
  fc.assert(
    fc.property(steps, (history) => {
      live(history, 0, (remainingMs, quietMs) => {
        if (remainingMs === 0) assert.ok(quietMs >= SETTLE_MS, `taken after ${quietMs} ms`);
      });
    }),
  );
});

test('the wait that is announced is never negative and never longer than settle', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: -3_600_000, max: 3_600_000 }), (history, skewMs) => {
      live(history, skewMs, (remainingMs) => assert.ok(remainingMs >= 0 && remainingMs <= SETTLE_MS));
    }),
  );
});

test('a file left alone is taken after settle at the latest, however wrong its clock is', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: -3_600_000, max: 3_600_000 }), (history, skewMs) => {
      const rest = [
        { passMs: 0, stepWallMs: 0, writes: true },
        { passMs: SETTLE_MS, stepWallMs: 0, writes: false },
      ];
      let last = Number.NaN;
      live([...history, ...rest], skewMs, (remainingMs) => {
        last = remainingMs;
      });
      assert.equal(last, 0);
    }),
  );
});
