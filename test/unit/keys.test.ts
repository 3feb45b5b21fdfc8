import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFor, suffixedKey } from '../../src/store/keys.ts';

const SHA256 = '0123456789abcdef'.repeat(4);

test('a valid name passes unchanged behind the prefix', () => {
  assert.equal(keyFor(Buffer.from('a b/%41+é😀\n.jpg'), 'camera 7/'), 'camera 7/a b/%41+é😀\n.jpg');
});

for (const [bytes, key] of [
  [[0xff], '%FF'],
  [[0x61, 0xc3, 0x62], 'a%C3b'],
  [[0xed, 0xa0, 0x80], '%ED%A0%80'],
  [[0xc0, 0xaf], '%C0%AF'],
  [[0xe9, 0xc3, 0xa9], '%E9é'],
  [[0xf0, 0x9f, 0x98], '%F0%9F%98'],
  [[0xff, 0xf0, 0x9f, 0x98, 0x80], '%FF😀'],
] as const) {
  test(`the bytes ${Buffer.from(bytes).toString('hex')} become ${key}`, () => {
    assert.equal(keyFor(Buffer.from(bytes), ''), key);
  });
}

test('a key of 1,024 bytes is taken, one of 1,025 blames the file and says how long it is', () => {
  assert.equal(Buffer.byteLength(keyFor(Buffer.from('é'.repeat(510)), 'in/x')), 1_024);
  assert.throws(() => keyFor(Buffer.from('é'.repeat(511)), 'in/'), {
    faultClass: 'file',
    code: 'KeyTooLongError',
    operation: 'make a key',
    subject: `in/${'é'.repeat(511)}`,
    message: /1025 bytes/,
    hint: /Shorten .* s3\.prefix/,
  });
});

for (const [key, expected] of [
  ['a/b.jpg', 'a/b.01234567.jpg'],
  ['a.b/c', 'a.b/c.01234567'],
  ['.hidden', '.hidden.01234567'],
  ['a/.hidden', 'a/.hidden.01234567'],
  ['x.tar.gz', 'x.tar.01234567.gz'],
  ['name.', 'name.01234567.'],
  ['a.fifteen-letters', 'a.01234567.fifteen-letters'],
  ['a.sixteen--letters', 'a.sixteen--letters.01234567'],
  ['1.2 is a sentence with a dot', '1.2 is a sentence with a dot.01234567'],
] as const) {
  test(`${key} is kept beside another as ${expected}`, () => {
    assert.equal(suffixedKey(key, SHA256), expected);
  });
}

test('a suffix never makes a key too long, nor splits a character', () => {
  const key = suffixedKey(`${'é'.repeat(510)}.jpg`, SHA256);
  assert.ok(Buffer.byteLength(key) <= 1_024);
  assert.match(key, /^é+\.01234567\.jpg$/);
});
