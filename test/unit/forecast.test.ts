// How fast the backlog grows and shrinks, and whether it will ever be empty.
import assert from 'node:assert/strict';
import test from 'node:test';
import { FlowMeter, forecast, type Rates } from '../../src/view/forecast.ts';

const NOTHING = { files: 0, bytes: 0 };
const STILL: Rates = {
  arrivalFilesPerSec: 0,
  arrivalBytesPerSec: 0,
  drainFilesPerSec: 0,
  drainBytesPerSec: 0,
};

for (const { name, backlog, rates, expected } of [
  { name: 'empty is empty, whatever the rates', backlog: NOTHING, rates: undefined, expected: ['empty', 0] },
  {
    name: 'unknown before there are rates',
    backlog: { files: 1, bytes: 1 },
    rates: undefined,
    expected: ['unknown', null],
  },
  {
    name: 'unknown while nothing moves',
    backlog: { files: 1, bytes: 1 },
    rates: STILL,
    expected: ['unknown', null],
  },
  {
    name: 'bytes left over bytes a second',
    backlog: { files: 3, bytes: 5_000 },
    rates: { ...STILL, drainBytesPerSec: 100, drainFilesPerSec: 1 },
    expected: ['finite', 50_000],
  },
  {
    name: 'what arrives meanwhile counts against it',
    backlog: { files: 3, bytes: 5_000 },
    rates: { ...STILL, drainBytesPerSec: 150, arrivalBytesPerSec: 50 },
    expected: ['finite', 50_000],
  },
  {
    name: 'never when more arrives than leaves',
    backlog: { files: 3, bytes: 5_000 },
    rates: { ...STILL, drainBytesPerSec: 100, arrivalBytesPerSec: 101 },
    expected: ['never', null],
  },
  {
    name: 'never when as much arrives as leaves',
    backlog: { files: 3, bytes: 5_000 },
    rates: { ...STILL, drainBytesPerSec: 100, arrivalBytesPerSec: 100 },
    expected: ['never', null],
  },
  {
    name: 'never when files arrive and none leaves',
    backlog: { files: 3, bytes: 5_000 },
    rates: { ...STILL, arrivalBytesPerSec: 1, arrivalFilesPerSec: 1 },
    expected: ['never', null],
  },
  {
    name: 'empty files are foretold by their number',
    backlog: { files: 10, bytes: 0 },
    rates: { ...STILL, drainFilesPerSec: 2, arrivalFilesPerSec: 1 },
    expected: ['finite', 10_000],
  },
] as const) {
  test(name, () => {
    const [kind, etaMs] = expected;
    assert.deepEqual(forecast(backlog, rates), { forecast: kind, etaMs });
  });
}

test('tells no rates from less than two seconds', () => {
  const flow = new FlowMeter();
  assert.equal(flow.rates(), undefined);
  flow.observe(0, NOTHING, NOTHING);
  flow.observe(1_999, NOTHING, { files: 10, bytes: 10 });
  assert.equal(flow.rates(), undefined);
});

test('averages over what was observed', () => {
  const flow = new FlowMeter();
  flow.observe(0, NOTHING, NOTHING);
  flow.observe(1_000, { files: 1, bytes: 100 }, NOTHING);
  flow.observe(4_000, { files: 2, bytes: 400 }, { files: 8, bytes: 4_000 });
  assert.deepEqual(flow.rates(), {
    arrivalFilesPerSec: 0.5,
    arrivalBytesPerSec: 100,
    drainFilesPerSec: 2,
    drainBytesPerSec: 1_000,
  });
});

test('forgets what lies more than half a minute back', () => {
  const flow = new FlowMeter();
  let drained = 0;
  for (let second = 0; second <= 120; second += 1) {
    drained += second < 60 ? 1_000 : 10;
    flow.observe(second * 1_000, NOTHING, { files: second, bytes: drained });
  }
  assert.equal(flow.rates()?.drainBytesPerSec, 10);
});
