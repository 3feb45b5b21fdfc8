import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyFor, suffixedKey } from '../../src/store/keys.ts';

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((array) => Buffer.from(array));

test('names that are valid UTF-8 keep their very bytes', () => {
  fc.assert(
    fc.property(name, (text) => {
      const path = Buffer.from(text);
      assert.deepEqual(Buffer.from(keyFor(path, '')), path);
    }),
  );
});

test('any bytes make a key that is whole text: encoding it loses nothing', () => {
  fc.assert(
    fc.property(bytes, (path) => {
      const key = keyFor(path, '');
      assert.equal(Buffer.from(key).toString('utf8'), key);
    }),
  );
});

test('no byte is lost: undoing %XX for what was invalid gives the bytes back', () => {
  fc.assert(
    fc.property(
      bytes.filter((path) => !path.includes('%')),
      (path) => {
        const key = keyFor(path, '');
        const back = key
          .split(/(%[0-9A-F]{2})/)
          .map((piece, i) => (i % 2 ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece)));
        assert.deepEqual(Buffer.concat(back), path);
      },
    ),
  );
});

test('a suffixed key fits, differs from the key, stays in its folder and is whole text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 400 }),
      fc.constantFrom(8, 16, 64),
      (text, digits) => {
        fc.pre(Buffer.byteLength(text) <= 1_024);
        const key = suffixedKey(text, 'ab'.repeat(32), digits);
        assert.ok(Buffer.byteLength(key) <= 1_024);
        assert.notEqual(key, text);
        assert.equal(Buffer.from(key).toString('utf8'), key);
      },
    ),
  );
});
