import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientPace } from '../../src/ingest/client-pace.ts';

const DEMAND = { windowMs: 20_000, bytesPerSec: 1_024 };

test('a client is slow that sends less than asked in a window of waiting', () => {
  const pace = new ClientPace(DEMAND);
  for (let second = 1; second < 20; second++) assert.equal(pace.isSlow(1_000, 1_023), false);
  assert.equal(pace.remainingMs, 1_000);
  assert.equal(pace.isSlow(1_000, 1_023), true);
});

test('a client that sends as much as asked is never slow, however unevenly', () => {
  const pace = new ClientPace(DEMAND);
  for (let window = 0; window < 10; window++) {
    assert.equal(pace.isSlow(19_999, 0), false);
    assert.equal(pace.isSlow(1, 20_480), false);
  }
});

test('bytes of an earlier window do not count in a later one', () => {
  const pace = new ClientPace(DEMAND);
  assert.equal(pace.isSlow(0, 1e9), false);
  assert.equal(pace.isSlow(20_000, 0), false);
  assert.equal(pace.isSlow(20_000, 0), true);
});

test('bytes for which it was not waited cost no time', () => {
  const pace = new ClientPace(DEMAND);
  for (let chunk = 0; chunk < 1_000; chunk++) assert.equal(pace.isSlow(0, 1), false);
  assert.equal(pace.remainingMs, 20_000);
});
