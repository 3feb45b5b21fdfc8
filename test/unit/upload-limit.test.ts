import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UploadLimit } from '../../src/drain/upload-limit.ts';
import type { ShaperActivity } from '../../src/pace/shaper.ts';

const BUSY: ShaperActivity = { admittedBytes: 1, idleMs: 0, longestWaitMs: 20, waiting: 3 };
const HALF_IDLE: ShaperActivity = { ...BUSY, idleMs: 50, longestWaitMs: 0, waiting: 0 };
const CROWDED: ShaperActivity = { ...BUSY, longestWaitMs: 1_000 };

function full(limit: UploadLimit) {
  return { active: limit.current, workWaiting: true, busyShare: 0.2 };
}

describe('upload limit', () => {
  it('grows by what is missing when the shaper has room nobody takes', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    assert.equal(limit.current, 8);
    limit.observe(HALF_IDLE, 100, full(limit));
    assert.equal(limit.current, 16); // 8 uploads kept it busy half the time
  });

  it('adds as many as the idle share asks for', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    limit.observe({ ...HALF_IDLE, idleMs: 40 }, 200, full(limit));
    assert.equal(limit.current, 10); // 8 uploads kept it busy four fifths of the time
  });

  it('leaves a hundredth of the time unclaimed, and no more', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    limit.observe({ ...HALF_IDLE, idleMs: 10 }, 1_000, full(limit));
    assert.equal(limit.current, 8);
    limit.observe({ ...HALF_IDLE, idleMs: 11 }, 1_000, full(limit));
    assert.equal(limit.current, 9);
  });

  it('says when more may run than before, and only then', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    assert.equal(limit.observe(HALF_IDLE, 50, full(limit)), false, 'too early to decide');
    assert.equal(limit.observe(HALF_IDLE, 50, full(limit)), true, 'more');
    assert.equal(limit.observe(BUSY, 100, full(limit)), false, 'as many');
    assert.equal(limit.observe(CROWDED, 100, full(limit)), false, 'fewer');
  });

  it('no more than doubles in a step, and stops at the maximum', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 40 });
    const seen = [];
    for (let step = 0; step < 4; step += 1) {
      limit.observe({ ...HALF_IDLE, idleMs: 100 }, 100, full(limit));
      seen.push(limit.current);
    }
    assert.deepEqual(seen, [16, 32, 40, 40]);
  });

  const still = [
    {
      name: 'while uploads are few for lack of work',
      demand: { active: 3, workWaiting: false, busyShare: 0 },
    },
    {
      name: 'before the uploads it allowed have started',
      demand: { active: 3, workWaiting: true, busyShare: 0 },
    },
  ];
  for (const { name, demand } of still) {
    it(`does not grow ${name}`, () => {
      const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
      limit.observe(HALF_IDLE, 100, demand);
      assert.equal(limit.current, 8);
    });
  }

  for (const [busyShare, grown] of [
    [0.2, 64],
    [0.5, 64],
    [0.8, 40],
    [0.89, 35],
    [0.9, 32],
    [1, 32],
  ] as const)
    it(`grows from 32 to ${grown} while a thread is busy for ${busyShare} of the time`, () => {
      const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
      const idle = { ...HALF_IDLE, idleMs: 100 };
      // Up to 32, more uploads make each cheaper.
      for (let step = 0; step < 2; step += 1) limit.observe(idle, 100, { ...full(limit), busyShare: 1 });
      assert.equal(limit.current, 32);
      limit.observe(idle, 100, { ...full(limit), busyShare });
      assert.equal(limit.current, grown);
    });

  it('looks at the time between two decisions to tell whether a thread is busy', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    for (let step = 0; step < 2; step += 1) limit.observe({ ...HALF_IDLE, idleMs: 100 }, 100, full(limit));
    limit.observe({ ...HALF_IDLE, idleMs: 80 }, 80, { ...full(limit), busyShare: 1 });
    limit.observe({ ...HALF_IDLE, idleMs: 20 }, 20, { ...full(limit), busyShare: 0 });
    assert.equal(limit.current, 40, 'busy for 0.8 of the time');
  });

  it('stays while somebody waits, and nobody waits long', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    for (let step = 0; step < 20; step += 1) limit.observe(BUSY, 100, full(limit));
    assert.equal(limit.current, 8);
  });

  it('shrinks to one while slices wait long for their turn', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    for (let step = 0; step < 20; step += 1) limit.observe(CROWDED, 100, full(limit));
    assert.equal(limit.current, 1);
  });

  it('shrinks by a sixteenth at a time, and only for waits of more than a quarter of a second', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    for (let step = 0; step < 3; step += 1) limit.observe(HALF_IDLE, 100, full(limit));
    const seen = [250, 251, 251].map((longestWaitMs) => {
      limit.observe({ ...BUSY, longestWaitMs }, 100, full(limit));
      return limit.current;
    });
    assert.deepEqual(seen, [64, 60, 56]);
  });

  it('decides on a tenth of a second, not on one tick', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    limit.observe({ ...HALF_IDLE, idleMs: 50 }, 50, full(limit));
    assert.equal(limit.current, 8);
  });

  it('halves when the store asks for less, once a wave, and does not grow for a while', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    limit.slowDown();
    limit.slowDown();
    assert.equal(limit.current, 4);
    limit.observe({ ...HALF_IDLE, idleMs: 2_500 }, 5_000, full(limit));
    assert.equal(limit.current, 4);
    limit.observe({ ...HALF_IDLE, idleMs: 3_000 }, 6_000, full(limit));
    assert.equal(limit.current, 8);
  });

  it('takes a second for the length of a wave, and keeps one upload whatever the store asks', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    const seen = [999, 1, 1_000, 1_000, 1_000].map((passedMs) => {
      limit.slowDown();
      limit.observe(BUSY, passedMs, full(limit));
      return limit.current;
    });
    assert.deepEqual(seen, [4, 4, 2, 1, 1]);
  });

  it('leaves a fixed number alone', () => {
    const limit = new UploadLimit({ concurrency: 5, maxConcurrency: 256 });
    limit.observe(CROWDED, 100, full(limit));
    limit.slowDown();
    assert.equal(limit.current, 5);
  });

  it('takes a new configuration at once', () => {
    const limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
    limit.configure({ concurrency: 'auto', maxConcurrency: 4 });
    assert.equal(limit.current, 4);
    limit.configure({ concurrency: 7, maxConcurrency: 16 });
    assert.equal(limit.current, 7);
  });
});
