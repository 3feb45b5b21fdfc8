// What check says before it sends an upload in two parts, and how long it lets that take, by the link's target.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { twoPartsPlan } from '../../src/commands/examine-store.ts';

for (const { bitsPerSec, notice, limitMs } of [
  { bitsPerSec: 50_000_000, notice: undefined, limitMs: 62_518 },
  {
    bitsPerSec: 500_000,
    notice: 'ok an object of 5.24 MB is sent in two parts now: about 1 min 24 s at the target',
    limitMs: 311_708,
  },
  {
    bitsPerSec: 50_000,
    notice:
      'WARN a multipart upload was not tried: the 5.24 MB that S3 requires would take about 13 min 59 s at the target',
    limitMs: undefined,
  },
]) {
  test(`at ${bitsPerSec} bit/s check ${limitMs === undefined ? 'sends no' : 'sends an'} upload in two parts`, () => {
    const plan = twoPartsPlan(bitsPerSec / 8);
    assert.equal(plan.notice && `${plan.notice.verdict} ${plan.notice.text}`, notice);
    assert.equal(plan.limitMs, limitMs);
  });
}
