import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from '../../src/pace/token-bucket.ts';

type Step =
  | { readonly kind: 'take'; readonly bytes: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'rate'; readonly rateBytesPerSec: number; readonly burstBytes: number }
  | { readonly kind: 'idle'; readonly ms: number };

const rate = fc.integer({ min: 1, max: 10_000_000 });
const burst = fc.integer({ min: 1, max: 1_000_000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), bytes: fc.integer({ min: 1, max: 20_000 }) }),
  // Negative: a clock that steps back.
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: -1_000, max: 5_000 }) }),
  fc.record({ kind: fc.constant('rate' as const), rateBytesPerSec: rate, burstBytes: burst }),
  fc.record({ kind: fc.constant('idle' as const), ms: fc.integer({ min: 0, max: 60_000 }) }),
);

describe('token bucket, whatever happens', () => {
  it('never admits more than the integral of the rate and one slice, however time and rate move', () => {
    fc.assert(
      fc.property(rate, burst, fc.array(step, { maxLength: 200 }), (rateBytesPerSec, burstBytes, steps) => {
        const bucket = new TokenBucket({ rateBytesPerSec, burstBytes }, 0);
        let [nowMs, latestMs, rateNow] = [0, 0, rateBytesPerSec];
        let [admitted, earnable, largestSlice] = [0, 0, 0];
        for (const next of steps) {
          if (next.kind === 'wait' || next.kind === 'idle') {
            nowMs += next.ms;
            if (nowMs > latestMs) earnable += ((nowMs - latestMs) / 1000) * rateNow;
            latestMs = Math.max(latestMs, nowMs);
            if (next.kind === 'idle') bucket.skipIdle(5, nowMs);
          } else if (next.kind === 'rate') {
            bucket.setRate(next, nowMs);
            rateNow = next.rateBytesPerSec;
          } else {
            largestSlice = Math.max(largestSlice, next.bytes);
            if (bucket.take(next.bytes, nowMs)) admitted += next.bytes;
          }
          assert.ok(admitted <= earnable + largestSlice + 1e-6, `${admitted} of ${earnable}`);
        }
      }),
    );
  });

  it('admits after exactly the time it said to wait, and not a thousandth sooner', () => {
    fc.assert(
      fc.property(rate, burst, fc.integer({ min: 1, max: 100_000 }), (rateBytesPerSec, burstBytes, bytes) => {
        const bucket = new TokenBucket({ rateBytesPerSec, burstBytes }, 0);
        const waitMs = bucket.waitMs(bytes, 0);
        assert.equal(bucket.take(bytes, waitMs * 0.999), false);
        assert.equal(bucket.take(bytes, waitMs * (1 + 1e-9) + 1e-9), true);
      }),
    );
  });
});
