import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health, watchdogMs } from '../../src/system/health.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';

function healthOf(watchdog: { readonly ms: number | undefined } = { ms: 30_000 }) {
  const clock = new SimClock();
  const log = new KeptLog();
  const pings: number[] = [];
  const health = new Health({
    clock,
    watchdogMs: watchdog.ms,
    ping: () => pings.push(clock.monotonicMs()),
    log,
  });
  return { clock, log, pings, health };
}

test('pings at start and then every half period while all parts beat', async () => {
  const { clock, log, pings, health } = healthOf();
  const meter = health.register('meter', () => 20_000);
  health.start();
  for (let i = 0; i < 6; i += 1) {
    await clock.advance(10_000);
    meter.beat();
  }
  assert.deepEqual(pings, [0, 15_000, 30_000, 45_000, 60_000]);
  assert.deepEqual(log.records, []);
});

test('follows a change of how long a part may be silent', async () => {
  const { clock, log, health } = healthOf();
  let maxSilenceMs = 100_000;
  health.register('drain', () => maxSilenceMs);
  health.start();
  await clock.advance(60_000);
  assert.deepEqual(log.events, []);
  maxSilenceMs = 20_000;
  await clock.advance(15_000);
  assert.deepEqual(log.events, ['stalled']);
});

test('stops pinging while one of the parts is silent, says once which, and takes up again', async () => {
  const { clock, log, pings, health } = healthOf();
  const meter = health.register('meter', () => 20_000);
  const drain = health.register('drain', () => 20_000);
  health.start();
  for (let i = 0; i < 12; i += 1) {
    await clock.advance(5_000);
    meter.beat();
  }
  assert.deepEqual(pings, [0, 15_000]);
  assert.deepEqual(
    log.records.map(({ level, fields }) => [level, fields.event, fields.part]),
    [['error', 'stalled', 'drain']],
  );
  assert.match(log.records[0]?.message ?? '', /^drain has made no progress for 30 s/);
  drain.beat();
  await clock.advance(15_000);
  assert.deepEqual(pings, [0, 15_000, 75_000]);
  assert.deepEqual(log.events, ['stalled', 'recovered']);
});

test('a part that ended is not missed', async () => {
  const { clock, pings, health } = healthOf();
  health.register('scan', () => 1_000).end();
  health.start();
  await clock.advance(30_000);
  assert.equal(pings.length, 3);
});

test('a process that stood still blames no part when it goes on', async () => {
  const { clock, log, pings, health } = healthOf();
  health.register('meter', () => 20_000);
  health.start();
  await clock.advance(15_000);
  await clock.freeze(3_600_000);
  assert.deepEqual(log.records, []);
  assert.deepEqual(pings, [0, 15_000, 3_615_000]);
});

test('a part that hangs after the process stood still is noticed as soon as any other', async () => {
  const { clock, log, health } = healthOf();
  const meter = health.register('meter', () => 20_000);
  health.start();
  // After SIGCONT its timer comes before the check.
  clock.schedule(14_000, () => meter.beat());
  await clock.freeze(3_600_000);
  await clock.advance(45_000);
  assert.deepEqual(log.events, ['stalled']);
});

test('says nothing more after stop', async () => {
  const { clock, pings, health } = healthOf();
  health.start();
  health.stop();
  await clock.advance(60_000);
  assert.deepEqual(pings, [0]);
});

test('without a watchdog a silent part is still reported, without threatening a restart', async () => {
  const { clock, log, health } = healthOf({ ms: undefined });
  health.register('drain', () => 5_000);
  health.start();
  await clock.advance(10_000);
  assert.equal(log.records[0]?.message, 'drain has made no progress for 10 s');
});

test('believes only a watchdog that is meant for this process', () => {
  const cases: readonly [Record<string, string>, number | undefined][] = [
    [{}, undefined],
    [{ WATCHDOG_USEC: '30000000' }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
  ];
  for (const [env, expected] of cases) assert.equal(watchdogMs(env, 7), expected, JSON.stringify(env));
});
