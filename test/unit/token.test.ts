// A token cannot be guessed, is recognised by tools, and tells of a slip of the finger.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digestOf, isToken, makeToken } from '../../src/ingest/token.ts';
import { tokenName, tokenPrefix } from '../../src/ingest/token-rules.ts';

test('a token has a mark, 32 random digits and 6 check digits, and is another one each time', () => {
  const tokens = Array.from({ length: 500 }, makeToken);
  for (const token of tokens) assert.match(token, /^hp_[0-9A-Za-z]{38}$/);
  for (const token of tokens) assert.ok(isToken(token), token);
  assert.equal(new Set(tokens.map((token) => token.slice(0, 11))).size, 500);
  const used = new Set(tokens.flatMap((token) => [...token.slice(3, 35)]));
  assert.equal(used.size, 62, 'each of the 62 digits is drawn');
});

test('the check digits are the CRC-32 of what stands before them', () => {
  // Computed with zlib.crc32 of Python.
  assert.ok(isToken(`hp_${'0'.repeat(32)}0X1flN`));
});

test('one wrong digit, two swapped ones, one missing or one too many is noticed', () => {
  const token = makeToken();
  const at = (index: number, digit: string) => token.slice(0, index) + digit + token.slice(index + 1);
  for (let index = 0; index < token.length; index += 1) {
    const other = token[index] === 'x' ? 'y' : 'x';
    assert.equal(isToken(at(index, other)), false, `digit ${index}`);
    const [one = '', two = ''] = token.slice(index, index + 2);
    if (one !== two && two !== '')
      assert.equal(isToken(token.slice(0, index) + two + one + token.slice(index + 2)), false);
  }
  for (const wrong of [token.slice(0, -1), token.slice(1), `${token}0`, `${token}\n`, ` ${token}`, ''])
    assert.equal(isToken(wrong), false, JSON.stringify(wrong));
});

test('what is stored of a token is its SHA-256', () => {
  const token = makeToken();
  assert.deepEqual(digestOf(token), createHash('sha256').update(token, 'utf8').digest());
});

for (const prefix of ['camera-7/', 'a/b/c/', 'ümläut/', 'with space/', `${'x'.repeat(255)}/`, 'a..b/', '-/'])
  test(`a token may be held to the folder ${prefix.slice(0, 20)}`, () => {
    assert.equal(tokenPrefix(prefix), prefix);
  });

for (const prefix of [
  ...['', '/', '//', '/a/', 'a//', 'a//b/', './', '../', 'a/../b/', 'a/./b/', '.hidden/', 'a/.hidden/'],
  ...['a\0/', 'a\n/', 'a\u0085/', 'a\u007f/', '\ud800/', `${'x'.repeat(256)}/`, 'ä'.repeat(128).concat('/')],
  ...['a/'.repeat(257), 7, null, undefined, ['a/']],
])
  test(`the folder ${JSON.stringify(prefix)?.slice(0, 20)} is refused with what is accepted`, () => {
    assert.throws(
      () => tokenPrefix(prefix),
      /^RangeError: must be a folder below the spool with \/ at its end/,
    );
  });

test('a folder without the / at its end is refused with what to type', () => {
  assert.throws(() => tokenPrefix('camera-7'), /^RangeError: must end in \/: type camera-7\/$/);
  assert.throws(() => tokenPrefix('a/b'), /type a\/b\//);
  assert.throws(() => tokenPrefix('../b'), /must be a folder/);
});

test('the name of a token fits into a line of the log', () => {
  for (const name of ['camera-7', '7', 'a@b.example', 'x'.repeat(64)]) assert.equal(tokenName(name), name);
  for (const name of ['', '-a', '.a', 'a b', 'a\n', 'ä', 'x'.repeat(65), 'a/b', 7, undefined])
    assert.throws(() => tokenName(name), /^RangeError: must be a name of at most 64/);
});
