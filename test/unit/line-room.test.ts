import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineRoom } from '../../src/pace/line-room.ts';
import { RoomTrial } from '../../src/pace/room-trial.ts';

const TICK_MS = 50;
/** Requests wait for tokens. */
const BUSY = { isHeld: true, isWaiting: true, isHeldBack: false };

/** A room that sees a line of so many bytes a second. */
function seen({ rate = 0, ms = 10_000, roundTripMs = 0, room = new LineRoom() }) {
  if (roundTripMs > 0) room.connected(roundTripMs);
  for (let nowMs = 0; nowMs <= ms; nowMs += TICK_MS) room.observe(nowMs, (rate * nowMs) / 1000, BUSY);
  return room;
}

describe('the room on the line', () => {
  it('is for a quarter of a second of what the line takes', () => {
    assert.equal(seen({ rate: 1_000_000 }).bytes, 250_000);
  });

  it('is for eight round trips more, as long as the shortest connection took to open', () => {
    const room = seen({ rate: 1_000_000, roundTripMs: 200 });
    assert.equal(room.bytes, 1_850_000);
    room.connected(300);
    assert.equal(room.bytes, 1_850_000);
    room.connected(100);
    assert.equal(room.bytes, 1_050_000);
  });

  it('is for twice the lag more by which it is known what is held: on a busy machine half a second, say', () => {
    const room = seen({ rate: 1_000_000 });
    room.lagged(500);
    assert.equal(room.bytes, 1_250_000);
    for (let answers = 0; answers < 100; answers += 1) room.lagged(50);
    assert.equal(room.bytes, 350_000);
  });

  it('takes round trips of more than a second for queues', () => {
    assert.equal(seen({ rate: 1_000_000, roundTripMs: 5_000 }).bytes, 6_000_000);
  });

  it('is 64 KiB at least, and 256 KiB while nothing is known of the line', () => {
    assert.equal(new LineRoom().bytes, 262_144);
    assert.equal(seen({ rate: 31_250 }).bytes, 65_536);
  });

  it('is three times as large at the start, until the line takes no more than before for three seconds', () => {
    assert.equal(seen({ rate: 1_000_000, ms: 3_000 }).bytes, 750_000);
    assert.equal(seen({ rate: 1_000_000, ms: 3_500 }).bytes, 250_000);
    // Twice as much from second to second.
    const room = new LineRoom();
    for (let nowMs = 0; nowMs <= 8_000; nowMs += TICK_MS)
      room.observe(nowMs, 1_000 * 2 ** (nowMs / 1000), BUSY);
    assert.ok(room.bytes > room.rateBytesPerSec * 0.7, `${room.bytes}`);
  });

  it('stays so for eight round trips where they take longer', () => {
    const room = seen({ rate: 1_000_000, ms: 4_500, roundTripMs: 600 });
    assert.equal(room.bytes, 3 * 5_050_000);
  });

  it('follows a line that has become slower within four seconds, and a faster one within two', () => {
    const room = seen({ rate: 12_500_000 });
    let delivered = 125_000_000;
    const run = (rate: number, fromMs: number, ms: number) => {
      for (let passed = TICK_MS; passed <= ms; passed += TICK_MS) {
        delivered += (rate * TICK_MS) / 1000;
        room.observe(fromMs + passed, delivered, BUSY);
      }
    };
    run(600_000, 10_000, 4_100);
    assert.ok(Math.abs(room.rateBytesPerSec - 600_000) < 10_000, `${room.rateBytesPerSec}`);
    run(6_000_000, 14_100, 2_000);
    assert.ok(Math.abs(room.rateBytesPerSec - 6_000_000) < 100_000, `${room.rateBytesPerSec}`);
  });

  it('learns nothing from a time with nothing to take', () => {
    const room = seen({ rate: 1_000_000 });
    for (let nowMs = 10_050; nowMs < 60_000; nowMs += TICK_MS)
      room.observe(nowMs, 10_000_000, { ...BUSY, isHeld: false });
    assert.equal(room.rateBytesPerSec, 1_000_000);
  });
});

/** A line on which requests are held back all the time, and that takes what `rateAt` says for a factor. */
function tried(rateAt: (factor: number) => number, seconds: number, isHeldBack = true) {
  const trial = new RoomTrial();
  const factors: number[] = [];
  let delivered = 0;
  for (let nowMs = 0; nowMs <= seconds * 1000; nowMs += TICK_MS) {
    delivered += (rateAt(trial.factor) * TICK_MS) / 1000;
    trial.observe(nowMs, delivered, isHeldBack);
    if (trial.factor !== factors.at(-1)) factors.push(trial.factor);
  }
  return { factors, factor: trial.factor };
}

describe('the trial of more room', () => {
  it('goes back when the line does not take more, and is tried ever more rarely', () => {
    const { factors } = tried(() => 187_500, 200);
    assert.deepEqual(factors, [1, 2, 1, 2, 1, 2, 1]);
  });

  it('takes no start in which little was sent for a line that took little', () => {
    const trial = new RoomTrial();
    let delivered = 0;
    for (let nowMs = 0; nowMs <= 15_000; nowMs += TICK_MS) {
      const isSending = nowMs > 2_000;
      if (isSending) delivered += (187_500 * TICK_MS) / 1000;
      trial.observe(nowMs, delivered, isSending);
    }
    assert.equal(trial.factor, 1);
  });

  it('doubles as long as the line takes more: a store that limits each connection', () => {
    const { factor } = tried((times) => 100_000 * Math.min(times, 16), 60);
    assert.equal(factor, 16);
  });

  it('finds out anew after ten minutes what was worth it then', () => {
    let most = 16;
    const { factor } = tried((times) => 100_000 * Math.min(times, most), 60);
    assert.equal(factor, 16);
    most = 1;
    assert.equal(tried((times) => 100_000 * Math.min(times, 1), 700).factor, 1);
  });

  it('tries nothing while no request is held back', () => {
    assert.deepEqual(tried(() => 187_500, 240, false).factors, [1]);
  });
});
