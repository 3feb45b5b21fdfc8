// The tokens file is read strictly: a slip while editing it is told, and grants nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTokens, parseTokens, type StoredToken } from '../../src/ingest/token-list.ts';

const MS = Date.UTC(2026, 10, 27, 19, 30);
const token = (changes: Partial<StoredToken> = {}): StoredToken => ({
  ...{ name: 'camera-7', sha256: Buffer.alloc(32, 7), prefix: 'camera-7/', createdMs: MS },
  expiresAtMs: MS + 86_400_000,
  ...changes,
});

test('what is written is read again: with and without a folder and an end', () => {
  const tokens = [token(), token({ name: 'all', prefix: '', expiresAtMs: undefined })];
  assert.deepEqual(parseTokens(formatTokens(tokens)), tokens);
  assert.deepEqual(parseTokens(formatTokens([])), []);
});

test('the file is written for people: one field a line, times in UTC, and what to change it with', () => {
  const lines = formatTokens([token()]).split('\n');
  assert.deepEqual(lines.slice(0, 2), ['{', '  "version": 1,']);
  assert.match(lines[2] ?? '', /halfpipe token add and halfpipe token revoke/);
  assert.ok(lines.includes('      "created": "2026-11-27T19:30:00.000Z",'), lines.join('\n'));
  assert.ok(lines.includes('      "expires": "2026-11-28T19:30:00.000Z"'));
});

const good = {
  name: 'a',
  sha256: '07'.repeat(32),
  prefix: 'a/',
  created: '2026-11-27T19:30:00.000Z',
  expires: '2026-11-28T19:30:00.000Z',
};
const file = (...tokens: unknown[]) => JSON.stringify({ version: 1, tokens });

for (const [what, text, message] of [
  ['nothing', '', /^it is not JSON/],
  ['half a file', file(good).slice(0, -5), /^it is not JSON/],
  ['a list', '[]', /^the file must be an object in braces/],
  ['null', 'null', /^the file must be an object in braces/],
  ['another version', '{"version":2,"tokens":[]}', /^version must be 1: another version of halfpipe/],
  ['no version', '{"tokens":[]}', /^version must be 1/],
  ['no tokens', '{"version":1}', /^tokens must be a list/],
  [
    'a field that is not known',
    '{"version":1,"token":[]}',
    /^the file has an unknown field "token": did you mean tokens\?/,
  ],
  ['a prototype', '{"version":1,"tokens":[],"__proto__":{}}', /^the file has an unknown field "__proto__"/],
  ['a token that is no object', file('hp_'), /^token 1 must be an object/],
  [
    'a token with a slip',
    file({ ...good, prefx: 'a/' }),
    /^token 1 has an unknown field "prefx": did you mean prefix\?/,
  ],
  ['a token without a name', file({ ...good, name: undefined }), /^name of token 1 must be a name/],
  [
    'a token without a digest',
    file(good, { ...good, name: 'b', sha256: undefined }),
    /^sha256 of token 2 must be 64/,
  ],
  ['a digest in upper case', file({ ...good, sha256: 'AB'.repeat(32) }), /^sha256 of token 1 must be 64 hex/],
  ['a folder that leads out', file({ ...good, prefix: '../' }), /^prefix of token 1 must be a folder/],
  ['a folder without its end', file({ ...good, prefix: 'a' }), /^prefix of token 1 must end in \/: type a\//],
  ['an empty folder', file({ ...good, prefix: '' }), /^prefix of token 1 must be a folder/],
  ['a folder that is null', file({ ...good, prefix: null }), /^prefix of token 1 must be a folder/],
  ['an end that is a number', file({ ...good, expires: MS }), /^expires of token 1 must be a time in UTC/],
  ['an end that is null', file({ ...good, expires: null }), /^expires of token 1 must be a time in UTC/],
  ['an end in local time', file({ ...good, expires: '2026-11-27T19:30:00' }), /^expires of token 1 must be/],
  [
    'a day that is none',
    file({ ...good, expires: '2026-02-30T00:00:00.000Z' }),
    /^expires of token 1 must be/,
  ],
  ['no time of its making', file({ ...good, created: undefined }), /^created of token 1 must be a time/],
  ['two of a name', file(good, good), /^two tokens have the name a$/],
  [
    'too many',
    file(...Array.from({ length: 1_001 }, (_, i) => ({ ...good, name: `t${i}` }))),
    /more than 1000 tokens/,
  ],
] as const)
  test(`a file with ${what} is refused`, () => {
    assert.throws(() => parseTokens(text), { name: 'RangeError', message });
  });
