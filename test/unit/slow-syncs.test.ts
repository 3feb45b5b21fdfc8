import assert from 'node:assert/strict';
import test from 'node:test';
import { SlowSyncs } from '../../src/drain/slow-syncs.ts';
import { SimClock } from '../support/sim-clock.ts';

const MINUTE_MS = 60_000;
const forever = () => new Promise<never>(() => undefined);

test('a sync under way counts as progress for ten minutes from its own beginning, and no longer', async () => {
  const clock = new SimClock();
  const syncs = new SlowSyncs(clock);
  await clock.advance(60 * MINUTE_MS);
  void syncs.run(forever);
  assert.equal(syncs.areUnderWay, true);
  await clock.advance(10 * MINUTE_MS - 1);
  assert.equal(syncs.areUnderWay, true);
  await clock.advance(1);
  assert.equal(syncs.areUnderWay, false);
});

test('of several syncs one that has not taken too long is enough', async () => {
  const clock = new SimClock();
  const syncs = new SlowSyncs(clock);
  void syncs.run(forever);
  await clock.advance(10 * MINUTE_MS);
  void syncs.run(forever);
  assert.equal(syncs.areUnderWay, true);
});

test('a sync that has ended, or failed, is under way no more', async () => {
  const syncs = new SlowSyncs(new SimClock());
  await syncs.run(async () => undefined);
  await assert.rejects(syncs.run(() => Promise.reject(new Error('EIO'))));
  assert.equal(syncs.areUnderWay, false);
});
