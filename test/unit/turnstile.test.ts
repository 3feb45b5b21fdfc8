// However many requests come, they are answered at a bounded pace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turnstile } from '../../src/http/turnstile.ts';
import { SimClock } from '../support/sim-clock.ts';

function flooded(requests: number) {
  const clock = new SimClock();
  const turnstile = new Turnstile(clock);
  const answered: number[] = [];
  for (let at = 0; at < requests; at += 1) turnstile.pass(() => answered.push(at));
  return { clock, turnstile, answered };
}

test('more requests than the burst wait, and are answered in order at the pace', async () => {
  const { clock, answered } = flooded(150);
  assert.equal(answered.length, 100);
  await clock.advance(1_000);
  assert.equal(answered.length, 120);
  await clock.advance(10_000);
  assert.deepEqual(
    answered,
    Array.from({ length: 150 }, (_, at) => at),
  );
});

test('a request that comes while others wait does not pass them', async () => {
  const { clock, turnstile, answered } = flooded(105);
  await clock.advance(60);
  turnstile.pass(() => answered.push(1_000));
  assert.equal(answered.at(-1), 100);
  await clock.advance(1_000);
  assert.deepEqual(answered.slice(-2), [104, 1_000]);
});

test('ten scrapes a second never wait, and an hour of silence earns no more than the burst', async () => {
  const { clock, turnstile, answered } = flooded(100);
  await clock.advance(3_600_000);
  for (let at = 0; at < 101; at += 1) turnstile.pass(() => answered.push(at));
  assert.equal(answered.length, 200);
  await clock.advance(1_000);
  const before = answered.length;
  for (let scrape = 0; scrape < 100; scrape += 1) {
    turnstile.pass(() => answered.push(scrape));
    await clock.advance(100);
  }
  assert.equal(answered.length, before + 100);
});
