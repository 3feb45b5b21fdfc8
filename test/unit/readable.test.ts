import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  readableCount,
  readableDuration,
  readableNumber,
  readableRate,
  readableSize,
} from '../../src/view/readable.ts';

const cases: [name: string, written: string, expected: string][] = [
  ['a rate of nothing', readableRate(0), '0 bit/s'],
  ['a rate below a kilobit', readableRate(999.4), '999 bit/s'],
  ['a rate that rounds up to the next unit', readableRate(999_600), '1.00 Mbit/s'],
  ['half of 100 Mbit/s', readableRate(49_940_000), '49.9 Mbit/s'],
  ['a fast link', readableRate(100e9), '100 Gbit/s'],
  ['more than any link', readableRate(5e18), '5,000 Pbit/s'],
  ['a negative rate', readableRate(-1_500), '-1.50 kbit/s'],
  ['a picture', readableSize(100_000), '100 kB'],
  ['a spool', readableSize(512_300_000), '512 MB'],
  ['a few bytes', readableSize(17), '17 B'],
  ['a large count', readableCount(12_345_678), '12,345,678'],
  ['a small number', readableNumber(0.123), '0.12'],
  ['a number below ten that rounds to ten', readableNumber(9.996), '10.0'],
  ['a number below a hundred that rounds to it', readableNumber(99.96), '100'],
  ['a number below a thousand that rounds to it', readableNumber(999.7), '1,000'],
  ['no time', readableDuration(-5), '0 s'],
  ['just under a minute', readableDuration(59_600), '1 min'],
  ['minutes', readableDuration(200_000), '3 min 20 s'],
  ['just under a day', readableDuration(86_399_400), '23 h 59 min'],
  ['days', readableDuration(12 * 86_400_000 + 3 * 3_600_000), '12 d 3 h'],
];
for (const [name, written, expected] of cases) {
  it(`writes ${name} as ${expected}`, () => assert.equal(written, expected));
}
