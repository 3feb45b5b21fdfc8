// A request has the token, or is refused, however it writes it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenGate } from '../../src/http/token-gate.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

for (const [what, authorization, expected] of [
  ['as a Bearer token', `Bearer ${TOKEN}`, true],
  ['in another case of the scheme', `bearer  ${TOKEN} `, true],
  ['as the password of any user', basic(`operator:${TOKEN}`), true],
  ['as the password without a user', basic(`:${TOKEN}`), true],
  ['as a password alone', basic(TOKEN), true],
  ['not at all', undefined, false],
  ['as nothing', '', false],
  ['without a scheme', TOKEN, false],
  ['cut short', `Bearer ${TOKEN.slice(0, -1)}`, false],
  ['with more behind it', `Bearer ${TOKEN}0`, false],
  ['as the user', basic(`${TOKEN}:`), false],
  ['as Digest', `Digest ${TOKEN}`, false],
  ['as an empty Bearer', 'Bearer ', false],
  ['twice', `Bearer ${TOKEN} ${TOKEN}`, false],
] as const)
  test(`the token ${what} is ${expected ? 'accepted' : 'refused'}`, () => {
    assert.equal(new TokenGate(TOKEN).admits(authorization), expected);
  });
