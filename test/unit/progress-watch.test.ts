// Which signs of life the watchdog is told of.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health } from '../../src/service/health.ts';
import { ProgressWatch } from '../../src/service/progress-watch.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';

const SECONDS = 1_000;

function supervised({ sampleIntervalMs = 50 } = {}) {
  const pace = { sampleIntervalMs, idleTimeoutMs: 60 * SECONDS, connectTimeoutMs: 10 * SECONDS };
  const clock = new SimClock();
  const log = new KeptLog();
  const health = new Health({ clock, watchdogMs: 60 * SECONDS, ping: () => undefined, log });
  const progress = new ProgressWatch(health, () => pace);
  health.start();
  progress.start();
  /** Half an hour in which nothing leaves, though something is in flight. */
  const sendNothing = async (meanwhile: () => void) => {
    for (let turn = 0; turn < 360; turn += 1) {
      await clock.advance(5 * SECONDS);
      progress.sampled(false);
      meanwhile();
    }
    return log.records.map(({ fields }) => [fields.event, fields.part]);
  };
  return { clock, log, progress, sendNothing };
}

// Regression: parts that stood were read and hashed for minutes on resuming, the watchdog took that for a hang, and
// each restart began there again.
test('a drain that reads or is answered, and sends nothing, does not hang', async () => {
  const { progress, sendNothing } = supervised();
  assert.deepEqual(await sendNothing(progress.moved), []);
});

test('a meter that reads as seldom as it may does not hang, and one that stops does', async () => {
  const { clock, log, progress } = supervised({ sampleIntervalMs: 1_000 });
  for (let turn = 0; turn < 30; turn += 1) {
    await clock.advance(20_500);
    progress.sampled(true);
  }
  assert.deepEqual(log.records, []);
  await clock.advance(120 * SECONDS);
  assert.deepEqual(log.events, ['stalled']);
});

test('a drain that neither sends nor reads hangs', async () => {
  const { sendNothing } = supervised();
  assert.deepEqual(await sendNothing(() => undefined), [['stalled', 'the drain']]);
});
