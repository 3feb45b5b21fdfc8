import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { StoreClock } from '../../src/store/s3/store-clock.ts';
import { systemClock } from '../../src/system/clock.ts';

const HOUR_MS = 3_600_000;

function storeClock() {
  const clock = { ...systemClock, wallMs: () => Date.UTC(2026, 10, 26) };
  const client = new S3Client({ region: 'us-east-1' });
  return { clock, config: client.config, time: new StoreClock(client, clock) };
}

test('the time of any answer is not taken for the truth', () => {
  const { config, time } = storeClock();
  config.systemClockOffset = HOUR_MS;
  assert.equal(config.systemClockOffset, 0);
  assert.equal(time.offsetMs, 0);
});

test('a store that refuses this machine’s time is signed for with its own', () => {
  const { clock, config, time } = storeClock();
  assert.equal(time.refused(0, clock.wallMs() + HOUR_MS), true);
  assert.equal(config.systemClockOffset, HOUR_MS);
});

test('a store that refuses its own time, too, gets this machine’s again', () => {
  const { clock, time } = storeClock();
  time.refused(0, clock.wallMs() + HOUR_MS);
  assert.equal(time.refused(HOUR_MS, clock.wallMs() - HOUR_MS), true);
  assert.equal(time.offsetMs, 0);
});

test('what another request has found out is used, and not undone', () => {
  const { clock, time } = storeClock();
  time.refused(0, clock.wallMs() + HOUR_MS);
  assert.equal(time.refused(0, clock.wallMs() + HOUR_MS), true);
  assert.equal(time.offsetMs, HOUR_MS);
});

test('clocks that agree leave nothing to correct', () => {
  const { clock, time } = storeClock();
  assert.equal(time.refused(0, clock.wallMs() + 1_000), false);
  assert.equal(time.refused(0, undefined), false);
  assert.equal(time.offsetMs, 0);
});
