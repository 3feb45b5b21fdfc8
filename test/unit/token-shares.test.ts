// How many uploads of one token are let in beside those of others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenShares } from '../../src/ingest/token-shares.ts';

const token = (name: string, isOnly = false) => ({ name, isOnly });

test('one token gets at most half of the places, rounded up, while another is valid', () => {
  const shares = new TokenShares();
  const release = shares.take(token('a'), 5);
  for (let n = 1; n < 3; n++) shares.take(token('a'), 5);
  assert.throws(() => shares.take(token('a'), 5), /3 uploads of this token are under way/);
  shares.take(token('b'), 5);
  release();
  shares.take(token('a'), 5);
  assert.throws(() => shares.take(token('a'), 5), { kind: 'busy' });
  new TokenShares().take(token('a'), 1);
});

test('the only valid token gets all places', () => {
  const shares = new TokenShares();
  for (let n = 0; n < 8; n++) shares.take(token('a', true), 8);
});
