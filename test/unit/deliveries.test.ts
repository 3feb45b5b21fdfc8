import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { LineRoom } from '../../src/pace/line-room.ts';
import { Deliveries } from '../../src/transport/deliveries.ts';
import type { SendQueues } from '../../src/transport/send-queues.ts';
import { SimClock } from '../support/sim-clock.ts';

/** Deliveries that ask a kernel which holds what a test says, by local port. */
function world(read?: () => Promise<SendQueues>) {
  const clock = new SimClock();
  const held = new Map<number, number>();
  const seen = { asked: 0, room: 0 };
  const ofKernel = async (sockets: readonly Socket[]) => {
    seen.asked += 1;
    return new Map(
      sockets.map(({ localPort = 0 }) => [
        `${localPort} 9000`,
        { bytes: held.get(localPort) ?? 0, isClosed: false },
      ]),
    );
  };
  const onRoom = () => {
    seen.room += 1;
  };
  const deliveries = new Deliveries({ clock, room: new LineRoom(), read: read ?? ofKernel, onRoom });
  let port = 1_000;
  const begin = (bytes: number) => {
    port += 1;
    const delivery = deliveries.begin(bytes);
    deliveries.connect(delivery, socketAt(port));
    const end = () => deliveries.end(delivery);
    return { end, delivery, port };
  };
  /** A tick of the control loop after `ms`. */
  const tick = async (ms = 50) => {
    await clock.advance(ms);
    deliveries.tick({ isHeldBack: false, isWaiting: false });
    await clock.advance(0);
  };
  return { clock, held, seen, deliveries, begin, tick };
}

function socketAt(localPort: number, connecting = false): Socket {
  return Object.assign(new EventEmitter(), { localPort, remotePort: 9_000, connecting }) as unknown as Socket;
}

test('what the kernel has taken is delivered only when the other side has acknowledged it', async () => {
  const { held, deliveries, begin, tick } = world();
  const { delivery, port } = begin(200_000);
  deliveries.handed(delivery, 150_000);
  held.set(port, 120_000);
  await tick();
  assert.equal(delivery.deliveredBytes, 30_000);
  held.set(port, 20_000);
  await tick(1_000);
  assert.equal(delivery.deliveredBytes, 130_000);
  assert.equal(deliveries.deliveredBytes, 130_000);
});

test('an answer to the whole request says that all of it was delivered', () => {
  const { deliveries, begin } = world();
  const { delivery, end } = begin(200_000);
  deliveries.handed(delivery, 200_000);
  deliveries.answered(delivery);
  end();
  assert.equal(deliveries.deliveredBytes, 200_000);
});

test('a request that begins takes room at once, before its connection is open', () => {
  const { deliveries, begin } = world();
  begin(200_000);
  assert.equal(deliveries.hasRoom, true);
  begin(200_000);
  assert.equal(deliveries.hasRoom, false);
});

test('a request that is broken off gives its room back, and says so', () => {
  const { deliveries, begin, seen } = world();
  const first = begin(200_000);
  begin(200_000);
  const before = seen.room;
  first.end();
  assert.equal(deliveries.hasRoom, true);
  assert.equal(seen.room, before + 1);
  deliveries.handed(first.delivery, 900_000); // what the kernel says afterwards changes nothing
  assert.equal(deliveries.hasRoom, true);
});

function connecting(room: LineRoom) {
  const deliveries = new Deliveries({ clock: new SimClock(), room });
  let connections = 0;
  for (; deliveries.hasRoom; connections += 1) {
    const delivery = deliveries.begin(600);
    const socket = socketAt(connections, true);
    deliveries.connect(delivery, socket);
    socket.emit('connect');
  }
  return connections;
}

test('at the beginning 13 connections are opened at once, whatever their requests', () => {
  assert.equal(connecting(new LineRoom()), 13);
});

test('requests that begin in one moment open no more connections than those that begin one after the other', () => {
  // Regression: 30 of some bytes began at once on a line of 2 Mbit/s, and none counted before its connection opened.
  const deliveries = new Deliveries({ clock: new SimClock(), room: new LineRoom() });
  let begun = 0;
  for (; deliveries.hasRoom && begun < 100; begun += 1) deliveries.begin(600);
  assert.equal(begun, 13);
});

