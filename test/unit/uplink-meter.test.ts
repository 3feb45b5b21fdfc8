// What the link's carriers send, added up; and what is said when they cannot be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MeasuredLink, UplinkMeter } from '../../src/link/uplink-meter.ts';
import type { Count } from '../../src/link/wire-bytes.ts';

const SEGMENT = { payloadBytes: 1_448, headerBytes: 66 };
const MBIT = 1_000_000;

function linkOf(...names: string[]): MeasuredLink {
  return { name: names.join('+'), carriers: names.map((name, index) => ({ name, index })), segment: SEGMENT };
}

function meterOf(link: MeasuredLink) {
  const counts: Record<string, Count> = {
    eth0: { bytes: 1_000, packets: 1 },
    eth1: { bytes: 70_000, packets: 50 },
  };
  const problems: (string | undefined)[] = [];
  const read = (name: string): Count => {
    const count = counts[name];
    if (count === undefined) throw new Error(`no ${name}`);
    return count;
  };
  return { counts, problems, meter: new UplinkMeter(link, (problem) => problems.push(problem), read) };
}

test('measures what the interface sends', () => {
  const { meter, counts } = meterOf(linkOf('eth0'));
  assert.equal(meter.measure(0, 0).kind, 'none');
  counts.eth0 = { bytes: 4_000, packets: 4 };
  assert.deepEqual(meter.measure(50, 1_000), {
    kind: 'sample',
    sentBytes: 3_000,
    ownBytes: 1_000,
    intervalMs: 50,
  });
});

test('adds up what several carry', () => {
  const { meter, counts } = meterOf(linkOf('eth0', 'eth1'));
  meter.measure(0, 0);
  counts.eth0 = { bytes: 2_000, packets: 2 };
  counts.eth1 = { bytes: 75_000, packets: 54 };
  const sample = meter.measure(50, 0);
  assert.equal(sample.kind === 'sample' && sample.sentBytes, 6_000);
});

test('adds the headers that a card of software does not count', () => {
  const { meter, counts } = meterOf(linkOf('eth0'));
  meter.measure(0, 0);
  counts.eth0 = { bytes: 1_000 + 100 * (8 * 1_448 + 66), packets: 101 };
  const sample = meter.measure(50, 0);
  assert.equal(sample.kind === 'sample' && Math.round(sample.sentBytes), 800 * 1_514);
});

test('counts what a tunnel adds to our packets as ours', () => {
  const { meter, counts } = meterOf({
    ...linkOf('eth0'),
    segment: { payloadBytes: 1_368, headerBytes: 126 },
  });
  meter.measure(0, 0);
  counts.eth0 = { bytes: 1_000 + 10 * 1_494, packets: 11 };
  const sample = meter.measure(50, 10 * 1_368);
  const ownWireBytes = sample.kind === 'sample' ? sample.ownBytes * (1 + 66 / 1_448) : 0;
  assert.ok(Math.abs(ownWireBytes - 10 * 1_494) < 1, `${ownWireBytes}`);
});

test('says once that the interface is gone, and once that it is back', () => {
  const { meter, counts, problems } = meterOf(linkOf('eth0'));
  meter.measure(0, 0);
  delete counts.eth0;
  assert.equal(meter.measure(50, 0).kind, 'lost');
  assert.equal(meter.measure(100, 0).kind, 'lost');
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /cannot read the counter of eth0/);
  counts.eth0 = { bytes: 10, packets: 1 };
  assert.equal(meter.measure(6_050, 0).kind, 'none'); // made anew: its counter starts over
  assert.equal(meter.measure(6_100, 0).kind, 'sample');
  assert.deepEqual(problems.slice(1), [undefined]);
});

test('reports a counter that does not move while we send', () => {
  const { meter, problems } = meterOf(linkOf('eth0'));
  meter.measure(0, 0);
  const kinds = [1_000, 2_000, 3_000].map((atMs) => meter.measure(atMs, MBIT).kind);
  assert.deepEqual(kinds, ['none', 'none', 'lost']);
  assert.match(problems[0] ?? '', /stands still/);
});

test('no sample spans two links, nor an interface before and after it was made anew', () => {
  const { meter, counts } = meterOf(linkOf('eth0'));
  meter.measure(0, 0);
  meter.follow(linkOf('eth1'));
  assert.equal(meter.measure(50, 0).kind, 'none');
  assert.equal(meter.measure(100, 0).kind, 'sample');
  counts.eth1 = { bytes: 1e12, packets: 1e9 };
  meter.follow({ ...linkOf('eth1'), carriers: [{ name: 'eth1', index: 9 }] });
  assert.equal(meter.measure(150, 0).kind, 'none');
});

test('goes on where nothing but the capacity changed', () => {
  const { meter } = meterOf(linkOf('eth0'));
  meter.measure(0, 0);
  meter.follow(linkOf('eth0'));
  assert.equal(meter.measure(50, 0).kind, 'sample');
});

test('gives no sample when one of several counters was reset', () => {
  const { meter, counts } = meterOf(linkOf('eth0', 'eth1'));
  meter.measure(0, 0);
  counts.eth1 = { bytes: 0, packets: 0 };
  assert.equal(meter.measure(50, 0).kind, 'none');
  counts.eth1 = { bytes: 500, packets: 1 };
  const sample = meter.measure(100, 0);
  assert.equal(sample.kind === 'sample' && sample.sentBytes, 500);
});
