import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBucket } from '../../src/pace/token-bucket.ts';

const RATE = { rateBytesPerSec: 1_000, burstBytes: 100 };

describe('token bucket', () => {
  it('starts empty, so that a start never bursts', () => {
    const bucket = new TokenBucket(RATE, 0);
    assert.equal(bucket.take(1, 0), false);
    assert.equal(bucket.waitMs(50, 0), 50);
  });

  it('admits at its rate', () => {
    const bucket = new TokenBucket(RATE, 0);
    assert.equal(bucket.take(50, 49), false);
    assert.equal(bucket.take(50, 50), true);
    assert.equal(bucket.waitMs(50, 50), 50);
  });

  it('saves up no more than the burst', () => {
    const bucket = new TokenBucket(RATE, 0);
    assert.equal(bucket.take(100, 10_000), true);
    assert.equal(bucket.take(1, 10_000), false);
  });

  it('admits more than the burst in one go, and makes the next one wait for all of it', () => {
    const bucket = new TokenBucket(RATE, 0);
    assert.equal(bucket.waitMs(500, 0), 100);
    assert.equal(bucket.take(500, 100), true);
    assert.equal(bucket.waitMs(100, 100), 500);
  });

  it('holds what could be taken now, and never less than nothing', () => {
    const bucket = new TokenBucket(RATE, 0);
    assert.equal(bucket.savedBytes(40), 40);
    assert.equal(bucket.savedBytes(1_000), 100);
    bucket.take(500, 1_000);
    assert.equal(bucket.savedBytes(1_000), 0);
  });

  it('settles what was earned at the old rate before the rate changes', () => {
    const bucket = new TokenBucket(RATE, 0);
    bucket.setRate({ rateBytesPerSec: 10, burstBytes: 100 }, 50);
    assert.equal(bucket.take(50, 50), true);
    assert.equal(bucket.waitMs(1, 50), 100);
  });

  it('gives up what a smaller burst does not hold', () => {
    const bucket = new TokenBucket(RATE, 0);
    bucket.setRate({ rateBytesPerSec: 1_000, burstBytes: 10 }, 100);
    assert.equal(bucket.take(10, 100), true);
    assert.equal(bucket.take(1, 100), false);
  });

  it('earns nothing from a clock that stands still or steps back', () => {
    const bucket = new TokenBucket(RATE, 1_000);
    assert.equal(bucket.take(1, 1_000), false);
    assert.equal(bucket.take(1, 0), false);
    assert.equal(bucket.take(1, 1_000), false);
    assert.equal(bucket.take(1, 1_001), true);
  });

  it('keeps what was earned when the clock steps back', () => {
    const bucket = new TokenBucket(RATE, 0);
    assert.equal(bucket.waitMs(100, 1_000), 0);
    assert.equal(bucket.take(50, 900), true);
    assert.equal(bucket.waitMs(100, 1_000), 50);
  });

  it('credits idle time only up to the grace', () => {
    const bucket = new TokenBucket(RATE, 0);
    bucket.skipIdle(5, 60_000);
    assert.equal(bucket.take(5, 60_000), true);
    assert.equal(bucket.take(1, 60_000), false);
  });

  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`refuses a rate or burst of ${bad}`, () => {
      const refusal = (name: string) => new RangeError(`${name} must be a positive number, got ${bad}`);
      const made = (rateBytesPerSec: number, burstBytes: number) => () =>
        new TokenBucket({ rateBytesPerSec, burstBytes }, 0);
      assert.throws(made(bad, 1), refusal('rateBytesPerSec'));
      assert.throws(made(1, bad), refusal('burstBytes'));
    });
  }
});