test('a request that finds an open connection takes no more room than it has bytes', () => {
  const deliveries = new Deliveries({ clock: new SimClock(), room: new LineRoom() });
  for (let port = 1; port <= 40; port += 1) deliveries.connect(deliveries.begin(600), socketAt(port));
  assert.equal(deliveries.hasRoom, true);
});

test('a connection that opens takes room, whatever its request, until it is open', () => {
  const room = new LineRoom();
  for (let nowMs = 0; nowMs <= 5_000; nowMs += 50)
    room.observe(nowMs, nowMs * 1_000, { isHeld: true, isWaiting: true, isHeldBack: false });
  const deliveries = new Deliveries({ clock: new SimClock(), room });
  const sockets = Array.from({ length: 40 }, (_, at) => {
    const delivery = deliveries.begin(600);
    const socket = socketAt(at, true);
    deliveries.connect(delivery, socket);
    return socket;
  });
  assert.equal(deliveries.hasRoom, false);
  for (const socket of sockets) socket.emit('connect');
  assert.equal(deliveries.hasRoom, true);
});

test('it does until its answer is there while it is being found out what the line takes', () => {
  // Regression: on a line of 1 Mbit/s 32 connections were opened in the first seconds, one for each small request.
  const room = new LineRoom();
  for (let nowMs = 0; nowMs <= 1_000; nowMs += 50)
    room.observe(nowMs, nowMs * 125, { isHeld: true, isWaiting: true, isHeldBack: false });
  room.lagged(1_000);
  assert.ok(room.bytes > 340_000, `${room.bytes}`);
  assert.equal(connecting(room), 13);
});

test('the kernel is asked at each tick while there is little room, else once a second, and never when nothing is held', async () => {
  const { held, seen, deliveries, begin, tick } = world();
  await tick(5_000);
  assert.equal(seen.asked, 0);
  const { delivery, port } = begin(100_000);
  deliveries.handed(delivery, 100_000);
  held.set(port, 20_000);
  for (let ticks = 0; ticks < 40; ticks += 1) await tick();
  assert.equal(seen.asked, 2);
  begin(200_000);
  for (let ticks = 0; ticks < 10; ticks += 1) await tick();
  assert.equal(seen.asked, 12);
});

/** A kernel that is asked all the time, and takes so long for each answer. */
async function askedIn(seconds: number, tookMs: (asked: number) => number) {
  let asked = 0;
  const { clock, begin, tick } = world(async () => {
    asked += 1;
    await clock.sleep(tookMs(asked));
    return new Map();
  });
  begin(200_000);
  begin(200_000);
  for (let ticks = 0; ticks < seconds * 20; ticks += 1) await tick();
  return asked;
}

test('a long table is read more rarely: one that takes 0.1 s every five seconds', async () => {
  const long = () => 100;
  assert.equal((await askedIn(240, long)) - (await askedIn(200, long)), 8);
});

test('answers that mostly wait for the processor put off the next ones little, as long as one in twenty is quick', async () => {
  const asked = await askedIn(60, (at) => (at % 20 === 0 ? 5 : 60));
  assert.ok(asked >= 120, `${asked}`);
});

test('an answer that once waited for the processor for long does not put off the next ones', async () => {
  const asked = (await askedIn(20, () => 2)) - (await askedIn(20, (at) => (at === 100 ? 400 : 2)));
  // 0.4 s in which it would have been asked every 0.15.
  assert.equal(asked, 3);
});

test('where the kernel does not tell, what it takes counts as delivered', async () => {
  const { deliveries, begin, tick } = world(() => Promise.reject(new Error('ENOENT')));
  const { delivery } = begin(500_000);
  deliveries.handed(delivery, 400_000);
  await tick();
  assert.equal(delivery.deliveredBytes, 400_000);
  deliveries.handed(delivery, 100_000);
  assert.equal(delivery.deliveredBytes, 500_000);
});

test('so it does while an answer of the kernel does not come', async () => {
  const { deliveries, begin, tick } = world(() => new Promise(() => undefined));
  const { delivery } = begin(500_000);
  deliveries.handed(delivery, 400_000);
  await tick();
  await tick(5_000);
  assert.equal(delivery.deliveredBytes, 0);
  await tick();
  assert.equal(delivery.deliveredBytes, 400_000);
});

