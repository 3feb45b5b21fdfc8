import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Governor } from '../../src/pace/governor.ts';

const TARGET = 1_000_000;
const FLOOR = 20_000;
const LIMITS = { targetBytesPerSec: TARGET, floorBytesPerSec: FLOOR };
const INTERVAL_MS = 50;

/** Others send at `crossPerSec` while we send the whole budget; one interval. */
function interval(governor: Governor, crossPerSec: number, idleMs = 0): void {
  const ownBytes = (governor.budgetBytesPerSec * (INTERVAL_MS - idleMs)) / 1000;
  const sentBytes = ownBytes * 1.05 + (crossPerSec * INTERVAL_MS) / 1000;
  governor.observe({ sentBytes, ownBytes, intervalMs: INTERVAL_MS, idleMs, savedBytes: 0 });
}

function settled(crossPerSec = 0): Governor {
  const governor = new Governor(LIMITS);
  for (let at = 0; at < 5_000; at += INTERVAL_MS) interval(governor, crossPerSec);
  return governor;
}

const wireBudget = (governor: Governor) => governor.budgetBytesPerSec * 1.05;

describe('governor', () => {
  it('starts without a measurement at no more than half the target', () => {
    const governor = new Governor(LIMITS);
    assert.equal(governor.degraded, true);
    assert.ok(wireBudget(governor) <= TARGET / 2 + 5_000);
  });

  it('settles where the whole link is at the target', () => {
    assert.ok(Math.abs(wireBudget(settled()) - TARGET) < TARGET / 100);
    assert.ok(Math.abs(wireBudget(settled(600_000)) - 400_000) < TARGET / 100);
  });

  it('believes a rise of cross traffic at once', () => {
    const governor = settled();
    interval(governor, 600_000);
    assert.ok(wireBudget(governor) <= 400_000, `${wireBudget(governor)}`);
  });

  it('believes its fall only bit by bit', () => {
    const governor = settled(600_000);
    interval(governor, 0);
    assert.ok(wireBudget(governor) > 500_000 && wireBudget(governor) < 800_000, `${wireBudget(governor)}`);
  });

  for (const crossPerSec of [TARGET - FLOOR / 2, TARGET, 10 * TARGET]) {
    it(`keeps the floor while others send ${crossPerSec / TARGET} times the target`, () => {
      const governor = settled(crossPerSec);
      assert.ok(Math.abs(wireBudget(governor) - FLOOR) < FLOOR / 50);
      assert.equal(governor.floorEngaged, true);
    });
  }

  it('has forgotten an hour above the target half a second after it ends', () => {
    const governor = settled();
    for (let atMs = 0; atMs < 3_600_000; atMs += INTERVAL_MS) interval(governor, 1.2 * TARGET);
    for (let atMs = 0; atMs < 500; atMs += INTERVAL_MS) interval(governor, 0);
    assert.equal(governor.floorEngaged, false);
    assert.ok(wireBudget(governor) > 0.9 * TARGET, `${wireBudget(governor)}`);
  });

  it('saves up nothing from an hour in which nobody asked', () => {
    const governor = settled();
    for (let atMs = 0; atMs < 3_600_000; atMs += INTERVAL_MS) interval(governor, 0, INTERVAL_MS);
    assert.ok(wireBudget(governor) <= 1.01 * TARGET, `${wireBudget(governor)}`);
  });

  it('falls to half the target when the measurement is lost, and recovers with the next sample', () => {
    const governor = settled();
    governor.lose();
    assert.equal(governor.degraded, true);
    assert.ok(wireBudget(governor) <= TARGET / 2 + 5_000);
    interval(governor, 0);
    assert.equal(governor.degraded, false);
    assert.ok(wireBudget(governor) > 0.95 * TARGET);
  });

  it('does not raise the budget when the measurement is lost', () => {
    const governor = settled(900_000);
    governor.lose();
    assert.ok(wireBudget(governor) <= 110_000);
  });

  it('has new limits in force at once', () => {
    const governor = settled();
    governor.setLimits({ targetBytesPerSec: TARGET / 2, floorBytesPerSec: FLOOR });
    assert.ok(Math.abs(wireBudget(governor) - TARGET / 2) < TARGET / 100);
  });
});
