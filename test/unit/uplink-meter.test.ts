// What the link's carriers send, added up; and what is said when they cannot be read.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type MeasuredLink, UplinkMeter } from '../../src/link/uplink-meter.ts';
import type { Count } from '../../src/link/wire-bytes.ts';

const SEGMENT = { payloadBytes: 1_448, headerBytes: 66 };
const MBIT = 1_000_000;

function linkOf(...names: string[]): MeasuredLink {
  return {
    name: names.join('+'),
    carriers: names.map((name, index) => ({ name, index })),
    segment: SEGMENT,
    counter: undefined,
    capacityBitsPerSec: 1e12,
  };
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
  const beyond: string[] = [];
  const events = {
    onMeasurable: (problem: string | undefined) => void problems.push(problem),
    onBeyond: () => void beyond.push('told'),
  };
  return { counts, problems, beyond, meter: new UplinkMeter(link, events, read) };
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

test('reads the file that link.counter names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-counter-'));
  const path = join(folder, 'tx_bytes');
  try {
    writeFileSync(path, '1000\n');
    const { meter, problems } = meterOf({ ...linkOf('eth0'), counter: { kind: 'file', path } });
    meter.measure(0, 0);
    writeFileSync(path, '4000\n');
    const sample = meter.measure(50, 1_000);
    assert.equal(sample.kind === 'sample' && sample.sentBytes, 3_000);
    writeFileSync(path, 'eth0: 4000');
    assert.equal(meter.measure(100, 0).kind, 'lost');
    assert.deepEqual(problems, ['cannot read link.counter: the file does not hold a whole number']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('goes by the page that link.counter names, once it has been read', () => {
  const counter = { kind: 'page', url: 'http://router', metric: 'wan', labels: {} } as const;
  const { meter, problems } = meterOf({ ...linkOf('eth0'), counter });
  assert.equal(meter.measure(0, 0).kind, 'none');
  meter.show({ bytes: 1_000 });
  assert.equal(meter.measure(50, 0).kind, 'none');
  meter.show({ bytes: 9_000 });
  const sample = meter.measure(1_050, 2_000);
  assert.equal(sample.kind === 'sample' && sample.sentBytes, 8_000);
  meter.show({ problem: 'http://router: HTTP 503' });
  assert.equal(meter.measure(2_050, 0).kind, 'lost');
  assert.deepEqual(problems, ['cannot read link.counter: http://router: HTTP 503']);
});

test('says once that the card sends more than the line can carry', () => {
  const { meter, counts, beyond } = meterOf({ ...linkOf('eth0'), capacityBitsPerSec: 20e6 });
  for (let ms = 0, bytes = 0; ms < 10_000; ms += 50, bytes += 60 * 125 * 50) {
    counts.eth0 = { bytes, packets: bytes / 1_442 };
    meter.measure(ms, 0);
  }
  assert.deepEqual(beyond, ['told']);
});
