import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uncountedBytes, WireBytes } from '../../src/link/wire-bytes.ts';

const ETHERNET = { payloadBytes: 1_448, headerBytes: 66 };
/** `payload` sent in packets of `pieces` segments each, as a driver counts it that sees the pieces whole. */
function counted(segments: number, perPacket: number) {
  const packets = segments / perPacket;
  return { packets, bytes: segments * 1_448 + packets * 66 };
}

test('a card that counts every segment is believed', () => {
  assert.equal(uncountedBytes({ packets: 1_000, bytes: 1_000 * 1_514 }, ETHERNET), 0);
});

for (const perPacket of [2, 8, 44])
  test(`adds a header for each segment of packets of ${perPacket} segments`, () => {
    const { bytes, packets } = counted(8_800, perPacket);
    const wire = bytes + uncountedBytes({ bytes, packets }, ETHERNET);
    assert.ok(Math.abs(wire / (8_800 * 1_514) - 1) < 0.001, `${wire} of ${8_800 * 1_514}`);
  });

test('adds nothing for small packets, nor for none', () => {
  assert.equal(uncountedBytes({ packets: 10_000, bytes: 660_000 }, ETHERNET), 0);
  assert.equal(uncountedBytes({ packets: 0, bytes: 0 }, ETHERNET), 0);
});

test('is right within half a percent when full packets of others come between', () => {
  const own = counted(4_400, 8);
  const others = { packets: 2_600, bytes: 2_600 * 1_442 };
  const bytes = own.bytes + others.bytes;
  const wire = bytes + uncountedBytes({ bytes, packets: own.packets + others.packets }, ETHERNET);
  const truth = 4_400 * 1_514 + others.bytes;
  assert.ok(Math.abs(wire / truth - 1) < 0.005, `${wire} of ${truth}`);
});

test('adds up from the first reading, and says when the counter was reset', () => {
  const wire = new WireBytes(ETHERNET);
  assert.equal(wire.read({ bytes: 5_000, packets: 10 }), 0);
  assert.equal(wire.read({ bytes: 6_000, packets: 11 }), 1_000);
  assert.equal(wire.read({ bytes: 6_000, packets: 11 }), 1_000);
  assert.equal(wire.read({ bytes: 10, packets: 1 }), undefined);
});