test('the kernel is not asked about a request that is over', async () => {
  const asked: (number | undefined)[] = [];
  const clock = new SimClock();
  const read = async (sockets: readonly Socket[]) => {
    asked.push(...sockets.map(({ localPort }) => localPort));
    return new Map();
  };
  const deliveries = new Deliveries({ clock, read, room: new LineRoom() });
  const begun = [1, 2].map((port) => {
    const delivery = deliveries.begin(200_000);
    deliveries.connect(delivery, socketAt(port));
    return delivery;
  });
  if (begun[0] !== undefined) deliveries.end(begun[0]);
  await clock.advance(50);
  deliveries.tick({ isHeldBack: false, isWaiting: false });
  assert.deepEqual(asked, [2]);
});

test('a connection that opens after its request is over gives no room', () => {
  const known = () => {
    const room = new LineRoom();
    for (let nowMs = 0; nowMs <= 5_000; nowMs += 50)
      room.observe(nowMs, nowMs * 1_000, { isHeld: true, isWaiting: true, isHeldBack: false });
    return new Deliveries({ clock: new SimClock(), room });
  };
  const takes = (deliveries: Deliveries) => {
    let begun = 0;
    for (; deliveries.hasRoom; begun += 1) deliveries.begin(10_000);
    return begun;
  };
  const late = known();
  for (let port = 1; port <= 40; port += 1) {
    const socket = socketAt(port, true);
    const delivery = late.begin(600);
    late.connect(delivery, socket);
    late.end(delivery);
    socket.emit('connect');
  }
  assert.equal(takes(late), takes(known()));
});

test('an answer of the kernel is about what it had taken when it was asked, and may give room', async () => {
  let answer: (queues: SendQueues) => void = () => undefined;
  const { clock, seen, deliveries, begin, tick } = world(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const { delivery, port } = begin(200_000);
  deliveries.handed(delivery, 100_000);
  await tick();
  deliveries.handed(delivery, 100_000);
  const before = seen.room;
  answer(new Map([[`${port} 9000`, { bytes: 0, isClosed: false }]]));
  await clock.advance(0);
  assert.equal(delivery.deliveredBytes, 100_000);
  assert.equal(seen.room, before + 1);
});

test('what happened is told once', async () => {
  const { deliveries, tick } = world();
  await tick();
  await tick();
  assert.equal(deliveries.activity().elapsedMs, 50);
  assert.equal(deliveries.activity().elapsedMs, 0);
});

test('how long a connection took to open does not count the look-up of its name', async () => {
  const tookMs: number[] = [];
  class HeardRoom extends LineRoom {
    override connected(ms: number): void {
      tookMs.push(ms);
    }
  }
  const clock = new SimClock();
  const deliveries = new Deliveries({ clock, room: new HeardRoom() });
  const socket = socketAt(1, true);
  deliveries.connect(deliveries.begin(600), socket);
  await clock.advance(500);
  socket.emit('lookup');
  await clock.advance(30);
  socket.emit('connect');
  assert.deepEqual(tookMs, [30]);
});

for (const { closed, refusedMs } of [
  { closed: 1, refusedMs: 0 },
  { closed: 2, refusedMs: 50 },
])
  test(`with ${closed} of two connections closed by the other side, the line is held back by it for ${refusedMs} ms`, async () => {
    const clock = new SimClock();
    const read = async () =>
      new Map([1, 2].map((at) => [`${at} 9000`, { bytes: 9, isClosed: at <= closed }]));
    const deliveries = new Deliveries({ clock, read, room: new LineRoom() });
    for (const port of [1, 2]) deliveries.connect(deliveries.begin(200_000), socketAt(port));
    for (let turn = 0; turn < 3; turn += 1) {
      await clock.advance(turn === 2 ? 50 : 1_000);
      if (turn === 2) deliveries.activity();
      deliveries.tick({ isHeldBack: true, isWaiting: true });
      await clock.advance(0);
    }
    assert.equal(deliveries.activity().refusedMs, refusedMs);
  });
