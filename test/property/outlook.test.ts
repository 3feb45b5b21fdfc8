// What holds of every forecast: the range has the real end in it, more work never ends sooner, and no verdict flutters.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { endOf, type Stretch } from '../../src/outlook/course.ts';
import { CAPACITY, FULL_RATE, LivedSpool, lived, type Said, verdicts } from '../support/lived-spool.ts';
import { SimRandom } from '../support/sim-world-random.ts';

/** Flows that do not change: sizes, arrivals as a part of what leaves, others, seconds of work at the start. */
function constantFlow(seed: number) {
  const random = new SimRandom(seed);
  const between = (least: number, most: number) => least + random.next() * (most - least);
  return {
    sizeBytes: Math.round(between(1_000, 400_000)),
    load: between(0, 0.8),
    share: between(0.2, 1),
    cross: between(0, 0.4),
    workSeconds: between(30, 300),
    startsAt: Math.round(between(0, 90)),
  };
}

for (let seed = 1; seed <= 20; seed += 1)
  test(`the range holds the real end of constant flows, seed ${seed}`, () => {
    const flow = constantFlow(seed);
    const { sizeBytes, load, share, startsAt } = flow;
    const cross = CAPACITY * flow.cross * share;
    const rate = (CAPACITY * share - cross) * (FULL_RATE / (CAPACITY * 0.5));
    const until = (second: number) => Math.floor((second * load * rate) / sizeBytes);
    const spool = new LivedSpool({
      share: () => share,
      cross: () => cross,
      arrivals: (second) => [
        { files: until(second) - until(second - 1), sizeBytes },
        { files: second === startsAt ? Math.ceil((flow.workSeconds * rate) / sizeBytes) : 0, sizeBytes },
      ],
    });
    const said: Said[] = [];
    for (let second = 0; second < startsAt + 20 * flow.workSeconds; second += 1) {
      const now = spool.next();
      said.push(now);
      if (second > startsAt && now.files * sizeBytes < rate * 2) break;
    }
    const told = said.slice(startsAt + 30, -5).filter(({ forecast }) => forecast.eta !== null);
    assert.ok(told.length > 0, JSON.stringify(flow));
    for (const { second, forecast } of told) {
      const [lowMs, highMs] = [forecast.eta?.lowMs ?? 0, forecast.eta?.highMs ?? Number.POSITIVE_INFINITY];
      const realMs = (said.length - second) * 1_000;
      // The last two seconds of work are not waited for; with arrivals they take longer.
      const slackMs = 2_000 / (1 - load) + (1_000 * sizeBytes) / rate + 1_000;
      const text = `at ${second} s: ${lowMs} to ${highMs} ms, but ends in ${realMs}: ${JSON.stringify(flow)}`;
      assert.ok(lowMs <= realMs + slackMs && highMs >= realMs - slackMs, text);
    }
  });

const course = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0, max: 3, noNaN: true })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((steps): Stretch[] => {
    let fromMs = 0;
    return steps.map(([lengthMs, speed], index) => {
      if (index > 0) fromMs += lengthMs;
      return { fromMs, speed };
    });
  });
const amount = fc.integer({ min: 0, max: 20_000 });
const load = fc.double({ min: 0, max: 2, noNaN: true });

test('more work, or more that arrives, never ends sooner; a faster drain never later', () => {
  const rounding = 1e-6;
  fc.assert(
    fc.property(course, amount, amount, load, load, (stretches, work, moreWork, arrives, moreArrives) => {
      const end = endOf(work, arrives, stretches);
      const isNotSooner = (later: number, sooner: number) =>
        later === Number.POSITIVE_INFINITY || later >= sooner * (1 - rounding) - rounding;
      assert.ok(isNotSooner(endOf(work + moreWork, arrives, stretches), end));
      assert.ok(isNotSooner(endOf(work, arrives + moreArrives, stretches), end));
      const faster = stretches.map(({ fromMs, speed }) => ({ fromMs, speed: speed + 0.5 }));
      assert.ok(isNotSooner(end, endOf(work, arrives, faster)));
    }),
  );
});

for (const [seed, mean] of [0.9, 0.95, 1, 1.05, 1.1].entries())
  test(`the verdict on a noisy flow of ${mean} of what leaves changes at most five times in an hour`, () => {
    const random = new SimRandom(seed + 1);
    const sizeBytes = 50_000;
    const perSec = (mean * FULL_RATE) / sizeBytes;
    // Arrivals of a second are anything from none to twice the mean.
    const arrivals = (second: number) => [
      { files: second === 0 ? 3_000 : Math.round(2 * perSec * random.next()), sizeBytes },
    ];
    const changes = verdicts(lived({ arrivals }, 3_600));
    assert.ok(changes.length <= 6, `${changes.length} changes: ${changes.slice(0, 20).join(', ')}`);
  });
