import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
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

// Any magnitude is as likely as any other, and round values are common, as they are in config files.
const count = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(100_000),
  fc
    .tuple(fc.nat(999), fc.constantFrom(1, 1000, 1024, 60_000, 1e6, 1024 ** 2, 1e9, 1024 ** 3))
    .map(([n, unit]) => n * unit),
);

for (const [what, parse, format] of [
  ['rate', parseRate, formatRate],
  ['size', parseSize, formatSize],
  ['duration', parseDuration, formatDuration],
] as const) {
  test(`a ${what} written out reads back as the same number`, () => {
    fc.assert(fc.property(count, (value) => assert.equal(parse(format(value)), value)));
  });
}

test('a share typed with up to four decimals survives being read and written', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), (tenThousandths) => {
      const text = `${tenThousandths / 10_000} %`;
      assert.equal(formatPercent(parsePercent(text)), text);
    }),
  );
});

test('any text is either read as a finite number ≥ 0 or refused with a RangeError of one line', () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .tuple(
        fc.float(),
        fc.constantFrom('', ' '),
        fc.constantFrom('M', 'Mb', 'MB', 'MiB', 'Mbit/s', 's', '%', 'd'),
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, fc.constantFrom(parseRate, parseSize, parseDuration, parsePercent), (typed, parse) => {
      try {
        const value = parse(typed);
        assert.ok(Number.isFinite(value) && value >= 0, `${typed} gave ${value}`);
      } catch (error) {
        assert.ok(error instanceof RangeError && !error.message.includes('\n'), String(error));
      }
    }),
  );
});
