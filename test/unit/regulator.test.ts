// The control loop alone: when it measures, whom it tells, and what it does while nobody sends.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Governor } from '../../src/pace/governor.ts';
import { type Measure, Regulator } from '../../src/pace/regulator.ts';
import { Shaper, type ShaperActivity } from '../../src/pace/shaper.ts';
import { admit } from '../support/promised-slices.ts';
import { SimClock } from '../support/sim-clock.ts';

const TARGET = 2_500_000;
const INTERVAL_MS = 50;
/** More than is admitted within any of these tests: its sender waits all the time. */
const ENDLESS_BYTES = 1e9;

type Reading = ReturnType<Measure>;
const sample = (sentBytes: number): Reading => ({ kind: 'sample', sentBytes, ownBytes: 0, intervalMs: 50 });

function loop(read: (at: number) => Reading = () => sample(0)) {
  const clock = new SimClock();
  const governor = new Governor({ targetBytesPerSec: TARGET, floorBytesPerSec: TARGET / 100 });
  const shaper = new Shaper(clock, governor.budgetBytesPerSec);
  const measured: { readonly nowMs: number; readonly ownBytes: number }[] = [];
  const ticks: { readonly activity: ShaperActivity; readonly elapsedMs: number }[] = [];
  const regulator = new Regulator({
    clock,
    shaper,
    governor,
    sampleIntervalMs: INTERVAL_MS,
    measure: (nowMs, ownBytes) => {
      measured.push({ nowMs, ownBytes });
      return read(measured.length - 1);
    },
    onTick: (activity, elapsedMs) => ticks.push({ activity, elapsedMs }),
  });
  const times = (fromMs = 0) => measured.map(({ nowMs }) => nowMs).filter((nowMs) => nowMs >= fromMs);
  return { clock, governor, shaper, regulator, measured, ticks, times };
}

/** Times from `fromMs` to `toMs`, `everyMs` apart. */
function every(everyMs: number, fromMs: number, toMs: number): number[] {
  const times = [];
  for (let atMs = fromMs; atMs <= toMs; atMs += everyMs) times.push(atMs);
  return times;
}

