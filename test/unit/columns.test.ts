import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { columnsOf, fitted, fittedEnd, padded, wrapped } from '../../src/view/columns.ts';

describe('text on a terminal', () => {
  for (const [text, columns] of [
    ['', 0],
    ['camera/1.jpg', 12],
    ['über', 4],
    ['u\u0308ber', 4],
    ['写真.jpg', 8],
    ['한글', 4],
    ['▁█░┈━', 5],
    ['😀', 2],
    ['a\u200bb', 2],
  ] as const)
    test(`"${text}" takes ${columns} columns`, () => assert.equal(columnsOf(text), columns));

  for (const [text, columns, start, end] of [
    ['camera', 6, 'camera', 'camera'],
    ['camera', 5, 'came…', '…mera'],
    ['camera', 1, '…', '…'],
    ['camera', 0, '', ''],
    ['写真写真', 6, '写真…', '…写真'],
    ['写真写真', 5, '写真…', '…写真'],
    ['写真写真', 4, '写…', '…真'],
  ] as const)
    test(`"${text}" is cut to ${columns} columns at either end`, () => {
      assert.deepEqual([fitted(text, columns), fittedEnd(text, columns)], [start, end]);
    });

  test('is padded by columns, not by characters', () => {
    assert.deepEqual([padded('写真', 6), padded('ab', 6), padded('long', 2)], ['写真  ', 'ab    ', 'long']);
  });

  test('is broken between words, and a long word is cut', () => {
    assert.deepEqual(wrapped('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrapped('incomprehensible word', 6), ['incom…', 'word']);
  });
});
