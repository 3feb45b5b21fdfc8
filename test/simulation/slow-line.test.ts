// Uploads on lines that take less than the budget, and on long or limited ways that do not. Rates are in bytes a second.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimLine, type SimLineOptions } from '../support/sim-line.ts';

const BUDGET = 3_125_000; // half of 50 Mbit/s
const SLOW = 187_500; // 1.5 Mbit/s
const FAST = 12_500_000;

function lineOf(rate: number, options: Partial<SimLineOptions> = {}): SimLine {
  const often = { budgetBytesPerSec: BUDGET, roundTripMs: 20, fileBytes: 200_000 };
  return new SimLine({ ...often, lineBytesPerSec: () => rate, ...options });
}

/** Of what could be sent in the last so many seconds, what was carried. */
async function carried(line: SimLine, seconds: number, rate: number): Promise<number> {
  const before = line.carriedBytes;
  await line.run(seconds * 1000);
  return (line.carriedBytes - before) / seconds / rate;
}

function atLeast(actual: number, least: number): void {
  assert.ok(actual >= least, `${actual.toFixed(3)} is less than ${least}`);
}

describe('uploads on a simulated line', () => {
  for (const { kbits, fileBytes } of [
    { kbits: 250, fileBytes: 200_000 },
    { kbits: 1_500, fileBytes: 200_000 },
    { kbits: 2_000, fileBytes: 8_388_608 },
  ])
    it(`fill a line of ${kbits} kbit/s with few connections, files of ${fileBytes} bytes`, async () => {
      const line = lineOf((kbits * 1000) / 8, { fileBytes });
      await line.run(10_000);
      line.mostConnections = 0;
      atLeast(await carried(line, 80, (kbits * 1000) / 8), 0.97);
      assert.ok(line.mostConnections <= 8, `${line.mostConnections} connections`);
      assert.equal(line.slowLine.found?.limitedBy, 'line');
    });

  it('end one after the other on a slow line, too', async () => {
    // 67 s for 8 MiB.
    const line = lineOf(125_000, { fileBytes: 8_388_608 });
    await line.run(75_000);
    assert.equal(line.storedBytes, 8_388_608);
    await line.run(70_000);
    assert.equal(line.storedBytes, 2 * 8_388_608);
  });

  it('end one after the other at the floor, however long they take', async () => {
    // 1 % of 20 Mbit/s, on a line that has room for more: 351 s for 8 MiB.
    const floor = 23_900;
    const options = { budgetBytesPerSec: floor, roundTripMs: 300, fileBytes: 8_388_608 };
    const line = lineOf(875_000, options);
    await line.run(375_000);
    assert.equal(line.storedBytes, 8_388_608);
    await line.run(360_000);
    assert.equal(line.storedBytes, 2 * 8_388_608);
    assert.ok(line.mostConnections <= 2, `${line.mostConnections} connections`);
    atLeast(line.carriedBytes / 735 / floor, 0.97);
  });

  for (const { name, options } of [
    { name: 'with no distance', options: { roundTripMs: 1 } },
    { name: '200 ms away', options: { roundTripMs: 200 } },
    { name: '200 ms away, with files of 20 KB', options: { roundTripMs: 200, fileBytes: 20_000 } },
  ])
    it(`use up the budget on a fast line ${name}`, async () => {
      const line = lineOf(FAST, options);
      await line.run(6_000);
      // Without the debts of the governor, which make up for the rest.
      atLeast(await carried(line, 12, BUDGET), 0.85);
      assert.equal(line.slowLine.found, undefined);
    });

  for (const fileBytes of [20_000, 200_000, 8_388_608])
    it(`are as many as a way of 200 ms needs within three seconds, files of ${fileBytes} bytes`, async () => {
      // Without the guard of slow lines, 200 KB take 54 % in the first second, 85 % in the next, and 93 % from then on.
      const budget = 6_250_000;
      const line = lineOf(FAST, { budgetBytesPerSec: budget, roundTripMs: 200, fileBytes });
      await line.run(2_000);
      atLeast(await carried(line, 4, budget), 0.85);
    });

  it('use up the budget where each connection is limited to a part of it', async () => {
    const line = lineOf(FAST, { connectionBytesPerSec: 100_000 });
    await line.run(60_000);
    atLeast(await carried(line, 15, BUDGET), 0.85);
  });

  it('are few on a slow line that the route moves to, once what was under way has gone, and many when it moves back', async () => {
    const line = lineOf(0, {
      lineBytesPerSec: (nowMs) => (nowMs < 8_000 || nowMs >= 60_000 ? FAST : SLOW),
      roundTripMs: 100,
    });
    await line.run(32_000);
    line.mostConnections = 0;
    atLeast(await carried(line, 28, SLOW), 0.97);
    assert.ok(line.mostConnections <= 8, `${line.mostConnections} connections`);
    await line.run(5_000);
    atLeast(await carried(line, 10, BUDGET), 0.85);
  });
});
