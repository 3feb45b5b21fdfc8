// What is foretold in the course of a life, second by second, against what came then.
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CAPACITY,
  type Dropped,
  FULL_RATE,
  type Life,
  LivedSpool,
  lived,
  type Said,
  verdicts,
} from '../support/lived-spool.ts';

const HOUR_MS = 3_600_000;
/** Such files leave at 9.5 a second. */
const SIZE = 50_000;
const PER_SEC = FULL_RATE / SIZE;
const nothing: readonly Dropped[] = [];

function files(count: number, sizeBytes = SIZE): readonly Dropped[] {
  return [{ files: count, sizeBytes }];
}

/** Seconds from `second` until the spool is empty. */
function truth(said: readonly Said[], second: number): number {
  const end = said.find((at) => at.second >= second && at.files === 0);
  assert.ok(end !== undefined, 'the spool is never empty');
  return end.second - second;
}

/** Of the seconds in which an end was told, those whose range does not hold the real one, within a second. */
function wrong(said: readonly Said[], from: number, to: number): string[] {
  return said.slice(from, to).flatMap(({ second, forecast: { eta } }) => {
    const real = truth(said, second) * 1_000;
    const [low, high] = [eta?.lowMs ?? Number.NaN, eta?.highMs ?? Number.POSITIVE_INFINITY];
    return low <= real + 1_000 && high >= real - 1_000 ? [] : [`${second}: ${low} to ${high}, not ${real}`];
  });
}

/** The widest range, as a part of the time until the end, without the last minute. */
function widest(said: readonly Said[], from: number, to: number): number {
  return Math.max(
    ...said.slice(from, to - 60).map(({ second, forecast: { eta } }) => {
      const high = eta?.highMs ?? Number.POSITIVE_INFINITY;
      return (high - (eta?.lowMs ?? 0)) / 1_000 / truth(said, second);
    }),
  );
}

