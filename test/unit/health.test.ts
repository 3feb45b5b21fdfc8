import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health, watchdogMs } from '../../src/service/health.ts';
import { KeptLog } from '../support/kept-log.ts';
import { SimClock } from '../support/sim-clock.ts';

function healthOf(watchdog: { readonly ms: number | undefined } = { ms: 60_000 }) {
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

test('pings at start and then every quarter of the period while all parts beat', async () => {
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
  await clock.advance(16_000);
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
  assert.match(log.records[0]?.message ?? '', /^drain has made no progress for 31 s/);
  drain.beat();
  await clock.advance(1_000);
  assert.deepEqual(pings, [0, 15_000, 61_000], 'it is looked at again within a second');
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
  health.register('meter', () => 40_000);
  health.start();
  await clock.advance(15_000);
  await clock.freeze(3_600_000);
  assert.deepEqual(log.records, []);
  assert.deepEqual(pings, [0, 15_000, 3_615_000]);
});

test('a silence that ends within a second of the check is no stall, and costs no ping', async () => {
  const { clock, log, pings, health } = healthOf();
  const meter = health.register('meter', () => 10_000);
  health.start();
  // Its report waits in the queue behind the check.
  await clock.advance(15_500);
  meter.beat();
  await clock.advance(500);
  assert.deepEqual(pings, [0, 16_000]);
  assert.deepEqual(log.records, []);
});

const SECONDS = 1_000;

/**
 * A meter that beats twice a second, and a drain that may hang, in a process that stands still for `frozenMs` after
 * `phaseMs`. As systemd does it, the manager kills when it heard nothing for a minute; a standstill of the machine
 * stops its clock, too.
 */
async function frozen(phaseMs: number, frozenMs: number, hangs: boolean) {
  const { clock, log, pings, health } = healthOf();
  const meter = health.register('meter', () => 11_000);
  const drain = health.register('drain', () => 20_000);
  const beat = () => {
    meter.beat();
    if (!hangs) drain.beat();
    clock.schedule(500, beat);
  };
  beat();
  health.start();
  await clock.advance(phaseMs);
  await clock.freeze(frozenMs);
  await clock.advance(120 * SECONDS);
  const endMs = phaseMs + frozenMs + 120 * SECONDS;
  const gaps = [...pings, endMs].map((atMs, index) => {
    const sinceMs = pings[index - 1] ?? 0;
    const isAcross = sinceMs <= phaseMs && atMs >= phaseMs + frozenMs;
    return atMs - sinceMs - (isAcross ? frozenMs : 0);
  });
  return { events: log.events, killed: Math.max(...gaps) >= 60 * SECONDS };
}

for (const frozenMs of [1, 5, 12, 20, 29, 45, 61, 119, 300].map((seconds) => seconds * SECONDS)) {
  test(`a standstill of ${frozenMs / SECONDS} s, at whatever moment, leads to no restart and no alarm`, async () => {
    for (let phaseMs = 30_000; phaseMs < 46_000; phaseMs += 333)
      assert.deepEqual(
        await frozen(phaseMs, frozenMs, false),
        { events: [], killed: false },
        `at ${phaseMs}`,
      );
  });
}

test('a part that hangs is told and ends the process, standstill or not', async () => {
  for (const frozenMs of [1_000, 12_000, 300_000])
    assert.deepEqual(await frozen(37_000, frozenMs, true), { events: ['stalled'], killed: true });
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
  await clock.advance(11_000);
  assert.equal(log.records[0]?.message, 'drain has made no progress for 11 s');
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
