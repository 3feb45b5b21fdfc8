import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IgnoreRules } from '../../src/backlog/ignore-rules.ts';

/** [pattern, path, ignored]; the last segment of the path is what is asked about. */
const CASES: readonly (readonly [string, string, boolean])[] = [
  ['.*', '.hidden', true],
  ['.*', 'a.b', false],
  ['.*', 'folder/.hidden', true],
  ['*~', 'file~', true],
  ['*.tmp', 'x.tmp', true],
  ['*.tmp', '.x.tmp', true],
  ['*.tmp', 'x.tmp.jpg', false],
  ['*.tmp', 'xtmp', false],
  ['*.tmp', 'a\nb.tmp', true],
  ['x', 'xx', false],
  ['?', 'a', true],
  ['?', '📷', true],
  ['?', 'ab', false],
  ['[a-c]1', 'b1', true],
  ['[a-c]1', 'd1', false],
  ['[!a-c]1', 'd1', true],
  ['[!a-c]1', 'b1', false],
  ['[]x]', ']', true],
  ['[z-a]', '[z-a]', true],
  ['[ab', '[ab', true],
  ['*.{tmp,part}', 'a.part', true],
  ['*.{tmp,part}', 'a.jpg', false],
  ['{a', '{a', true],
  ['a}', 'a}', true],
  ['a,b', 'a,b', true],
  ['a+(b)$^|.', 'a+(b)$^|.', true],
  ['a.b', 'axb', false],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['é*', 'été', true],
  ['in/*', 'in/a', true],
  ['in/*', 'in/a/b', false],
  ['in/*', 'x/in/a', false],
  ['in/**', 'in/a/b', true],
  ['**/x', 'x', true],
  ['**/x', 'a/b/x', true],
  ['**/x', 'a/bx', false],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/1/2/b', true],
  ['a/[!x]', 'a/y', true],
];
for (const [pattern, path, ignored] of CASES) {
  test(`${pattern} ${ignored ? 'covers' : 'does not cover'} ${JSON.stringify(path)}`, () => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    assert.equal(new IgnoreRules([pattern]).ignores(Buffer.from(name), Buffer.from(path)), ignored);
  });
}

test('covers what any of several patterns covers, and nothing without patterns', () => {
  const rules = new IgnoreRules(['a', 'b/c']);
  assert.equal(rules.ignores(Buffer.from('a'), Buffer.from('x/a')), true);
  assert.equal(rules.ignores(Buffer.from('c'), Buffer.from('b/c')), true);
  assert.equal(new IgnoreRules([]).ignores(Buffer.from('a'), Buffer.from('a')), false);
});

// Regression: an expression tried the places of five stars one after the other: 52 s for one name of 255 bytes.
for (const pattern of [
  '*_*_*_*_*.tmp',
  '*_*_*/*_*.tmp',
  '**_**_**/**_*.tmp',
  '{*_,*-}{*_,*-}{*_,*-}*_*.tmp',
]) {
  test(`${pattern} takes time in proportion to the name, however it was made up`, () => {
    const rules = new IgnoreRules([pattern]);
    const name = Buffer.from('_'.repeat(255));
    // The clock of a busy machine says little: what counts is that a million times longer would not end at all.
    assert.equal(rules.ignores(name, Buffer.from(`${'_/'.repeat(1_900)}${name}`)), false);
  });
}
