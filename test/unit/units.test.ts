import assert from 'node:assert/strict';
import test from 'node:test';
import {
  formatDuration,
  formatPercent,
  formatRate,
  formatSize,
  parseDuration,
  parsePercent,
  parseRate,
  parseSize,
} from '../../src/config/units.ts';

type Table = readonly (readonly [text: string, value: number])[];

const RATES: Table = [
  ['100 Mbit/s', 100e6],
  ['100Mbit/s', 100e6],
  ['  256   kbit/s ', 256e3],
  ['1.5 Gbit/s', 1.5e9],
  ['1 Tbit/s', 1e12],
  ['9 bit/s', 9],
  ['100 MBIT/S', 100e6],
  ['100 mbit/s', 100e6],
  ['12.5 MB/s', 100e6],
  ['1 kB/s', 8000],
  ['1 KB/s', 8000],
  ['1 MiB/s', 8 * 1024 * 1024],
  ['3 B/s', 24],
];

const SIZES: Table = [
  ['8 MiB', 8 * 1024 * 1024],
  ['8MiB', 8 * 1024 * 1024],
  ['500 kB', 500_000],
  ['500 KB', 500_000],
  ['1 GiB', 1024 ** 3],
  ['1.5 KiB', 1536],
  ['2 TB', 2e12],
  ['0 B', 0],
  ['0', 0],
  ['17 B', 17],
];

const DURATIONS: Table = [
  ['2 s', 2000],
  ['2s', 2000],
  ['500 ms', 500],
  ['1.1 s', 1100],
  ['5 min', 300_000],
  ['30m', 1_800_000],
  ['1 h', 3_600_000],
  ['1.5 H', 5_400_000],
  ['1 d', 86_400_000],
  ['0', 0],
  ['0 s', 0],
];

const PERCENTAGES: Table = [
  ['50 %', 0.5],
  ['50%', 0.5],
  ['7 %', 0.07],
  ['33.3 %', 0.333],
  ['150 %', 1.5],
  ['0 %', 0],
];

for (const [what, parse, table] of [
  ['rate', parseRate, RATES],
  ['size', parseSize, SIZES],
  ['duration', parseDuration, DURATIONS],
  ['percentage', parsePercent, PERCENTAGES],
] as const) {
  for (const [text, value] of table) {
    test(`reads the ${what} "${text}" as ${value}`, () => assert.equal(parse(text), value));
  }
}

test('writes a value in the largest unit that shows it exactly', () => {
  assert.equal(formatRate(1.5e9), '1.5 Gbit/s');
  assert.equal(formatRate(100e6), '100 Mbit/s');
  assert.equal(formatRate(123_456), '123456 bit/s');
  assert.equal(formatRate(0), '0 bit/s');
  assert.equal(formatSize(8 * 1024 * 1024), '8 MiB');
  assert.equal(formatSize(500_000), '500 kB');
  assert.equal(formatSize(1025), '1025 B');
  assert.equal(formatDuration(90_000), '90 s');
  assert.equal(formatDuration(300_000), '5 min');
  assert.equal(formatDuration(0), '0 ms');
  assert.equal(formatPercent(0.07), '7 %');
  assert.equal(formatPercent(0.000_000_1), '0.00001 %');
});

test('asks back when a rate could mean bits or bytes, offering both', () => {
  for (const text of ['100 M', '100 Mb', '100Mb/s', '100 Mbps', '100 mb/s', '100 MBps']) {
    assert.throws(() => parseRate(text), {
      name: 'RangeError',
      message: 'could mean bits or bytes: type 100 Mbit/s for bits or 100 MB/s for bytes',
    });
  }
  assert.throws(() => parseRate('64 k'), { message: /type 64 kbit\/s for bits or 64 kB\/s for bytes/ });
});

test('takes no bare number for a rate, nor anything else it would have to guess', () => {
  for (const text of [
    '100',
    '0',
    '',
    'fast',
    '-1 Mbit/s',
    '1e3 bit/s',
    'Infinity bit/s',
    '1,5 Mbit/s',
    '8 Mibit/s',
    '5 %',
  ]) {
    assert.throws(
      () => parseRate(text),
      { name: 'RangeError', message: /^must be a rate such as 100 Mbit\/s/ },
      text,
    );
  }
});

test('takes no size whose unit could be bits or is missing', () => {
  for (const text of ['8', '8 M', '8 Mi', '8 mib', '8 Mb', '8 Mbit', '-8 MiB', '']) {
    assert.throws(
      () => parseSize(text),
      { name: 'RangeError', message: /^must be a size such as 8 MiB/ },
      text,
    );
  }
});

test('takes no duration whose unit is missing or could be months', () => {
  for (const text of ['2', '5 M', '5 mo', '1 w', '-1 s', 's', '', '2 s 3 ms']) {
    assert.throws(
      () => parseDuration(text),
      { name: 'RangeError', message: /^must be a duration such as 500 ms/ },
      text,
    );
  }
});

test('asks back when a share lacks its sign', () => {
  assert.throws(() => parsePercent('0.5'), {
    message: 'must be a percentage with its sign: type 0.5 % or 50 %',
  });
  assert.throws(() => parsePercent('50'), { message: 'must be a percentage with its sign: type 50 %' });
  for (const text of ['0', '', 'half', '-5 %', '1e2 %']) {
    assert.throws(
      () => parsePercent(text),
      { message: /^must be a percentage with its sign, such as 50 %/ },
      text,
    );
  }
});

test('refuses fractions of what counts whole, and what no number can count', () => {
  assert.throws(() => parseDuration('0.5 ms'), { message: 'must come to a whole number of milliseconds' });
  assert.throws(() => parseSize('1.5 B'), { message: 'must come to a whole number of bytes' });
  assert.throws(() => parseRate('0.1 bit/s'), { message: 'must come to a whole number of bits per second' });
  assert.throws(() => parseSize('99999999 TiB'), { message: /^must stay below 9e15 bytes/ });
});

test('formats nothing that is no whole number, negative or not finite', () => {
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
    assert.throws(() => formatSize(value), RangeError);
  }
  assert.throws(() => formatPercent(Number.NaN), RangeError);
});
