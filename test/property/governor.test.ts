import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Governor } from '../../src/pace/governor.ts';

const TARGET = 1_000_000;
const FLOOR = 10_000;
const LIMITS = { targetBytesPerSec: TARGET, floorBytesPerSec: FLOOR };

/** What others send for how many 50 ms intervals. */
const stretch = fc.record({
  crossPerSec: fc.integer({ min: 0, max: TARGET - FLOOR }),
  intervals: fc.integer({ min: 1, max: 100 }),
});
/** Wire bytes for a body byte: whatever it is, nobody told the governor. */
const overhead = fc.double({ min: 1, max: 1.3, noNaN: true });

describe('governor, whatever others send', () => {
  it('keeps the long-run total at or below the target while others leave it the floor', () => {
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 30 }), overhead, (stretches, wirePerByte) => {
        const governor = new Governor(LIMITS);
        let [sent, elapsedMs] = [0, 0];
        for (const { crossPerSec, intervals } of stretches) {
          for (let at = 0; at < intervals; at += 1) {
            const ownBytes = governor.budgetBytesPerSec * 0.05;
            const sentBytes = ownBytes * wirePerByte + crossPerSec * 0.05;
            governor.observe({ sentBytes, ownBytes, intervalMs: 50, idleMs: 0, savedBytes: 0 });
            sent += sentBytes;
            elapsedMs += 50;
          }
        }
        // A rise is seen one interval late, and what that cost is paid back: bounded, not growing with time.
        const allowance = TARGET * 0.05 * (stretches.length + 2) + TARGET * 0.15;
        assert.ok(sent <= (TARGET * elapsedMs) / 1000 + allowance, `${sent} in ${elapsedMs} ms`);
      }),
    );
  });

  it('never lets the budget fall below the floor, nor rise beyond the target and a little credit', () => {
    const anything = fc.record({
      sentBytes: fc.double({ min: 0, max: 1e12, noNaN: true }),
      ownBytes: fc.double({ min: 0, max: 1e12, noNaN: true }),
      intervalMs: fc.double({ min: 0.001, max: 5_000, noNaN: true }),
      idleMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
      savedBytes: fc.double({ min: 0, max: 1e7, noNaN: true }),
      lost: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 100 }), (intervals) => {
        const governor = new Governor(LIMITS);
        for (const { lost, ...interval } of intervals) {
          if (lost) governor.lose();
          else governor.observe(interval);
          const wire = governor.budgetBytesPerSec * (1 + 66 / 1_448);
          assert.ok(wire >= FLOOR * 0.99 && wire <= TARGET * 1.09, `${wire}`);
        }
      }),
    );
  });
});
