import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { figuresOf, type LinkSample } from '../demo/link-recorder.ts';

const IDLE_BELOW = 500_000;

/** A sample each 50 ms; each stretch sends at one rate for some seconds. */
function record(
  ...stretches: readonly { readonly seconds: number; readonly megabits: number }[]
): LinkSample[] {
  const samples: LinkSample[] = [{ atMs: 1000, txBytes: 77 }];
  for (const { seconds, megabits } of stretches) {
    for (let step = 0; step < seconds * 20; step += 1) {
      const { atMs, txBytes } = samples.at(-1) ?? { atMs: 0, txBytes: 0 };
      samples.push({ atMs: atMs + 50, txBytes: txBytes + (megabits * 1e6 * 0.05) / 8 });
    }
  }
  return samples;
}

describe('figuresOf', () => {
  it('measures from the first upload to the last, not the idling around them', () => {
    const samples = record(
      { seconds: 3, megabits: 0 },
      { seconds: 10, megabits: 50 },
      { seconds: 5, megabits: 0.1 },
    );
    assert.deepEqual(figuresOf(samples, IDLE_BELOW), {
      seconds: 10,
      meanBitsPerSec: 50e6,
      largestSecondBitsPerSec: 50e6,
    });
  });

  it('counts a pause between uploads in full', () => {
    const samples = record(
      { seconds: 2, megabits: 50 },
      { seconds: 6, megabits: 0 },
      { seconds: 2, megabits: 50 },
    );
    assert.equal(figuresOf(samples, IDLE_BELOW)?.meanBitsPerSec, 20e6);
  });

  it('finds the busiest second wherever it begins', () => {
    const samples = record(
      { seconds: 2.35, megabits: 50 },
      { seconds: 0.5, megabits: 90 },
      { seconds: 0.5, megabits: 60 },
      { seconds: 2, megabits: 50 },
    );
    assert.equal(Math.round((figuresOf(samples, IDLE_BELOW)?.largestSecondBitsPerSec ?? 0) / 1e3), 75_000);
  });

  it('is not misled by a late timer', () => {
    const samples = record({ seconds: 5, megabits: 50 }).filter(
      (_, index) => index % 7 !== 3 && index % 11 !== 5,
    );
    assert.equal(Math.round(figuresOf(samples, IDLE_BELOW)?.largestSecondBitsPerSec ?? 0), 50e6);
  });

  it('has no figures of a link that was never in use', () => {
    assert.equal(figuresOf(record({ seconds: 5, megabits: 0.1 }), IDLE_BELOW), undefined);
    assert.equal(figuresOf([], IDLE_BELOW), undefined);
  });
});
