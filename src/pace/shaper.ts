// Makes requests wait for their turn and for the token bucket.
import type { Clock } from '../system/clock.ts';
import { TokenBucket } from './token-bucket.ts';
import { type QueuedRequest, Turns } from './turns.ts';

/**
 * While requests wait, a late timer is made up for at once by at most this much of the rate. The
 * governor's debt makes up for longer stalls, slowly.
 */
const BURST_MS = 20;
/**
 * A queue that is empty for longer than this is idle, and idle time earns nothing. 50 % × (100 + 5)
 * ms stays well below 60 %.
 */
const IDLE_GRACE_MS = 5;
/** After this long without a request, the control loop may be slow, so it is woken. */
const WAKE_AFTER_MS = 500;
/** The length of a slice at the present rate: 50 slices make a window of 100 ms. */
const SLICE_MS = 2;
/**
 * The smallest slice fits into one TCP segment on Ethernet together with a TLS record's 29 bytes.
 * The headers of smaller slices would weigh too much.
 */
const SLICE_BYTES_MIN = 1_400;
/** The largest slice leaves a link quickly: in 0.3 ms at 1 Gbit/s, and at any rate above. */
const SLICE_BYTES_MAX = 32_768;
const FAST_SLICE_MS = SLICE_BYTES_MAX / 125_000;
/** Longer slices would save nothing. */
const FAST_SLICE_BYTES_MAX = 262_144;

/** What happened at the shaper since the last call. */
export interface ShaperActivity {
  /** Bytes handed out to be sent. */
  readonly admittedBytes: number;
  /** Time in which no request was in the queue. */
  readonly idleMs: number;
  /**
   * How long the slice that has waited longest has been waiting. The next request to begin does not
   * count.
   */
  readonly longestWaitMs: number;
  /** How many slices are waiting. */
  readonly waiting: number;
}

/**
 * Delays each slice until it is its request's turn and the token bucket has tokens for it.
 * Monotonic clock. A request that is over takes no tokens.
 * It does not promise an order between slices of different requests beyond that of Turns.
 */
export class Shaper {
  /** Called when a request asks for bytes after a time without any. */
  onWake: (() => void) | undefined;
  /**
   * Returns true if the line has room for another request. Call roomChanged() when that becomes
   * true again.
   */
  hasRoom: () => boolean = () => true;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #turns = new Turns(() => this.#serve());
  #cancelTimer: (() => void) | undefined;
  /** True if the tokens for the next request are there, but stay unused until the timer fires. */
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

  /** Also applies to bytes that are already waiting. */
  setRate(rateBytesPerSec: number): void {
    this.#bucket.setRate(bucketRate(rateBytesPerSec), this.#clock.monotonicMs());
    this.#serve();
  }

  /** How many bytes to send in one write at the present rate. */
  sliceBytes(): number {
    return sliceBytesAt(this.#bucket.rateBytesPerSec);
  }

  /**
   * Calls `request.admitted()` when `bytes` may be sent; within this call if that is now.
   * `leftBytes` is what the request still has to send, including `bytes`. Ask for the next slice
   * only after that.
   */
  ask(request: QueuedRequest, bytes: number, leftBytes: number): void {
    const nowMs = this.#clock.monotonicMs();
    const wakes = this.#endIdle(nowMs);
    request.bytes = bytes;
    request.leftBytes = leftBytes;
    request.sinceMs = nowMs;
    this.#turns.join(request);
    if (wakes) this.onWake?.();
    if (this.#cancelTimer === undefined || this.#leavesUnused) this.#serve();
  }

  /** The request is over, in whichever way. A slice that it waits with is not charged. */
  over(request: QueuedRequest): void {
    this.#turns.leave(request);
    this.#beginIdle();
  }

  /** Lets requests begin if there is room now. */
  roomChanged(): void {
    if (this.#cancelTimer === undefined && this.#turns.waiting > 0) this.#serve();
  }

  get isWaiting(): boolean {
    return this.#turns.waiting > 0;
  }

  /** How long the line is busy at the present rate with the requests that wait. */
  get busyMs(): number {
    return (1000 * this.#turns.leftBytes) / this.#bucket.rateBytesPerSec;
  }

  /** True if requests wait to begin and only the line prevents it: there are unused tokens. */
  get isHeldBack(): boolean {
    const savedBytes = this.#bucket.savedBytes(this.#clock.monotonicMs());
    return savedBytes >= this.sliceBytes() && this.#turns.isBeginning && !this.hasRoom();
  }

  /** Tokens saved for waiting requests. They count as sent. 0 if no request waits. */
  get savedBytes(): number {
    return this.#turns.waiting === 0 ? 0 : this.#bucket.savedBytes(this.#clock.monotonicMs());
  }

  /** Returns what happened since the last call. */
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
      const { bytes } = waiter;
      const tokensMs = this.#bucket.waitMs(bytes, nowMs);
      const unusedMs = tokensMs > 0 ? 0 : this.#turns.unusedMsBefore(waiter, nowMs, rateBytesPerSec);
      if (tokensMs > 0 || unusedMs > 0) {
        this.#leavesUnused = unusedMs > 0;
        this.#cancelTimer = this.#clock.schedule(Math.ceil(tokensMs + unusedMs), () => this.#serve());
        return;
      }
      this.#bucket.take(bytes, nowMs);
      this.#admittedBytes += bytes;
      this.#turns.admit(waiter, rateBytesPerSec);
      waiter.admitted();
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

  /** Returns true after so long a time that the meter's last sample is old. */
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
  const bytesIn = (ms: number) => Math.round((rateBytesPerSec * ms) / 1000);
  const mostBytes = Math.min(FAST_SLICE_BYTES_MAX, Math.max(SLICE_BYTES_MAX, bytesIn(FAST_SLICE_MS)));
  return Math.min(mostBytes, Math.max(SLICE_BYTES_MIN, bytesIn(SLICE_MS)));
}

function bucketRate(rateBytesPerSec: number) {
  const burstBytes = Math.max((rateBytesPerSec * BURST_MS) / 1000, sliceBytesAt(rateBytesPerSec));
  return { rateBytesPerSec, burstBytes };
}
