// How fast the backlog grows and shrinks, and whether it will ever be empty.
import assert from 'node:assert/strict';
import test from 'node:test';
import { BacklogRates, type Flow, forecast, type Trend } from '../../src/report/forecast.ts';

const NOTHING = { files: 0, bytes: 0 };
const STILL: Trend = { drained: NOTHING, arrived: NOTHING, recent: NOTHING, coming: NOTHING, lasting: true };
const DROPPED: Flow = { files: 3, bytes: 5_000 };

function flow(files: number, bytes: number): Flow {
  return { files, bytes };
}

for (const { name, backlog, trend, expected } of [
  { name: 'empty is empty, whatever the rates', backlog: NOTHING, trend: undefined, expected: ['empty', 0] },
  {
    name: 'unknown before there are rates',
    backlog: flow(1, 1),
    trend: undefined,
    expected: ['unknown', null],
  },
  { name: 'unknown while nothing moves', backlog: flow(1, 1), trend: STILL, expected: ['unknown', null] },
  {
    name: 'bytes left over bytes a second',
    backlog: DROPPED,
    trend: { ...STILL, drained: flow(1, 100) },
    expected: ['finite', 50_000],
  },
  {
    name: 'what arrives meanwhile counts against it',
    backlog: DROPPED,
    trend: { ...STILL, drained: flow(0, 150), arrived: flow(9, 50), recent: flow(9, 50) },
    expected: ['finite', 50_000],
  },
  {
    name: 'never when more arrives than leaves',
    backlog: DROPPED,
    trend: { ...STILL, drained: flow(9, 100), arrived: flow(1, 101), recent: flow(1, 101) },
    expected: ['never', null],
  },
  {
    name: 'never when as much arrives as leaves',
    backlog: DROPPED,
    trend: { ...STILL, drained: flow(9, 100), arrived: flow(1, 100), recent: flow(1, 100) },
    expected: ['never', null],
  },
  {
    name: 'never when files arrive and none leaves',
    backlog: DROPPED,
    trend: { ...STILL, arrived: flow(1, 1), recent: flow(1, 1) },
    expected: ['never', null],
  },
  {
    name: 'by the drain alone while it is too early to say never',
    backlog: DROPPED,
    trend: { ...STILL, drained: flow(1, 100), arrived: flow(2, 200), lasting: false },
    expected: ['finite', 50_000],
  },
  {
    name: 'by the drain alone while as much arrives as leaves, and it is too early to say never',
    backlog: DROPPED,
    trend: { ...STILL, drained: flow(1, 100), arrived: flow(1, 100), lasting: false },
    expected: ['finite', 50_000],
  },
  {
    name: 'unknown while it is too early to say never and none leaves',
    backlog: DROPPED,
    trend: { ...STILL, arrived: flow(2, 200), lasting: false },
    expected: ['unknown', null],
  },
  {
    // one file was left and nothing had come for half a minute: "never done"
    name: 'when the drain is, once nothing comes any more, however much came before',
    backlog: DROPPED,
    trend: { ...STILL, drained: flow(9, 100), arrived: flow(1, 101) },
    expected: ['finite', 50_000],
  },
  {
    // 4.86 files a second came and 1.73 left: "done in 1 min 40 s"
    name: 'unknown while more has begun to come than leaves',
    backlog: DROPPED,
    trend: {
      ...STILL,
      drained: flow(9, 100),
      arrived: flow(1, 40),
      recent: flow(5, 280),
      coming: flow(5, 280),
    },
    expected: ['unknown', null],
  },
  {
    name: 'empty files are foretold by their number',
    backlog: flow(10, 0),
    trend: { ...STILL, drained: flow(2, 0), arrived: flow(1, 0), recent: flow(1, 0) },
    expected: ['finite', 10_000],
  },
] as const) {
  test(name, () => {
    const [kind, etaMs] = expected;
    assert.deepEqual(forecast(backlog, trend), { forecast: kind, etaMs });
  });
}

/** A spool second by second: what arrives, and a drain that takes 1,000 bytes a second from what there is. */
function lived(arrivals: (second: number) => number, seconds: number) {
  const meter = new BacklogRates();
  const said: string[] = [];
  let [arrived, drained] = [0, 0];
  for (let second = 0; second <= seconds; second += 1) {
    arrived += arrivals(second);
    drained = Math.min(arrived, drained + 1_000);
    meter.observe(second * 1_000, flow(arrived, arrived), flow(drained, drained), arrived === drained);
    const { forecast: kind, etaMs } = forecast(flow(arrived - drained, arrived - drained), meter.trend());
    said.push(kind === 'finite' ? `${Math.round((etaMs ?? 0) / 1000)} s` : kind);
  }
  return { said, meter };
}

test('a drop of many files at once is done when the drain is, at any time after it', () => {
  const { said } = lived((second) => (second === 300 ? 400_000 : 0), 720);
  assert.deepEqual(
    said.slice(302, 699),
    Array.from({ length: 397 }, (_, i) => `${397 - i} s`),
  );
  assert.equal(said.at(-1), 'empty');
});

test('neither the start into a deep backlog nor a drop that takes ten seconds is a trend', () => {
  for (const arrivals of [
    (second: number) => (second === 0 ? 900_000 : 0),
    (second: number) => (second > 200 && second <= 210 ? 90_000 : 0),
  ])
    assert.ok(!lived(arrivals, 600).said.includes('never'));
});

