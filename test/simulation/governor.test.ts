// The whole control loop (meter, governor, shaper, regulator) on a simulated link. Rates are in percent of capacity.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimLink, type SimLinkOptions } from '../support/sim-link.ts';

const CAPACITY = 12_500_000;
const LIMITS = { targetBytesPerSec: CAPACITY / 2, floorBytesPerSec: CAPACITY / 100 };

const percent = (bytesPerSec: number) => (bytesPerSec / CAPACITY) * 100;
const share = (percents: number) => (percents / 100) * CAPACITY;

function started(options: Partial<SimLinkOptions> = {}, uploads = 8): SimLink {
  const link = new SimLink({ limits: LIMITS, ...options });
  link.first.send(uploads);
  return link;
}

function total(link: SimLink, fromMs: number, toMs: number): number {
  return percent(link.rates(fromMs, toMs).total);
}

function own(link: SimLink, fromMs: number, toMs: number): number {
  return percent(link.rates(fromMs, toMs).own);
}

function within(actual: number, least: number, most: number): void {
  assert.ok(actual >= least && actual <= most, `${actual.toFixed(2)} is not within ${least}–${most}`);
}

/** A counter that its driver refreshes only now and then. */
function lazily(everyMs: number) {
  let [shown, nextMs] = [0, 0];
  return (sentBytes: number, nowMs: number) => {
    if (nowMs >= nextMs) [shown, nextMs] = [sentBytes, nowMs + everyMs];
    return shown;
  };
}

describe('the control loop on a simulated link', () => {
  it('holds half the link alone, in every second', async () => {
    const link = started();
    await link.run(20_000);
    within(total(link, 1_000, 20_000), 49.9, 50.1);
    for (let fromMs = 1_000; fromMs < 19_000; fromMs += 100)
      within(total(link, fromMs, fromMs + 1_000), 49.5, 50.6);
  });

  it('yields to others within a quarter of a second, and takes the room back within one', async () => {
    const link = started({ cross: (nowMs) => (nowMs >= 5_000 && nowMs < 10_000 ? share(30) : 0) });
    await link.run(15_000);
    within(total(link, 5_250, 5_500), 45, 52);
    within(total(link, 5_000, 10_000), 49.9, 50.1);
    within(total(link, 11_000, 11_200), 49, 51);
  });

  it('keeps its mean beside traffic that comes and goes', async () => {
    const link = started({ cross: (nowMs) => (Math.floor(nowMs / 2_000) % 2 === 1 ? share(30) : 0) });
    await link.run(30_000);
    within(total(link, 2_000, 30_000), 49, 50.3);
    for (let fromMs = 2_000; fromMs < 29_000; fromMs += 100)
      assert.ok(total(link, fromMs, fromMs + 1_000) <= 52.5);
  });

  it('sends the floor while others take more than the target, and says so', async () => {
    const link = started({ cross: () => share(60) });
    await link.run(10_000);
    within(own(link, 1_000, 10_000), 0.95, 1.1);
    assert.equal(link.first.governor.floorEngaged, true);
  });

  it('makes up for nothing it could have sent while nobody asked', async () => {
    const link = started({}, 0);
    await link.run(15_000);
    link.first.send(8);
    await link.run(5_000);
    assert.ok(total(link, 15_000, 15_100) <= 60);
    assert.ok(total(link, 15_000, 16_000) <= 52);
  });

  for (const everyMs of [1_000, 2_000]) {
    it(`holds half the link with a counter that is refreshed every ${everyMs} ms`, async () => {
      const link = started({ readCounter: lazily(everyMs) });
      await link.run(60_000);
      within(total(link, 10_000, 60_000), 48, 50.5);
    });
  }

  it('goes on after the counter was reset', async () => {
    const link = started({ readCounter: (sent, nowMs) => (nowMs < 5_000 ? sent : sent - share(200)) });
    await link.run(10_000);
    within(total(link, 4_000, 10_000), 49.5, 50.5);
  });

  it('sends at most half the target while the counter cannot be read, and all of it soon after', async () => {
    const unreadable = (sent: number, nowMs: number) => {
      if (nowMs >= 5_000 && nowMs < 8_000) throw new Error('no such interface');
      return sent;
    };
    const link = started({ readCounter: unreadable });
    await link.run(6_000);
    assert.equal(link.first.governor.degraded, true);
    await link.run(6_000);
    within(total(link, 5_200, 8_000), 20, 27);
    assert.equal(link.first.governor.degraded, false);
    within(total(link, 8_500, 12_000), 49.5, 50.6);
  });

  it('heeds new limits within one tick', async () => {
    const link = started();
    await link.run(5_000);
    for (const [limit, atMs] of [
      [25, 5_000],
      [80, 10_000],
    ] as const) {
      link.first.governor.setLimits({ ...LIMITS, targetBytesPerSec: share(limit) });
      link.first.regulator.tick();
      await link.run(5_000);
      within(total(link, atMs + 200, atMs + 5_000), limit - 0.5, limit + 0.5);
    }
  });

  it('does not care what the wall clock does', async () => {
    const link = started();
    await link.run(5_000);
    link.clock.stepWall(3_600_000);
    await link.run(2_000);
    link.clock.stepWall(-7_200_000);
    await link.run(3_000);
    for (let fromMs = 1_000; fromMs < 9_000; fromMs += 100)
      within(total(link, fromMs, fromMs + 1_000), 49.5, 50.6);
  });

  it('makes up for stalls of the process, without a burst', async () => {
    let hiccups = 0;
    const hiccupMs = (nowMs: number) => {
      if (nowMs < 1_000 + 400 * hiccups) return 0;
      hiccups += 1;
      return 5 * (1 + (hiccups % 8));
    };
    const link = started({ hiccupMs });
    await link.run(30_000);
    within(total(link, 1_000, 30_000), 49.9, 50.1);
    for (let fromMs = 1_000; fromMs < 29_800; fromMs += 10)
      assert.ok(total(link, fromMs, fromMs + 100) <= 62, `${total(link, fromMs, fromMs + 100)} at ${fromMs}`);
  });

  it('holds half the link together with a second instance, without a word between them', async () => {
    const link = started();
    link.addInstance().send(8);
    await link.run(20_000);
    within(total(link, 2_000, 20_000), 49, 50.5);
  });

  for (const laterMs of [0, 10, 25, 40]) {
    it(`shares half the link with an instance that comes ${10_000 + laterMs} ms later`, async () => {
      const link = started();
      await link.run(10_000 + laterMs);
      link.addInstance().send(8);
      await link.run(60_000);
      within(total(link, 20_000, 70_000), 49.9, 50.1);
      within(own(link, 40_000, 70_000), 15, 35);
    });
  }
});