for (const { what, life, seconds, expected, from, to, width } of [
  {
    what: 'a drop of many files at once is no rate: it is done when the drain is',
    life: { arrivals: (second) => (second === 300 ? files(4_000) : nothing) },
    ...{ seconds: 800, expected: ['0 empty', '300 unknown', '301 catching-up', '720 empty'] },
    ...{ from: 302, to: 719, width: 0.3 },
  },
  {
    what: 'nor is a drop that takes ten seconds',
    life: { arrivals: (second) => (second > 300 && second <= 310 ? files(400) : nothing) },
    ...{ seconds: 800, expected: ['0 empty', '301 unknown', '302 catching-up', '721 empty'] },
    ...{ from: 312, to: 719, width: 0.3 },
  },
  {
    what: 'a start into a deep backlog has an end after two seconds',
    life: { arrivals: (second) => (second === 0 ? files(9_000) : nothing) },
    ...{ seconds: 1_000, expected: ['0 unknown', '2 catching-up', '946 empty'] },
    ...{ from: 3, to: 945, width: 0.4 },
  },
  {
    what: 'what arrives meanwhile counts against it',
    life: { arrivals: (second) => (second === 200 ? files(2_000) : files(5)) },
    ...{
      seconds: 700,
      expected: ['0 unknown', '2 empty', '200 keeping-up', '211 catching-up', '587 keeping-up'],
    },
    ...{ from: 212, to: 600, width: 0.3 },
  },
  {
    what: 'one file of a thousand seconds is told before its end',
    life: { arrivals: (second) => (second === 100 ? files(1, FULL_RATE * 1_000) : nothing) },
    ...{ seconds: 1_200, expected: ['0 empty', '100 unknown', '101 catching-up', '1100 empty'] },
    ...{ from: 103, to: 1_099, width: 0.4 },
  },
  {
    what: 'empty files are foretold by their number',
    life: { fileMs: 100, arrivals: (second) => (second === 100 ? files(5_000, 0) : nothing) },
    ...{ seconds: 700, expected: ['0 empty', '100 unknown', '101 catching-up', '599 empty'] },
    ...{ from: 103, to: 598, width: 0.4 },
  },
  {
    what: 'small files are foretold by their number where the line is not what limits them',
    life: { fileMs: 20, arrivals: (second) => (second === 100 ? files(20_000, 500) : nothing) },
    ...{ seconds: 700, expected: ['0 empty', '100 unknown', '101 catching-up', '499 empty'] },
    ...{ from: 103, to: 498, width: 0.4 },
  },
  {
    what: 'few large files first and many small ones then: the range allows for the small ones',
    life: {
      fileMs: 2,
      arrivals: (second) => (second === 10 ? [...files(20, 1e7), ...files(100_000, 100)] : nothing),
    },
    ...{ seconds: 800, expected: ['0 empty', '10 unknown', '11 catching-up', '626 empty'] },
    ...{ from: 30, to: 625, width: 4 },
  },
  {
    what: 'many small files first and few large ones then',
    life: {
      fileMs: 5,
      arrivals: (second) => (second === 10 ? [...files(40_000, 100), ...files(20, 1e7)] : nothing),
    },
    ...{ seconds: 800, expected: ['0 empty', '10 unknown', '11 catching-up', '630 empty'] },
    ...{ from: 13, to: 629, width: 1.2 },
  },
  {
    what: 'at the floor, the floor is what is left',
    life: { cross: () => CAPACITY, arrivals: (second) => (second === 10 ? files(100) : nothing) },
    ...{ seconds: 700, expected: ['0 empty', '10 unknown', '11 catching-up', '534 empty'] },
    ...{ from: 14, to: 533, width: 0.4 },
  },
  {
    what: 'a share that is known to rise is reckoned with',
    life: {
      share: (second) => (second < 900 ? 0.3 : 0.8),
      known: (second) =>
        second < 900
          ? [
              { fromMs: 0, share: 0.3 },
              { fromMs: (900 - second) * 1_000, share: 0.8 },
            ]
          : [{ fromMs: 0, share: 0.8 }],
      arrivals: (second) => (second === 10 ? files(12_000) : nothing),
    },
    ...{ seconds: 1_400, expected: ['0 empty', '10 unknown', '11 catching-up', '1353 empty'] },
    ...{ from: 14, to: 1_352, width: 0.5 },
  },
  {
    what: 'a share that is known to rise ends what grows now',
    life: {
      share: (second) => (second < 900 ? 0.3 : 0.8),
      known: (second) =>
        second < 900
          ? [
              { fromMs: 0, share: 0.3 },
              { fromMs: (900 - second) * 1_000, share: 0.8 },
            ]
          : [{ fromMs: 0, share: 0.8 }],
      arrivals: () => files(10),
    },
    ...{ seconds: 2_000, expected: ['0 unknown', '2 keeping-up', '48 catching-up', '1560 keeping-up'] },
    ...{ from: 120, to: 1_600, width: 0.9 },
  },
] satisfies readonly {
  what: string;
  life: Life;
  seconds: number;
  expected: string[];
  from: number;
  to: number;
  width: number;
}[])
  test(what, () => {
    const said = lived(life, seconds);
    assert.deepEqual(verdicts(said).slice(0, expected.length), expected);
    assert.deepEqual(wrong(said, from, to), []);
    assert.ok(widest(said, from, to) < width, `a range is ${widest(said, from, to)} of the time wide`);
  });

for (const { what, life, seconds, expected } of [
  {
    what: 'more than the drain takes is told within two minutes',
    life: { arrivals: () => files(15) },
    ...{ seconds: 1_200, expected: ['0 unknown', '110 falling-behind'] },
  },
  {
    what: '… and within four after hours of idling',
    life: { arrivals: (second) => (second > 3_600 ? files(15) : nothing) },
    ...{ seconds: 5_000, expected: ['0 empty', '3601 unknown', '3602 catching-up', '3810 falling-behind'] },
  },
  {
    what: '… in batches as well',
    life: { arrivals: (second) => (second % 20 === 0 ? files(300) : nothing) },
    ...{ seconds: 900, expected: ['0 unknown', '2 catching-up', '120 falling-behind'] },
  },
  {
    what: '… and in batches every five minutes, once there were some',
    life: { arrivals: (second) => (second % 300 === 0 ? files(4_000) : nothing) },
    ...{ seconds: 5_400, expected: ['0 unknown', '2 catching-up', '960 falling-behind'] },
  },
  {
    what: '… and is over a minute after the last has come',
    life: { arrivals: (second) => (second < 600 ? files(15) : nothing) },
    ...{ seconds: 1_000, expected: ['0 unknown', '110 falling-behind', '659 catching-up', '946 empty'] },
  },
  {
    what: 'as much as the drain takes is kept up with, however much waits',
    life: { arrivals: (second) => (second === 0 ? files(9_000) : files(second % 2 === 0 ? 9 : 10)) },
    ...{ seconds: 1_500, expected: ['0 unknown', '2 keeping-up'] },
  },
  {
    what: 'a pause is no rate, and the forecast after it is as before',
    life: {
      paused: (second) => second > 120 && second < 400,
      arrivals: (second) => (second === 100 ? files(2_000) : nothing),
    },
    ...{
      seconds: 800,
      expected: ['0 empty', '100 unknown', '101 catching-up', '125 stalled', '400 catching-up', '589 empty'],
    },
  },
  {
    what: 'uploads that all fail are a stall after two minutes, however much they send',
    life: {
      fails: (second) => second > 120 && second < 600,
      arrivals: (second) => (second === 100 ? files(2_000) : nothing),
    },
    ...{
      seconds: 900,
      expected: ['0 empty', '100 unknown', '101 catching-up', '240 stalled', '600 catching-up', '789 empty'],
    },
  },
  {
    what: 'files that all wait for another attempt are a stall',
    life: {
      paused: () => true,
      deferred: () => 5,
      arrivals: (second) => (second === 9 ? files(5) : nothing),
    },
    ...{ seconds: 300, expected: ['0 empty', '9 stalled'] },
  },
  {
    what: 'files that are not complete yet are none',
    life: {
      fails: () => true,
      unsettled: () => 5,
      arrivals: (second) => (second === 9 ? files(5) : nothing),
    },
    ...{ seconds: 300, expected: ['0 empty', '9 unknown', '10 catching-up'] },
  },
] satisfies readonly { what: string; life: Life; seconds: number; expected: string[] }[])
  test(what, () => assert.deepEqual(verdicts(lived(life, seconds)), expected));

