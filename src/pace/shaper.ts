// Delays senders until it is their turn and the token bucket admits their next slice.
import type { Clock } from '../system/clock.ts';
import { TokenBucket } from './token-bucket.ts';
import { Turns } from './turns.ts';

/**
 * While senders wait, a late timer is made up for at once by at most this much of the rate; the
 * governor's debt makes up for longer stalls, slowly.
 */
const BURST_MS = 20;
/**
 * A queue empty for longer than this is idle, and idle time earns nothing: 50 % × (100 + 5) ms
 * stays well below 60 %.
 */
const IDLE_GRACE_MS = 5;
/** After this long without a request the control loop may be slow, and is woken. */
const WAKE_AFTER_MS = 500;
/** A slice is about this long at the present rate: 50 of them make a window of 100 ms … */
const SLICE_MS = 2;
/**
 * … but no less than fits into one TCP segment on Ethernet together with a TLS record's 29 bytes;
 * the headers of smaller ones weigh too much …
 */
const MIN_SLICE_BYTES = 1_400;
/** … and no more than leaves a link in a moment: 0.3 ms at 1 Gbit/s. */
const MAX_SLICE_BYTES = 32_768;

/** What happened at the shaper since it was last asked. */
export interface ShaperActivity {
  /** Bytes handed out to be sent. */
  readonly admittedBytes: number;
  /** Time in which no request was in the queue. */
  readonly idleMs: number;
  /**
   * How long the slice that has waited longest has waited now; the next request to begin does not
   * count.
   */
  readonly longestWaitMs: number;
  readonly waiting: number;
}

export class Shaper {
  /** Called when a request asks for bytes after a time without any. */
  onWake: (() => void) | undefined;
  /** Whether the line has room for another request; call `roomChanged` when it has again. */
  hasRoom: () => boolean = () => true;
  /** A request begins, told by its signal, that has so much to send. */
  onBegin: (request: AbortSignal, leftBytes: number) => void = () => undefined;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #turns = new Turns(() => this.#serve());
  #cancelTimer: (() => void) | undefined;
  /**
   * The tokens for the next one are there, and rather go unused until the timer than let that one
   * begin.
   */
  #leavesUnused = false;
  #emptySinceMs: number | undefined;
  #idleCountedToMs: number;
  #idleMs = 0;
  #admittedBytes = 0;

  constructor(clock: Clock, rateBytesPerSec: number) {
    this.#clock = clock;
    const nowMs = clock.monotonicMs();
    this.#bucket = new TokenBucket(bucketRate(rateBytesPerSec), nowMs);
    this.#emptySinceMs = nowMs;
    this.#idleCountedToMs = nowMs;
  }

  /** Takes effect for the bytes already waiting, too. */
  setRate(rateBytesPerSec: number): void {
    this.#bucket.setRate(bucketRate(rateBytesPerSec), this.#clock.monotonicMs());
    this.#serve();
  }

