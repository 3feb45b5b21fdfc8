import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Meter, type Reading } from '../../src/link/meter.ts';

const MUCH = 1_000_000;

/** Feeds `[time, counter, own]` readings and keeps the answers. */
function readings(...steps: readonly (readonly [atMs: number, counter: number, own: number])[]): Reading[] {
  const meter = new Meter();
  return steps.map(([atMs, counter, own]) => meter.read(atMs, counter, own));
}

describe('meter', () => {
  it('says nothing from one reading, then what was sent between two', () => {
    assert.deepEqual(readings([0, 500, 0], [50, 700, 100]), [
      { kind: 'none' },
      { kind: 'sample', sentBytes: 200, ownBytes: 100, intervalMs: 50 },
    ]);
  });

  it('samples a silent link as silent', () => {
    assert.deepEqual(readings([0, 500, 0], [50, 500, 0])[1], {
      kind: 'sample',
      sentBytes: 0,
      ownBytes: 0,
      intervalMs: 50,
    });
  });

  it('gives no sample for a counter that went backwards, and goes on from there', () => {
    const answers = readings([0, 500, 0], [50, 10, MUCH], [100, 60, 5]);
    assert.deepEqual(answers[1], { kind: 'none' });
    assert.deepEqual(answers[2], { kind: 'sample', sentBytes: 50, ownBytes: 5, intervalMs: 50 });
  });

  it('gives no sample for a clock that stands still or goes backwards, and loses no byte', () => {
    const answers = readings([100, 500, 0], [100, 700, 10], [50, 800, 10], [150, 900, 10]);
    assert.deepEqual(answers.slice(1), [
      { kind: 'none' },
      { kind: 'none' },
      { kind: 'sample', sentBytes: 400, ownBytes: 30, intervalMs: 50 },
    ]);
  });

  for (const refreshMs of [1_000, 2_000]) {
    it(`waits for a driver that refreshes every ${refreshMs} ms, and spreads the jump over that time`, () => {
      const meter = new Meter();
      meter.read(0, 0, 0);
      for (let atMs = 50; atMs < refreshMs; atMs += 50)
        assert.deepEqual(meter.read(atMs, 0, MUCH), {
          kind: 'none',
        });
      const jump = meter.read(refreshMs, 123_456, MUCH);
      assert.deepEqual(jump, {
        kind: 'sample',
        sentBytes: 123_456,
        ownBytes: (refreshMs / 50) * MUCH,
        intervalMs: refreshMs,
      });
    });
  }

  it('does not take a jump after a silence for a burst, once it knows the driver', () => {
    const meter = new Meter();
    meter.read(0, 0, 0);
    for (let atMs = 100; atMs < 1_000; atMs += 100) meter.read(atMs, 0, MUCH);
    meter.read(1_000, 1_000_000, MUCH); // learnt: 1 s
    for (let atMs = 1_100; atMs < 2_000; atMs += 100)
      assert.deepEqual(meter.read(atMs, 1_000_000, 0), { kind: 'none' });
    assert.deepEqual(meter.read(2_000, 1_400_000, 0), {
      kind: 'sample',
      sentBytes: 400_000,
      ownBytes: 0,
      intervalMs: 1_000,
    });
  });

  it('forgets a slow refresh as soon as the counter is live', () => {
    const meter = new Meter();
    meter.read(0, 0, 0);
    meter.read(50, 0, MUCH);
    meter.read(1_000, 10, MUCH);
    meter.read(1_050, 20, MUCH);
    assert.deepEqual(meter.read(1_100, 20, 0), { kind: 'sample', sentBytes: 0, ownBytes: 0, intervalMs: 50 });
  });

  it('calls a counter stuck that never shows what we send', () => {
    const meter = new Meter();
    meter.read(0, 7, 0);
    const answers = [500, 1_000, 2_000, 2_500, 2_550].map((atMs) => meter.read(atMs, 7, MUCH).kind);
    assert.deepEqual(answers, ['none', 'none', 'none', 'none', 'stuck']);
  });

  it('is not fooled by a long idle time before the first bytes', () => {
    const meter = new Meter();
    meter.read(0, 7, 0);
    for (let atMs = 500; atMs <= 60_000; atMs += 500) assert.equal(meter.read(atMs, 7, 0).kind, 'sample');
    assert.equal(meter.read(60_050, 7, MUCH).kind, 'none');
    assert.deepEqual(meter.read(60_100, 1_000, 0), {
      kind: 'sample',
      sentBytes: 993,
      ownBytes: MUCH,
      intervalMs: 100,
    });
  });
});
