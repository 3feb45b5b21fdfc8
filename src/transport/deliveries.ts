// Tracks how much of what is being sent has arrived. On a slow line, the other side's
// acknowledgement is the only sign of progress: the kernel accepts some hundred KB at once, and
// then nothing for a long time.
import type { Socket } from 'node:net';
import { type LineDemand, LineRoom } from '../pace/line-room.ts';
import type { LineActivity } from '../pace/slow-line.ts';
import type { Clock } from '../system/clock.ts';
import { connectionOf, type SendQueues } from './send-queues.ts';

export type ReadSendQueues = (sockets: readonly Socket[]) => Promise<SendQueues>;

/** While requests are in flight, the kernel is asked at least this often. */
const ASK_MS = 1_000;
/**
 * Each answer is followed by a pause of this many times its cost, so that asking takes at most a
 * fiftieth of a core.
 */
const ASK_AFTER_COSTS = 50;
/**
 * The cost assumed at first. The kernel searches its whole table of connections: 5 ms on a large
 * machine, 0.1 s with 50,000 connections.
 */
const FIRST_COST_MS = 5;
/**
 * An answer that takes longer than expected may only have waited for the processor. So the expected
 * cost grows by at most this factor with each answer.
 */
const COST_GROWTH = 1.05;
/** An answer that takes longer is stuck behind something else, for example a disk that hangs. */
const ANSWER_MS = 5_000;

/**
 * A request that begins counts as held with its size, or at most this much, because the kernel may
 * accept that in a moment.
 */
const RESERVED_BYTES_MAX = 262_144;
/**
 * Until a request has an open connection, it counts as at least this much, because connections cost
 * bandwidth too. While the line's capacity for requests is being found out, it counts so until its
 * answer. 13 such requests fit into the room at first.
 */
const CONNECTING_BYTES_MIN = 20_480;
/**
 * A request of fewer bytes says nothing about the line. Until the line is known, only
 * `FIRST_REQUESTS_MAX` such requests run, however large the room has become.
 */
const TELLS_BYTES = 4_096;
const FIRST_REQUESTS_MAX = 13;

/** One request's body, from its first slice to its answer. */
export class Delivery {
  /** How much of it the kernel may accept in a moment. */
  readonly soonBytes: number;
  /** Bytes that the kernel has accepted. */
  handedBytes = 0;
  /** Bytes that count as accepted from the beginning. */
  reservedBytes: number;
  /** `handedBytes` when the kernel was last asked. */
  askedAtBytes = 0;
  /** Bytes that have arrived at the other side, as far as is known. */
  deliveredBytes = 0;
  socket: Socket | undefined;
  isOver = false;

  constructor(byteLength: number, leastBytes: number) {
    this.soonBytes = Math.min(RESERVED_BYTES_MAX, byteLength);
    this.reservedBytes = Math.max(leastBytes, this.soonBytes);
  }
}

export interface DeliveriesOptions {
  readonly clock: Clock;
  /** Reads what the kernel holds. Without it, what the kernel accepts counts as delivered. */
  readonly read?: ReadSendQueues;
  readonly room?: LineRoom;
  /** Called when another request may begin. */
  readonly onRoom?: () => void;
}

const noActivity = () => ({ elapsedMs: 0, heldBackMs: 0, refusedMs: 0, deliveredBytes: 0 });

/**
 * Counts for each request the bytes that the kernel has accepted, minus those that it still holds.
 * From that it decides whether the line has room for another request. Monotonic clock.
 * If the kernel does not answer, what it accepts counts as delivered. Nothing rejects.
 */
export class Deliveries {
  readonly #clock: Clock;
  readonly #room: LineRoom;
  readonly #onRoom: () => void;
  readonly #underWay = new Set<Delivery>();
  #read: ReadSendQueues | undefined;
  #deliveredBytes = 0;
  #heldBytes = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** How long an answer of the kernel takes. */
  #costMs = FIRST_COST_MS;
  #isAsking = false;
  /** True if most connections that hold bytes lead to a side that currently accepts none. */
  #isRefused = false;
  #activity = noActivity();
  #tickedAtMs: number | undefined;
  #tickMs = 0;

  constructor({ clock, read, room = new LineRoom(), onRoom = () => undefined }: DeliveriesOptions) {
    this.#clock = clock;
    this.#read = read;
    this.#room = room;
    this.#onRoom = onRoom;
  }

  /** Bytes of all requests that have arrived so far. */
  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** Returns what happened since the last call. */
  activity(): LineActivity {
    const activity = this.#activity;
    this.#activity = noActivity();
    return activity;
  }

  get hasRoom(): boolean {
    return this.#heldBytes <= this.#room.bytes;
  }

  /** A request with `byteLength` bytes begins. Call end() when it is over. */
  begin(byteLength: number): Delivery {
    const isOfFew = !this.#room.isKnown && byteLength < TELLS_BYTES;
    const leastBytes = isOfFew ? this.#room.bytes / (FIRST_REQUESTS_MAX - 1) : CONNECTING_BYTES_MIN;
    const delivery = new Delivery(byteLength, leastBytes);
    this.#underWay.add(delivery);
    this.#heldBytes += heldBytes(delivery);
    return delivery;
  }

  /** The kernel has accepted `bytes` more bytes of the request. */
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

  /** The request was answered, so all of it has arrived. */
  answered(delivery: Delivery): void {
    this.#delivered(delivery, delivery.handedBytes);
  }

  /** The request is over, in whichever way. */
  end(delivery: Delivery): void {
    if (!this.#underWay.delete(delivery)) return;
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
    this.#activity.elapsedMs += sinceMs;
    if (isHeldBack) this.#activity.heldBackMs += sinceMs;
    if (isHeldBack && this.#isRefused) this.#activity.refusedMs += sinceMs;
    if (this.#isAsking && nowMs - this.#askedAtMs > ANSWER_MS) this.#assumeDelivered();
    if (this.#heldBytes === 0 || this.#isAsking || this.#read === undefined) return;
    const dueAtMs = this.#heldBytes > this.#room.bytes / 2 ? 0 : ASK_MS;
    if (nowMs - this.#askedAtMs >= Math.max(dueAtMs, this.#costMs * ASK_AFTER_COSTS))
      void this.#ask(this.#read, nowMs);
  }

  async #ask(read: ReadSendQueues, nowMs: number): Promise<void> {
    this.#isAsking = true;
    this.#askedAtMs = nowMs;
    const asked = [...this.#underWay].filter(({ socket }) => socket !== undefined);
    for (const delivery of asked) delivery.askedAtBytes = delivery.handedBytes;
    try {
      this.#learn(asked, await read(asked.flatMap(({ socket }) => socket ?? [])));
    } catch {
      // Not Linux, or a sandbox without /proc. Only what the kernel accepts can be known.
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
    for (const delivery of this.#underWay) this.#delivered(delivery, delivery.handedBytes);
  }

  #learn(asked: readonly Delivery[], queues: SendQueues): void {
    let [holding, closed] = [0, 0];
    for (const delivery of asked) {
      const name = delivery.socket && connectionOf(delivery.socket);
      const queue = name === undefined ? undefined : queues.get(name);
      // The request or its connection has ended meanwhile.
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
    this.#activity.deliveredBytes += more;
  }
}

function heldBytes({ handedBytes, reservedBytes, deliveredBytes }: Delivery): number {
  return Math.max(handedBytes, reservedBytes) - deliveredBytes;
}
