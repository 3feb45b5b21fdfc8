// The automaton for patterns of many stars matches what the regular expression of the same pattern matches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { globSource, globTokens } from '../../src/backlog/glob.ts';
import { GlobAutomaton } from '../../src/backlog/glob-automaton.ts';

const pieces = [
  'a',
  'b',
  '_',
  '.',
  '/',
  '*',
  '**',
  '**/',
  '?',
  '[ab]',
  '[!a]',
  '[z-a]',
  '{a,b*}',
  '{,a}',
  '{',
  '}',
];
const others = [',', '\\', '\\*', '[', ']', '📷', '\n', 'é'];
const globs = fc
  .array(fc.constantFrom(...pieces, ...others), { maxLength: 8 })
  .map((parts) => parts.join(''));
const names = fc
  .array(
    fc.constantFrom('a', 'b', '_', '.', '/', '*', '[', 'z', '-', ']', '{', '}', ',', '\\', '📷', '\n', 'é'),
    {
      maxLength: 10,
    },
  )
  .map((parts) => parts.join(''));

test('the automaton and the regular expression of a pattern say the same of every name', () => {
  fc.assert(
    fc.property(globs, names, (glob, name) => {
      const tokens = globTokens(glob);
      const expected = new RegExp(`^(?:${globSource(tokens)})$`, 'su').test(name);
      assert.equal(new GlobAutomaton(tokens).matches(name), expected, JSON.stringify({ glob, name }));
    }),
    { numRuns: 3_000 },
  );
});
