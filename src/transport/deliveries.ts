// What has arrived of what is being sent: each request's bytes as the kernel takes them, less those
// it still holds. The other side's acknowledgement is the only progress there is on a slow line;
// the kernel takes some hundred KB at once, and then nothing for a long time.
import type { Socket } from 'node:net';
import { type LineDemand, LineRoom } from '../pace/line-room.ts';
import type { LineActivity } from '../pace/slow-line.ts';
import type { Clock } from '../system/clock.ts';
import { connectionOf, type SendQueues } from './send-queues.ts';

export type ReadSendQueues = (sockets: readonly Socket[]) => Promise<SendQueues>;

/** While requests are under way the kernel is asked at least this often … */
const ASK_MS = 1_000;
/** … and not so often that it costs more than a fiftieth of a core. */
const ASK_AFTER_COSTS = 50;
/**
 * The kernel searches its whole table of connections: 5 ms on a large machine, 0.1 s where there
 * are 50,000 …
 */
const FIRST_COST_MS = 5;
/**
 * … and an answer that takes longer than that may only have waited for the processor: it is
 * believed by so much.
 */
const COST_GROWTH = 1.05;
/** An answer that takes longer waits behind something else, a disk that hangs say. */
const ANSWER_MS = 5_000;

/**
 * A request that begins counts as a whole, or for this much of it: the kernel may take it in a
 * moment …
 */
const MOST_RESERVED_BYTES = 262_144;
/**
 * … and for no less than this until it has a connection that is open, or its answer while it is
 * being found out what the line takes: connections cost, too. There are 13 of them at the beginning
 * …
 */
const LEAST_CONNECTING_BYTES = 20_480;
/**
 * … and a request of some bytes tells nothing of the line: until that is known, there are no more
 * of these, however large the room has become.
 */
const TELLS_BYTES = 4_096;
const MOST_AT_FIRST = 13;

/** One request's body on its way, from its first slice to its answer. */
export class Delivery {
  /** What the kernel may take of it in a moment. */
  readonly soonBytes: number;
  /** Taken by the kernel. */
  handedBytes = 0;
  /** As good as taken. */
  reservedBytes: number;
  /** … when it was last asked what it holds. */
  askedAtBytes = 0;
  /** The part of these that arrived at the other side, as far as is known. */
  deliveredBytes = 0;
  socket: Socket | undefined;
  isOver = false;

  constructor(byteLength: number, leastBytes: number) {
    this.soonBytes = Math.min(MOST_RESERVED_BYTES, byteLength);
    this.reservedBytes = Math.max(leastBytes, this.soonBytes);
  }
}

export interface DeliveriesOptions {
  readonly clock: Clock;
  /** Absent where the kernel is not asked: what it takes counts as delivered. */
  readonly read?: ReadSendQueues;
  readonly room?: LineRoom;
  /** Another request may begin that might not before. */
  readonly onRoom?: () => void;
}

const NO_ACTIVITY: LineActivity = { elapsedMs: 0, heldBackMs: 0, refusedMs: 0, deliveredBytes: 0 };

export class Deliveries {
  readonly #clock: Clock;
  readonly #room: LineRoom;
  readonly #onRoom: () => void;
  /** By the signals of the requests. */
  readonly #underWay = new Map<AbortSignal, Delivery>();
  #read: ReadSendQueues | undefined;
  #deliveredBytes = 0;
  #heldBytes = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** What an answer of the kernel costs. */
  #costMs = FIRST_COST_MS;
  #isAsking = false;
  /** Most connections that hold something lead to a side that takes no more now. */
  #isRefused = false;
  #activity: LineActivity = NO_ACTIVITY;
  #tickedAtMs: number | undefined;
  #tickMs = 0;

  constructor({ clock, read, room = new LineRoom(), onRoom = () => undefined }: DeliveriesOptions) {
    this.#clock = clock;
    this.#read = read;
    this.#room = room;
    this.#onRoom = onRoom;
  }

  /** Arrived so far, of all requests. */
  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** What happened since the last call. */
  activity(): LineActivity {
    const activity = this.#activity;
    this.#activity = NO_ACTIVITY;
    return activity;
  }

  get hasRoom(): boolean {
    return this.#heldBytes <= this.#room.bytes;
  }

