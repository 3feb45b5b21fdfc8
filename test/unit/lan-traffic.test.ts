// A copy in the local network over the card of a slow line: 20 Mbit/s, 2,500 bytes a millisecond.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LanTraffic } from '../../src/link/lan-traffic.ts';

const CAPACITY_BITS_PER_SEC = 20e6;
const MBIT = 125;

/** Of `seconds` with own and others' traffic in Mbit/s, what is taken to be on the line in the last one. */
function lastSecond(lan: LanTraffic, seconds: number, ownMbit: number, othersMbit: number): number {
  let onTheLine = 0;
  for (let ms = 0; ms < seconds * 1_000; ms += 50) {
    const own = ownMbit * MBIT * 50;
    const sample = {
      kind: 'sample',
      sentBytes: own + othersMbit * MBIT * 50,
      ownBytes: own,
      intervalMs: 50,
    } as const;
    const seen = lan.onTheLine(sample, own, CAPACITY_BITS_PER_SEC);
    if (ms >= (seconds - 1) * 1_000) onTheLine += seen.sentBytes;
  }
  return onTheLine / MBIT / 1_000;
}

test('believes the counter up to what the line carries, and a little beyond', () => {
  const lan = new LanTraffic();
  for (const others of [0, 5, 10, 13]) {
    assert.equal(Math.round(lastSecond(lan, 10, 10, others)), 10 + others);
    assert.equal(lan.isBeyond, false);
  }
});

test('of a copy that the line cannot carry, takes what others sent before', () => {
  const lan = new LanTraffic();
  lastSecond(lan, 10, 8, 2);
  assert.equal(Math.round(lastSecond(lan, 10, 8, 60)), 10);
  assert.equal(lan.isBeyond, true);
});

test('of a copy that wavers, does not take its begin for the others', () => {
  const lan = new LanTraffic();
  lastSecond(lan, 10, 10, 0);
  lastSecond(lan, 1, 10, 6);
  assert.equal(Math.round(lastSecond(lan, 5, 10, 200)), 10);
  assert.equal(Math.round(lastSecond(lan, 5, 10, 90)), 10);
});

test('believes the counter again when the copy has ended', () => {
  const lan = new LanTraffic();
  lastSecond(lan, 10, 10, 0);
  lastSecond(lan, 10, 10, 60);
  assert.equal(Math.round(lastSecond(lan, 10, 10, 4)), 14);
  assert.equal(lan.isBeyond, false);
});

test('knows of no others where there was a copy from the start', () => {
  const lan = new LanTraffic();
  assert.equal(Math.round(lastSecond(lan, 10, 5, 60)), 5);
});

test('another link has another past', () => {
  const lan = new LanTraffic();
  lastSecond(lan, 10, 5, 60);
  lan.forget();
  assert.equal(lan.isBeyond, false);
});
