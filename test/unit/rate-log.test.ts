import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLog } from '../../src/observe/rate-log.ts';
import { LINK } from '../support/snapshot-fixture.ts';

/** halfpipe's own rate rises by 1 bit/s each second. */
function filled(seconds: number): RateLog {
  const log = new RateLog();
  for (let second = 0; second < seconds; second += 1)
    log.add(second * 1_000 + (second % 3), { ...LINK, ownBitsPerSec: second });
  return log;
}

test('remembers each second of ten minutes, with the wall clock of now', () => {
  const { atMs, own, cross, target, capacity } = filled(1_000).last10Minutes(1_000_000, 5_000_000);
  assert.equal(atMs.length, 600);
  assert.deepEqual([own[0], own.at(-1)], [400, 999]);
  assert.deepEqual([atMs[0], atMs.at(-1)], [4_400_001, 4_999_000]);
  assert.deepEqual(
    [cross[0], target[0], capacity[0]],
    [LINK.crossBitsPerSec, LINK.targetBitsPerSec, LINK.capacityBitsPerSec],
  );
});

test('remembers the average of each minute of a day', () => {
  const { atMs, own } = filled(25 * 3_600).lastDay(0, 0);
  assert.equal(atMs.length, 1_440);
  assert.equal(own[0], 3_600 + 30);
  assert.equal(own.at(-1), 25 * 3_600 - 30);
});

test('holds zeros for the time without a link', () => {
  const log = new RateLog();
  log.add(0, null);
  log.add(1_000, LINK);
  assert.deepEqual(log.last10Minutes(1_000, 1_000).own, [0, LINK.ownBitsPerSec]);
});