test('says which share would hold what arrives, beside what others send', () => {
  const { forecast } =
    lived({ cross: () => 100_000, arrivals: () => files(12) }, 1_000).at(-1) ?? assert.fail();
  assert.equal(forecast.verdict, 'falling-behind');
  // 12 × 50 kB × 1.05 on the wire and 100 kB of others, of 1 MB.
  assert.equal(forecast.shareToHold?.toFixed(2), '0.73');
  assert.deepEqual(
    [forecast.basis?.arrivedFilesPerSec, forecast.basis?.drainedFilesPerSec].map((rate) => rate?.toFixed(1)),
    ['12.0', '7.6'],
  );
});

for (const [what, life] of [
  ['the line is slower than it should be', { lineBytesPerSec: 450_000 }],
  ['the files are so small that the line is not full', { fileMs: 100, arrivals: () => files(12, 25_000) }],
] as const)
  test(`names no share where ${what}`, () => {
    const { forecast } = lived({ arrivals: () => files(12), ...life }, 1_000).at(-1) ?? assert.fail();
    assert.equal(forecast.verdict, 'falling-behind');
    assert.equal(forecast.shareToHold, null);
  });

test('says when the disk is full, if that comes first', () => {
  const life: Life = { diskBytes: 2e9, arrivals: () => files(15) };
  const spool = new LivedSpool(life);
  const said = Array.from({ length: 1_000 }, () => spool.next());
  const { forecast, bytes } = said.at(-1) ?? assert.fail();
  const fullMs = ((2e9 - bytes) / (15 * SIZE - FULL_RATE)) * 1_000;
  assert.ok(
    Math.abs((forecast.diskFullMs ?? 0) - fullMs) < fullMs / 50,
    `${forecast.diskFullMs}, not ${fullMs}`,
  );
  const paused = lived({ ...life, paused: (second) => second > 10 }, 1_000).at(-1) ?? assert.fail();
  assert.equal(paused.forecast.verdict, 'stalled');
  const pausedMs = ((2e9 - paused.bytes) / (15 * SIZE)) * 1_000;
  assert.ok(Math.abs((paused.forecast.diskFullMs ?? 0) - pausedMs) < pausedMs / 50);
});

test('says nothing of the disk while the backlog ends before it', () => {
  const said = lived(
    { diskBytes: 1e9, arrivals: (second) => (second === 99 ? files(9_000) : files(5)) },
    400,
  );
  assert.deepEqual(new Set(said.map(({ forecast }) => forecast.diskFullMs)), new Set([null]));
});

test('where no event tells of files, what a scan counts has come since the scan before', () => {
  const life: Life = { scanSeconds: 100, arrivals: (second) => (second === 0 ? files(90_000) : files(5)) };
  const said = lived(life, 1_500);
  assert.deepEqual(verdicts(said), ['0 unknown', '2 catching-up']);
  const rate = said.at(-1)?.flow.last10Minutes?.arrivedFilesPerSec ?? 0;
  assert.ok(Math.abs(rate - 5) < 0.2, `${rate}`);
  assert.equal(said[50]?.forecast.eta?.highMs, null, 'before the second scan, nobody knows what arrives');
  const real = 90_000 / (PER_SEC - 5);
  const { lowMs = 0, highMs = 0 } = said[1_000]?.forecast.eta ?? {};
  assert.ok(
    lowMs < (real - 1_000) * 1_000 && (highMs ?? 0) > (real - 1_000) * 1_000,
    `${lowMs} to ${highMs}`,
  );
});

