// A line behind the card under a simulated clock, and uploads that go through it: kernel buffers that take what they have
// room for, connections that start slowly and hear a round trip later what has arrived, a bottleneck that serves them in
// turn, and stores that limit each. The shaper, the accounts of what was delivered, the room on the line and the number of
// uploads are the real ones.
import type { Socket } from 'node:net';
import { UploadLimit } from '../../src/drain/upload-limit.ts';
import { LineRoom } from '../../src/pace/line-room.ts';
import { Shaper } from '../../src/pace/shaper.ts';
import { SlowLineFinder } from '../../src/pace/slow-line.ts';
import { Deliveries, type Delivery } from '../../src/transport/deliveries.ts';
import { admit } from './promised-slices.ts';
import { SimClock } from './sim-clock.ts';

const STEP_MS = 10;
const TICK_MS = 50;
const REPORT_MS = 100;
/** What the kernel takes for one connection, until more than half of it may be on its way. */
const KERNEL_BYTES = 150_000;
/** Ten segments; see RFC 6928. */
const FIRST_WINDOW_BYTES = 14_480;
const MOST_WINDOW_BYTES = 2_097_152;

export interface SimLineOptions {
  readonly budgetBytesPerSec: number;
  /** What the line takes at a time; and each connection alone at most. */
  readonly lineBytesPerSec: (nowMs: number) => number;
  readonly connectionBytesPerSec?: number;
  readonly roundTripMs: number;
  readonly fileBytes: number;
}

/** One request's connection. */
interface Connection {
  readonly port: number;
  /** Not acknowledged: not yet sent, or on its way. */
  heldBytes: number;
  onItsWayBytes: number;
  /** Most that may be on its way. */
  windowBytes: number;
  onRoom: (() => void) | undefined;
}

interface Acknowledgement {
  readonly atMs: number;
  readonly connection: Connection;
  readonly bytes: number;
}

export class SimLine {
  readonly clock = new SimClock();
  readonly slowLine = new SlowLineFinder();
  readonly limit = new UploadLimit({ concurrency: 'auto', maxConcurrency: 256 });
  readonly #options: SimLineOptions;
  readonly #shaper: Shaper;
  readonly #deliveries: Deliveries;
  readonly #room = new LineRoom();
  readonly #connections = new Set<Connection>();
  /** On their way back, in order. */
  readonly #acknowledgements: Acknowledgement[] = [];
  #lastPort = 0;
  #active = 0;
  carriedBytes = 0;
  storedBytes = 0;
  /** Most connections at a time since it was last set. */
  mostConnections = 0;