  /** How much to send in one write at the present rate. */
  sliceBytes(): number {
    return sliceBytesAt(this.#bucket.rateBytesPerSec);
  }

  /**
   * Resolves when `bytes` may be sent; send them at once. Rejects with `signal.reason` when aborted
   * first, and then nothing is charged. Slices that come with the same signal are of one request,
   * which is over when the signal aborts; `leftBytes` is what the request has still to send,
   * `bytes` included.
   */
  admit(bytes: number, signal?: AbortSignal, leftBytes = bytes): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const nowMs = this.#clock.monotonicMs();
      const wakes = this.#endIdle(nowMs);
      const leave = (): void => {
        this.#turns.leave(waiter);
        this.#beginIdle();
        reject(signal?.reason);
      };
      const admit = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const slice = { bytes, leftBytes, sinceMs: nowMs, request: signal, admit };
      const waiter = this.#turns.join(slice);
      signal?.addEventListener('abort', leave, { once: true });
      if (wakes) this.onWake?.();
      if (this.#cancelTimer === undefined || this.#leavesUnused) this.#serve();
    });
  }

  /** Lets requests begin for which there may be room now. */
  roomChanged(): void {
    if (this.#cancelTimer === undefined && this.#turns.waiting > 0) this.#serve();
  }

  get isWaiting(): boolean {
    return this.#turns.waiting > 0;
  }

  /** Requests wait to begin, and only the line is in their way: there are unused tokens. */
  get isHeldBack(): boolean {
    const savedBytes = this.#bucket.savedBytes(this.#clock.monotonicMs());
    return savedBytes >= this.sliceBytes() && this.#turns.isBeginning && !this.hasRoom();
  }

  /** Tokens saved for waiting requests, which count as sent; 0 when no request waits. */
  get savedBytes(): number {
    return this.#turns.waiting === 0 ? 0 : this.#bucket.savedBytes(this.#clock.monotonicMs());
  }

  /** What happened since the last call. */
  activity(): ShaperActivity {
    const nowMs = this.#clock.monotonicMs();
    this.#countIdle(nowMs);
    const activity = {
      admittedBytes: this.#admittedBytes,
      idleMs: this.#idleMs,
      longestWaitMs: this.#turns.longestWaitMs(nowMs),
      waiting: this.#turns.waiting,
    };
    this.#admittedBytes = 0;
    this.#idleMs = 0;
    return activity;
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const nowMs = this.#clock.monotonicMs();
    const { rateBytesPerSec } = this.#bucket;
    const next = () => this.#turns.next(nowMs, rateBytesPerSec, this.hasRoom());
    for (let waiter = next(); waiter !== undefined; waiter = next()) {
      const tokensMs = this.#bucket.waitMs(waiter.bytes, nowMs);
      const unusedMs = tokensMs > 0 ? 0 : this.#turns.unusedMsBefore(waiter, nowMs, rateBytesPerSec);
      if (tokensMs > 0 || unusedMs > 0) {
        this.#leavesUnused = unusedMs > 0;
        this.#cancelTimer = this.#clock.schedule(Math.ceil(tokensMs + unusedMs), () => this.#serve());
        return;
      }
      this.#bucket.take(waiter.bytes, nowMs);
      this.#admittedBytes += waiter.bytes;
      const { request, leftBytes } = waiter;
      if (this.#turns.admit(waiter, rateBytesPerSec) && request) this.onBegin(request, leftBytes);
      waiter.admit();
    }
    this.#beginIdle();
  }

  #beginIdle(): void {
    if (this.#turns.waiting > 0 || this.#emptySinceMs !== undefined) return;
    this.#emptySinceMs = this.#clock.monotonicMs();
    this.#idleCountedToMs = this.#emptySinceMs;
  }

  #countIdle(nowMs: number): void {
    if (this.#emptySinceMs === undefined) return;
    this.#idleMs += nowMs - this.#idleCountedToMs;
    this.#idleCountedToMs = nowMs;
  }

  /** True after a time so long that what the meter last saw is old. */
  #endIdle(nowMs: number): boolean {
    if (this.#emptySinceMs === undefined) return false;
    this.#countIdle(nowMs);
    const emptyMs = nowMs - this.#emptySinceMs;
    this.#emptySinceMs = undefined;
    if (emptyMs > IDLE_GRACE_MS) this.#bucket.skipIdle(IDLE_GRACE_MS, nowMs);
    return emptyMs > WAKE_AFTER_MS;
  }
}

function sliceBytesAt(rateBytesPerSec: number): number {
  const bytes = Math.round((rateBytesPerSec * SLICE_MS) / 1000);
  return Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, bytes));
}

function bucketRate(rateBytesPerSec: number) {
  const burstBytes = Math.max((rateBytesPerSec * BURST_MS) / 1000, sliceBytesAt(rateBytesPerSec));
  return { rateBytesPerSec, burstBytes };
}