  /**
   * A request that has so much to send may do so; it is over when its signal aborts. A second call
   * changes nothing.
   */
  begin(request: AbortSignal, byteLength: number): Delivery {
    const before = this.#underWay.get(request);
    if (before !== undefined) return before;
    const isOfFew = !this.#room.isKnown && byteLength < TELLS_BYTES;
    const leastBytes = isOfFew ? this.#room.bytes / (MOST_AT_FIRST - 1) : LEAST_CONNECTING_BYTES;
    const delivery = new Delivery(byteLength, leastBytes);
    this.#underWay.set(request, delivery);
    request.addEventListener('abort', () => this.#end(request, delivery), { once: true });
    this.#heldBytes += heldBytes(delivery);
    return delivery;
  }

  /** The kernel has taken so much more of the request. */
  handed(delivery: Delivery, bytes: number): void {
    if (delivery.isOver) return;
    this.#heldBytes -= heldBytes(delivery);
    delivery.handedBytes += bytes;
    this.#heldBytes += heldBytes(delivery);
    if (this.#read === undefined) this.#delivered(delivery, delivery.handedBytes);
  }

  /** The request has a connection, open or not. */
  connect(delivery: Delivery, socket: Socket): void {
    delivery.socket = socket;
    if (!socket.connecting) return this.#connected(delivery);
    let fromMs = this.#clock.monotonicMs();
    socket.once('lookup', () => {
      fromMs = this.#clock.monotonicMs();
    });
    socket.once('connect', () => {
      this.#room.connected(this.#clock.monotonicMs() - fromMs);
      if (this.#room.isKnown) this.#connected(delivery);
      this.#onRoom();
    });
  }

  #connected(delivery: Delivery): void {
    if (delivery.isOver) return;
    this.#heldBytes -= heldBytes(delivery);
    delivery.reservedBytes = delivery.soonBytes;
    this.#heldBytes += heldBytes(delivery);
  }

  /** The whole request was answered: all of it has arrived. */
  answered(delivery: Delivery): void {
    this.#delivered(delivery, delivery.handedBytes);
  }

  #end(request: AbortSignal, delivery: Delivery): void {
    this.#underWay.delete(request);
    this.#heldBytes -= heldBytes(delivery);
    delivery.isOver = true;
    this.#onRoom();
  }

  /** Call at each tick of the control loop. */
  tick({ isHeldBack, isWaiting }: Omit<LineDemand, 'isHeld'>): void {
    const nowMs = this.#clock.monotonicMs();
    const isHeld = this.#heldBytes > 0;
    this.#room.observe(nowMs, this.#deliveredBytes, { isHeld, isWaiting, isHeldBack });
    const sinceMs = nowMs - (this.#tickedAtMs ?? nowMs);
    this.#tickMs = sinceMs;
    this.#tickedAtMs = nowMs;
    this.#activity = {
      ...this.#activity,
      elapsedMs: this.#activity.elapsedMs + sinceMs,
      heldBackMs: this.#activity.heldBackMs + (isHeldBack ? sinceMs : 0),
      refusedMs: this.#activity.refusedMs + (isHeldBack && this.#isRefused ? sinceMs : 0),
    };
    if (this.#isAsking && nowMs - this.#askedAtMs > ANSWER_MS) this.#assumeDelivered();
    if (this.#heldBytes === 0 || this.#isAsking || this.#read === undefined) return;
    const dueMs = this.#heldBytes > this.#room.bytes / 2 ? 0 : ASK_MS;
    if (nowMs - this.#askedAtMs >= Math.max(dueMs, this.#costMs * ASK_AFTER_COSTS))
      void this.#ask(this.#read, nowMs);
  }

  async #ask(read: ReadSendQueues, nowMs: number): Promise<void> {
    this.#isAsking = true;
    this.#askedAtMs = nowMs;
    const asked = [...this.#underWay.values()].filter(({ socket }) => socket !== undefined);
    for (const delivery of asked) delivery.askedAtBytes = delivery.handedBytes;
    try {
      this.#learn(asked, await read(asked.flatMap(({ socket }) => socket ?? [])));
    } catch {
      // Not Linux, or a sandbox without /proc: what the kernel takes is all that can be known.
      this.#read = undefined;
      this.#assumeDelivered();
    }
    this.#isAsking = false;
    const tookMs = this.#clock.monotonicMs() - nowMs;
    this.#costMs = Math.min(tookMs, Math.max(1, this.#costMs) * COST_GROWTH);
    this.#room.lagged(Math.max(this.#tickMs, this.#costMs * ASK_AFTER_COSTS) + tookMs);
    this.#onRoom();
  }

  #assumeDelivered(): void {
    for (const delivery of this.#underWay.values()) this.#delivered(delivery, delivery.handedBytes);
  }

  #learn(asked: readonly Delivery[], queues: SendQueues): void {
    let [holding, closed] = [0, 0];
    for (const delivery of asked) {
      const name = delivery.socket && connectionOf(delivery.socket);
      const queue = name === undefined ? undefined : queues.get(name);
      // Over meanwhile, or its connection is.
      if (queue === undefined || delivery.isOver) continue;
      if (queue.bytes > 0) holding += 1;
      if (queue.isClosed) closed += 1;
      this.#delivered(delivery, delivery.askedAtBytes - queue.bytes);
    }
    this.#isRefused = closed > holding / 2;
  }

  #delivered(delivery: Delivery, bytes: number): void {
    const more = bytes - delivery.deliveredBytes;
    if (more <= 0 || delivery.isOver) return;
    this.#heldBytes -= heldBytes(delivery);
    delivery.deliveredBytes = bytes;
    this.#heldBytes += heldBytes(delivery);
    this.#deliveredBytes += more;
    this.#activity = {
      ...this.#activity,
      deliveredBytes: this.#activity.deliveredBytes + more,
    };
  }
}

function heldBytes({ handedBytes, reservedBytes, deliveredBytes }: Delivery): number {
  return Math.max(handedBytes, reservedBytes) - deliveredBytes;
}
