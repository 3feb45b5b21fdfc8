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
    assert.ok(wireBudget(governor) > 500_000 && wireBudget(governor) < 900_000, `${wireBudget(governor)}`);
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

/** One sample of 50 ms, in which the link's target is 50,000 bytes; nothing is ours unless it is said to be. */
interface Sample {
  readonly sent: number;
  readonly own?: number;
  readonly idleMs?: number;
  readonly saved?: number;
}

function observing(...samples: readonly Sample[]): Governor {
  const governor = new Governor(LIMITS);
  observe(governor, ...samples);
  return governor;
}

function observe(governor: Governor, ...samples: readonly Sample[]): void {
  for (const { sent, own = 0, idleMs = 0, saved = 0 } of samples)
    governor.observe({
      sentBytes: sent,
      ownBytes: own,
      intervalMs: INTERVAL_MS,
      idleMs,
      savedBytes: saved,
    });
}

/** Bytes on the wire for 1,448 bytes of body: one full segment. */
const SEGMENT = 1_448;
const FRAME = 1_514;

/** A sample in which so many segments of ours left, and nothing else. */
const ours = (segments: number): Sample => ({ sent: segments * FRAME, own: segments * SEGMENT });

/** The budget in bytes on the wire, to the byte. */
const room = (governor: Governor) => Math.round((governor.budgetBytesPerSec * FRAME) / SEGMENT);
const cross = (governor: Governor) => Math.round(governor.rates.crossBytesPerSec);

describe('governor, sample by sample', () => {
  it('tells what was ours on the wire, and what was not', () => {
    const governor = observing({ sent: 40_000, own: 10 * SEGMENT });
    const { totalBytesPerSec, ownBytesPerSec, crossBytesPerSec } = governor.rates;
    assert.deepEqual([totalBytesPerSec, ownBytesPerSec, crossBytesPerSec].map(Math.round), [
      40_000 * 20,
      10 * FRAME * 20,
      (40_000 - 10 * FRAME) * 20,
    ]);
  });

  it('sends exactly half the target, headers included, before it has measured', () => {
    assert.equal(room(new Governor(LIMITS)), TARGET / 2);
  });

  it('sends exactly the floor, headers included, beside others who leave less', () => {
    assert.equal(room(observing({ sent: 60_000 })), FLOOR);
  });

  it('is at the floor only where others leave less than that', () => {
    assert.equal(observing({ sent: 49_000 }).floorEngaged, false);
    assert.equal(observing({ sent: 49_001 }).floorEngaged, true);
  });

  for (const { name, sent, believed } of [
    { name: 'a rise of a twentieth of the target bit by bit', sent: 22_500, believed: 409_063 },
    { name: 'a larger rise at once', sent: 22_501, believed: 450_020 },
    { name: 'a fall bit by bit, but faster', sent: 10_000, believed: 273_576 },
  ]) {
    it(`believes ${name}`, () => {
      assert.equal(cross(observing({ sent: 20_000 }, { sent })), believed);
    });
  }

  it('takes what is still queued for ours when it leaves, but no more than a tenth of a second', () => {
    const queued = 100_000 * Math.exp(-INTERVAL_MS / 100);
    const governor = observing({ sent: 0 }, { sent: 0, own: 300_000 }, { sent: 150_000 });
    assert.equal(cross(governor), Math.round((150_000 - queued) * 20));
  });

  for (const { idleMs, credit } of [
    { idleMs: 0, credit: 10_000 },
    { idleMs: 25, credit: 5_000 },
    { idleMs: 50, credit: 0 },
    { idleMs: 75, credit: 0 },
  ]) {
    it(`makes up for ${credit} of 10,000 bytes when nobody waited for ${idleMs} of 50 ms`, () => {
      assert.equal(room(observing({ sent: 40_000 }, { sent: 40_000, idleMs })), 200_000 + credit * 2);
    });
  }

  it('makes up for no more than 44 ms of the target', () => {
    assert.equal(room(observing({ sent: 0 }, { sent: 0 }, { sent: 0 })), TARGET + 2 * 44_000);
  });

  it('forgets what it could make up for when nobody waits for a whole sample', () => {
    const governor = observing({ sent: 40_000 }, { sent: 40_000 }, { sent: 40_000, idleMs: 50 });
    assert.equal(room(governor), 200_000);
  });

  it('pays back what it owes alike, whether somebody waits or not', () => {
    const after = (idleMs: number) => room(observing({ sent: 0 }, ours(40), { ...ours(30), idleMs }));
    const owed = 70 * FRAME - 2 * 50_000;
    assert.equal(after(50), after(0));
    assert.ok(after(0) <= TARGET - 2 * owed);
  });

  it('keeps no accounts over a time without measurement', () => {
    const governor = observing({ sent: 0 }, { sent: 100_000 });
    governor.lose();
    observe(governor, { sent: 25_000 });
    assert.equal(room(governor), TARGET / 2);
  });

  it('takes bytes saved up for those who wait for sent, and gives them back when they are not', () => {
    const governor = observing({ sent: 40_000 }, { sent: 40_000, saved: 5 * SEGMENT });
    assert.equal(room(governor), 200_000 + 2 * (10_000 - 5 * FRAME));
    observe(governor, { sent: 40_000 });
    assert.equal(room(governor), 200_000 + 2 * 20_000);
  });

  it('takes bytes that the kernel still holds for sent', () => {
    const governor = observing({ sent: 0 }, { sent: 0, own: 10 * SEGMENT });
    assert.equal(room(governor), TARGET + 2 * (50_000 - 10 * FRAME));
  });

  it('takes off 3 % of what it sends itself', () => {
    const tenSeconds = Array.from({ length: 200 }, () => ({ ...ours(20), idleMs: 50 }));
    assert.equal(room(observing(...tenSeconds)), Math.round(TARGET - 0.03 * 20 * FRAME * 20));
  });

  it('takes it off bit by bit: a single sample is noise', () => {
    // The first sample settles no accounts: what is taken off is all there is to see.
    const expected = TARGET - 0.03 * 20 * FRAME * 20 * (1 - Math.exp(-50 / 250));
    assert.equal(room(observing(ours(20))), Math.round(expected));
  });

  it('pays a debt back over two samples where those are seconds apart', () => {
    const governor = new Governor(LIMITS);
    const seldom = { ownBytes: 0, intervalMs: 2_000, idleMs: 0, savedBytes: 0 };
    governor.observe({ ...seldom, sentBytes: 1_000_000 });
    governor.observe({ ...seldom, sentBytes: 1_000_000 });
    assert.equal(room(governor), 500_000 + 44_000 / 4);
  });
});
