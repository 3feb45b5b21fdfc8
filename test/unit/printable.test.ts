import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '../../src/system/printable.ts';

const cases: readonly [string, string, string][] = [
  ['leaves ordinary text alone', 'Straße 12 – 日本 🎉.jpg', 'Straße 12 – 日本 🎉.jpg'],
  ['escapes line breaks and tabs', 'a\nb\r\tc', 'a\\x0ab\\x0d\\x09c'],
  ['escapes terminal sequences of either kind', '\x1b[2J\x9b2J', '\\x1b[2J\\x9b2J'],
  ['escapes characters that reorder text', '\u202egpj.exe', '\\u{202e}gpj.exe'],
  ['escapes Unicode line separators', 'a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
  ['escapes lone surrogates', 'a\ud800b', 'a\\u{d800}b'],
  ['marks bytes that were no UTF-8', Buffer.from([0x61, 0xff]).toString('utf8'), 'a\\u{fffd}'],
];

for (const [title, input, expected] of cases) {
  test(title, () => assert.equal(printable(input), expected));
}