test('… also within the first minute', () => {
  const life: Life = {
    scanSeconds: 20,
    arrivals: (second) => (second === 0 ? files(9_000) : files(5)),
  };
  const rate = lived(life, 46).at(-1)?.forecast.basis?.arrivedFilesPerSec ?? 0;
  assert.ok(Math.abs(rate - 5) < 0.3, `${rate}`);
});

test('batches every ten minutes do not change the verdict each time', () => {
  const life: Life = { arrivals: (second) => (second % 600 === 0 ? files(6_000) : nothing) };
  const changes = verdicts(lived(life, 3 * 3_600));
  assert.ok(changes.length <= 4, changes.join(', '));
});

test('the range is wider the less of the time has been seen that it foretells', () => {
  const said = lived({ arrivals: (second) => (second === 0 ? files(9_000) : nothing) }, 700);
  const widths = [10, 100, 600].map((second) => {
    const { lowMs = 0, highMs = 0 } = said[second]?.forecast.eta ?? {};
    return (highMs ?? 0) / lowMs;
  });
  assert.deepEqual(
    widths.map((width) => width.toFixed(1)),
    ['1.4', '1.4', '1.0'],
  );
});

test('what did not leave during a stall says nothing of the time after it', () => {
  const life: Life = {
    fails: (second) => second > 120 && second < 900,
    arrivals: (second) => (second === 100 ? files(2_000) : nothing),
  };
  const said = lived(life, 1_200);
  const { lowMs = 0, highMs = 0 } = said[1_000]?.forecast.eta ?? {};
  const real = truth(said, 1_000) * 1_000;
  assert.ok(lowMs <= real && (highMs ?? 0) < 3 * real, `${lowMs} to ${highMs}, and ends in ${real}`);
});

test('a step of the wall clock moves the time of day of the end, and nothing else', () => {
  const spool = new LivedSpool({ arrivals: (second) => (second === 10 ? files(2_000) : nothing) });
  for (let second = 0; second < 60; second += 1) spool.next();
  const before = spool.outlook.view(60_000, 5 * HOUR_MS).forecast.eta;
  const after = spool.outlook.view(60_000, 2 * HOUR_MS).forecast.eta;
  assert.ok(before !== null && after !== null);
  assert.equal(after.lowMs, before.lowMs);
  assert.equal(after.lowAtMs, before.lowAtMs - 3 * HOUR_MS);
  assert.equal(after.lowAtMs, 2 * HOUR_MS + after.lowMs);
});

test('an end comes nearer between two looks', () => {
  const spool = new LivedSpool({ arrivals: (second) => (second === 10 ? files(2_000) : nothing) });
  for (let second = 0; second < 60; second += 1) spool.next();
  const [then, later] = [59_000, 59_900].map(
    (nowMs) => spool.outlook.view(nowMs, 0).forecast.eta?.lowMs ?? 0,
  );
  assert.equal((then ?? 0) - (later ?? 0), 900);
});

test('averages over the last minute, ten minutes and hour, each once it says more than the shorter one', () => {
  const said = lived({ arrivals: (second) => (second >= 600 ? files(6) : files(3)) }, 1_300);
  assert.equal(said[1]?.flow.lastMinute, null);
  assert.equal(said[2]?.flow.lastMinute?.arrivedFilesPerSec, 3);
  assert.deepEqual([said[59]?.flow.last10Minutes, said[599]?.flow.lastHour], [null, null]);
  assert.equal(said[60]?.flow.last10Minutes?.arrivedFilesPerSec, 3);
  assert.equal(said[660]?.flow.lastMinute?.arrivedFilesPerSec, 6);
  const half = said[900]?.flow.last10Minutes;
  assert.ok(half != null && Math.abs(half.arrivedFilesPerSec - 4.5) < 0.1, `${half?.arrivedFilesPerSec}`);
  assert.ok(Math.abs(half.drainedBytesPerSec - 4.5 * SIZE) < SIZE / 10);
  const hour = said[1_200]?.flow.lastHour?.drainedFilesPerSec ?? 0;
  assert.ok(Math.abs(hour - 4.5) < 0.1, `${hour}`);
});