describe('regulator', () => {
  it('measures at once and then at its interval, with what was handed out since', async () => {
    const { clock, shaper, regulator, measured } = loop();
    regulator.start();
    void admit(shaper, 2_000);
    void admit(shaper, 3_000);
    await clock.advance(100);
    assert.deepEqual(measured, [
      { nowMs: 0, ownBytes: 0 },
      { nowMs: 50, ownBytes: 5_000 },
      { nowMs: 100, ownBytes: 0 },
    ]);
  });

  it('has the shaper send at the budget of the governor', async () => {
    const { clock, governor, shaper, regulator } = loop(() => sample(TARGET));
    const before = shaper.sliceBytes();
    regulator.start();
    await clock.advance(INTERVAL_MS);
    assert.equal(governor.floorEngaged, true);
    assert.ok(shaper.sliceBytes() < before, `${shaper.sliceBytes()} after ${before}`);
  });

  it('measures a twentieth as often once nobody has sent for a second', async () => {
    const { clock, regulator, times } = loop();
    regulator.start();
    await clock.advance(4_000);
    assert.deepEqual(times(), [...every(50, 0, 1_050), ...every(1_000, 2_050, 4_000)]);
  });

  it('counts the quiet second from its start, not from that of the clock', async () => {
    const { clock, regulator, times } = loop();
    await clock.advance(5_000);
    regulator.start();
    await clock.advance(1_000);
    assert.deepEqual(times(), every(50, 5_000, 6_000));
  });

  it('goes on at its interval while somebody waits, however long', async () => {
    const { clock, shaper, regulator, times } = loop();
    regulator.start();
    void admit(shaper, ENDLESS_BYTES);
    void admit(shaper, ENDLESS_BYTES);
    await clock.advance(5_000);
    assert.deepEqual(times(), every(50, 0, 5_000));
  });

  it('goes on at its interval while somebody sends now and then', async () => {
    const { clock, shaper, regulator, times } = loop();
    regulator.start();
    for (let at = 0; at < 10; at += 1) {
      void admit(shaper, 1);
      await clock.advance(400);
    }
    assert.deepEqual(times(), every(50, 0, 4_000));
  });

  it('is woken by whoever sends after a long quiet, and is quick again from then on', async () => {
    const { clock, shaper, regulator, times } = loop();
    regulator.start();
    await clock.advance(10_123);
    void admit(shaper, ENDLESS_BYTES);
    void admit(shaper, ENDLESS_BYTES);
    await clock.advance(1_000);
    assert.deepEqual(times(10_100), every(50, 10_123, 11_123));
  });

  it('asks for a new interval from the next measurement on', async () => {
    const { clock, regulator, times } = loop();
    regulator.start();
    regulator.setSampleInterval(200);
    await clock.advance(450);
    assert.deepEqual(times(), [0, 50, 250, 450]);
  });

  it('does nothing before its start and after its stop, and leaves no timer', async () => {
    const { clock, shaper, regulator, times } = loop();
    regulator.tick();
    assert.deepEqual(times(), []);
    regulator.start();
    await clock.advance(100);
    regulator.stop();
    assert.equal(clock.pending, 0);
    regulator.tick();
    await clock.advance(10_000);
    void admit(shaper, ENDLESS_BYTES);
    assert.deepEqual(times(), [0, 50, 100]);
    assert.equal(shaper.onWake, undefined);
  });

  it('stops though it never started', () => {
    loop().regulator.stop();
  });

  it('tells the governor how long nobody sent, over all the ticks without a sample', async () => {
    const { clock, governor, regulator } = loop((at) => (at % 3 === 0 ? sample(0) : { kind: 'none' }));
    const observe = mock.method(governor, 'observe');
    regulator.start();
    await clock.advance(300);
    const idles = observe.mock.calls.map(({ arguments: [interval] }) => interval);
    assert.deepEqual(
      idles.map(({ idleMs, intervalMs }) => [idleMs, intervalMs]),
      [
        [0, 50],
        [150, 50],
        [150, 50],
      ],
    );
  });

  it('tells the governor when the measurement is lost, and counts the idle time from there', async () => {
    const { clock, governor, regulator } = loop((at) => (at === 2 ? { kind: 'lost' } : sample(0)));
    const observe = mock.method(governor, 'observe');
    regulator.start();
    await clock.advance(50);
    assert.equal(governor.degraded, false);
    await clock.advance(50);
    assert.equal(governor.degraded, true);
    await clock.advance(50);
    assert.equal(governor.degraded, false);
    assert.equal(observe.mock.calls.at(-1)?.arguments[0].idleMs, 50);
  });

  it('a tick without a sample loses nothing', async () => {
    const { clock, governor, regulator } = loop((at) => (at === 0 ? sample(0) : { kind: 'none' }));
    regulator.start();
    await clock.advance(500);
    assert.equal(governor.degraded, false);
  });

  it('reports what the shaper did and in how long, but no tick that took no time', async () => {
    const { clock, shaper, regulator, ticks } = loop();
    regulator.start();
    assert.equal(ticks.length, 0);
    void admit(shaper, 1_000);
    await clock.advance(50);
    regulator.tick();
    await clock.advance(30);
    regulator.tick();
    assert.deepEqual(
      ticks.map(({ activity, elapsedMs }) => [activity.admittedBytes, elapsedMs]),
      [
        [1_000, 50],
        [0, 30],
      ],
    );
  });

  it('an extra tick takes the place of the one that was due', async () => {
    const { clock, regulator, times } = loop();
    regulator.start();
    await clock.advance(20);
    regulator.tick();
    await clock.advance(100);
    assert.deepEqual(times(), [0, 20, 70, 120]);
  });
});