test('more than the drain takes, minute after minute, is never done', () => {
  const { said } = lived((second) => (second < 600 ? 1_500 : 0), 900);
  assert.ok(!said.slice(0, 60).includes('never'));
  assert.deepEqual(new Set(said.slice(60, 600)), new Set(['never']));
  assert.equal(said[720], `${899 - 720} s`, 'and is done once they have stopped for a while');
});

test('so are batches that take longer than the time between them', () => {
  const { said } = lived((second) => (second % 20 === 0 ? 30_000 : 0), 900);
  assert.deepEqual(new Set(said.slice(150)), new Set(['never']));
});

test('never is no longer said half a minute after the last has come, nor a time while more comes than leaves', () => {
  const { said } = lived((second) => (second >= 200 && second < 300 ? 1_500 : 0), 350);
  assert.ok(!said.slice(230, 300).some((word) => word.endsWith(' s')), said.slice(230, 300).join());
  assert.deepEqual(
    said.slice(330, 349),
    Array.from({ length: 19 }, (_, i) => `${19 - i} s`),
  );
});

test('less than the drain takes is done, later', () => {
  const { said } = lived((second) => (second === 200 ? 100_000 : 500), 260);
  assert.equal(said[230], `${(99_000 - 30 * 500) / 500} s`);
});

test('after idling, the rate of the drain is true at once', () => {
  const { meter } = lived((second) => (second === 97 ? 400_000 : 0), 100);
  assert.equal(meter.rates()?.drainBytesPerSec, 1_000);
});

test('a drop of empty files is a drop, too', () => {
  const meter = new BacklogRates();
  for (let second = 0; second <= 100; second += 1)
    meter.observe(second * 1_000, flow(second < 50 ? 0 : 9_000, 0), NOTHING, false);
  assert.equal(meter.trend()?.arrived.files, 0);
});

/** What `drained` says of each second, up to `seconds`. */
function drainedBytesPerSec(drained: (second: number) => Flow, seconds: number): number | undefined {
  const meter = new BacklogRates();
  for (let second = 0; second <= seconds; second += 1)
    meter.observe(second * 1_000, NOTHING, drained(second), false);
  return meter.rates()?.drainBytesPerSec;
}

test('a pause at the end is no idling', () => {
  const tenSeconds = (second: number) => flow(Math.min(second, 10), Math.min(second, 10) * 900);
  assert.equal(drainedBytesPerSec(tenSeconds, 15), 9_000 / 15);
});

test('a large file on its way is a rate before it is done', () => {
  const slower = (second: number) => flow(0, Math.min(second, 10) * 900 + Math.max(0, second - 10) * 100);
  assert.equal(drainedBytesPerSec(slower, 20), 10_000 / 20);
});

test('while there is nothing to do, the rate is that of the last half minute', () => {
  const { meter } = lived((second) => (second === 100 ? 100 : 0), 110);
  assert.equal(meter.rates()?.drainBytesPerSec, 100 / 30);
});

test('nothing is foretold from the first moment of the work', () => {
  const { said } = lived((second) => (second === 300 ? 400_000 : second === 299 ? 1 : 0), 310);
  assert.deepEqual(said.slice(299, 303), ['empty', 'unknown', '398 s', '397 s']);
});

test('tells no rates from less than two seconds', () => {
  const flow = new BacklogRates();
  assert.equal(flow.rates(), undefined);
  flow.observe(50_000, NOTHING, NOTHING, false);
  flow.observe(51_999, NOTHING, { files: 10, bytes: 10 }, false);
  assert.equal(flow.rates(), undefined);
  flow.observe(52_000, NOTHING, { files: 10, bytes: 10 }, false);
  assert.equal(flow.rates()?.drainFilesPerSec, 5);
});

test('averages over what was observed', () => {
  const flow = new BacklogRates();
  flow.observe(70_000, { files: 9, bytes: 900 }, { files: 7, bytes: 700 }, false);
  flow.observe(71_000, { files: 10, bytes: 1_000 }, { files: 8, bytes: 700 }, false);
  flow.observe(74_000, { files: 11, bytes: 1_300 }, { files: 15, bytes: 4_700 }, false);
  assert.deepEqual(flow.rates(), {
    arrivalFilesPerSec: 0.5,
    arrivalBytesPerSec: 100,
    drainFilesPerSec: 2,
    drainBytesPerSec: 1_000,
  });
});

test('what lies half a minute back is where it begins', () => {
  const flow = new BacklogRates();
  flow.observe(0, NOTHING, NOTHING, false);
  flow.observe(1_000, NOTHING, { files: 1, bytes: 1_000 }, false);
  flow.observe(31_000, NOTHING, { files: 2, bytes: 4_000 }, false);
  assert.equal(flow.rates()?.drainBytesPerSec, 100);
});

test('forgets what lies more than half a minute back, idling included', () => {
  const flow = new BacklogRates();
  let drained = 0;
  for (let second = 0; second <= 120; second += 1) {
    drained += second < 60 ? 1_000 : 10;
    flow.observe(second * 1_000, NOTHING, { files: second, bytes: drained }, second === 0);
  }
  assert.equal(flow.rates()?.drainBytesPerSec, 10);
});