  constructor(options: SimLineOptions) {
    this.#options = options;
    const { clock } = this;
    this.#shaper = new Shaper(clock, options.budgetBytesPerSec);
    this.#deliveries = new Deliveries({
      clock,
      room: this.#room,
      read: async (sockets) => this.#queues(sockets),
      onRoom: () => this.#shaper.roomChanged(),
    });
    this.#shaper.hasRoom = () => this.#deliveries.hasRoom;
  }

  async run(ms: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + ms;
    while (this.clock.monotonicMs() < untilMs) {
      const nowMs = this.clock.monotonicMs();
      if (nowMs % TICK_MS === 0)
        this.#deliveries.tick({ isHeldBack: this.#shaper.isHeldBack, isWaiting: this.#shaper.isWaiting });
      if (nowMs % REPORT_MS === 0) this.#report();
      while (this.#active < this.limit.current) void this.#upload();
      await this.clock.advance(STEP_MS);
      this.#carry(this.clock.monotonicMs());
    }
  }

  #report(): void {
    const demand = { active: this.#active, workWaiting: true, busyShare: 0 };
    this.limit.observe(this.#shaper.activity(), REPORT_MS, demand);
    this.slowLine.observe(this.#deliveries.activity(), this.#options.budgetBytesPerSec, 0);
  }

  #queues(sockets: readonly Socket[]) {
    const held = new Map([...this.#connections].map(({ port, heldBytes }) => [port, heldBytes]));
    return new Map(
      sockets.map(({ localPort = 0 }) => [
        `${localPort} 1`,
        { bytes: held.get(localPort) ?? 0, isClosed: false },
      ]),
    );
  }

  async #upload(): Promise<void> {
    this.#active += 1;
    const { fileBytes, roundTripMs } = this.#options;
    const stop = new AbortController();
    const slice = () => Math.min(this.#shaper.sliceBytes(), fileBytes);
    let delivery: Delivery | undefined;
    await admit(this.#shaper, slice(), stop.signal, fileBytes, () => {
      delivery ??= this.#deliveries.begin(fileBytes);
    });
    if (delivery === undefined) throw new Error('a request begins with its first slice');
    await this.clock.sleep(roundTripMs);
    this.#room.connected(roundTripMs);
    this.#lastPort += 1;
    const connection = {
      ...{ port: this.#lastPort, heldBytes: 0, onItsWayBytes: 0, windowBytes: FIRST_WINDOW_BYTES },
      onRoom: undefined,
    };
    const socket = { localPort: connection.port, remotePort: 1, connecting: false } as Socket;
    this.#deliveries.connect(delivery, socket);
    this.#connections.add(connection);
    this.mostConnections = Math.max(this.mostConnections, this.#connections.size);
    await this.#send(connection, delivery, stop.signal, slice());
    while (connection.heldBytes > 0) await this.clock.sleep(STEP_MS);
    this.#connections.delete(connection);
    this.storedBytes += fileBytes;
    this.#deliveries.answered(delivery);
    this.#deliveries.end(delivery);
    stop.abort();
    this.#active -= 1;
  }

  async #send(
    connection: Connection,
    delivery: Delivery,
    signal: AbortSignal,
    firstBytes: number,
  ): Promise<void> {
    let leftBytes = this.#options.fileBytes;
    for (let bytes = firstBytes; ; bytes = Math.min(this.#shaper.sliceBytes(), leftBytes)) {
      if (leftBytes < this.#options.fileBytes) await admit(this.#shaper, bytes, signal, leftBytes);
      while (connection.heldBytes >= takenBytes(connection))
        await new Promise<void>((resolve) => {
          connection.onRoom = resolve;
        });
      connection.heldBytes += bytes;
      leftBytes -= bytes;
      this.#deliveries.handed(delivery, bytes);
      if (leftBytes === 0) return;
    }
  }

  /** What the line takes in one step: an equal part from each, and what one does not need from the others. */
  #carry(nowMs: number): void {
    this.#acknowledge(nowMs);
    const { lineBytesPerSec, connectionBytesPerSec = Number.POSITIVE_INFINITY, roundTripMs } = this.#options;
    let leftBytes = (lineBytesPerSec(nowMs) * STEP_MS) / 1000;
    const mostEach = (connectionBytesPerSec * STEP_MS) / 1000;
    // First those that need least: they leave the most to the others.
    const all = [...this.#connections].sort((one, other) => sendableBytes(one) - sendableBytes(other));
    for (const [at, connection] of all.entries()) {
      const bytes = Math.min(sendableBytes(connection), mostEach, leftBytes / (all.length - at));
      if (bytes <= 0) continue;
      connection.onItsWayBytes += bytes;
      leftBytes -= bytes;
      this.carriedBytes += bytes;
      this.#acknowledgements.push({ atMs: nowMs + roundTripMs, connection, bytes });
    }
  }

  #acknowledge(nowMs: number): void {
    for (let next = this.#acknowledgements[0]; next !== undefined && next.atMs <= nowMs; ) {
      const { connection, bytes } = next;
      // It grows only where it is what limits the connection.
      const isFull = connection.onItsWayBytes > connection.windowBytes / 2;
      if (isFull) connection.windowBytes = Math.min(MOST_WINDOW_BYTES, connection.windowBytes + bytes);
      connection.onItsWayBytes -= bytes;
      connection.heldBytes = connection.heldBytes - bytes < 1 ? 0 : connection.heldBytes - bytes;
      if (connection.heldBytes < takenBytes(connection)) connection.onRoom?.();
      this.#acknowledgements.shift();
      next = this.#acknowledgements[0];
    }
  }
}

/** Held by the kernel at most. */
function takenBytes({ windowBytes }: Connection): number {
  return Math.max(KERNEL_BYTES, 2 * windowBytes);
}

function sendableBytes({ heldBytes, onItsWayBytes, windowBytes }: Connection): number {
  return Math.min(heldBytes, windowBytes) - onItsWayBytes;
}
