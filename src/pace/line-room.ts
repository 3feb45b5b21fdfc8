// Decides how much of our data the kernel may hold before another request begins.
import { RoomTrial } from './room-trial.ts';

/** What is held keeps the line busy for this long, in addition to the round trips. */
const HOLD_MS = 250;
/**
 * In round trips: a new connection needs three until its first byte arrives (TCP, TLS), an answer
 * needs one, and the next requests travel for as long again.
 */
const HOLD_ROUND_TRIPS = 8;
/**
 * How late it is known what is held: by a tick of the control loop and the kernel's answer, and by
 * much more on a busy machine. Counted this many times.
 */
const HOLD_LAGS = 2;
/** With each answer, a longer lag decays by this factor. */
const LAG_DECAY = 0.95;
/** Satellites have 0.6 s. A longer round trip is a queue. */
const HOLD_MS_MAX = 6_000;
/** A line of 250 kbit/s needs 2 s for this. Less would stop a short request after a few packets. */
const ROOM_BYTES_MIN = 65_536;
/**
 * The room before anything is known about the line: twice what eight new connections may send at
 * once.
 */
const FIRST_ROOM_BYTES = 262_144;
/**
 * At the start, the line takes more from window to window, because more is in flight. The room is
 * this many times as large meanwhile.
 */
const START_GAIN = 3;
/**
 * The start ends when requests have waited for this long (or for HOLD_ROUND_TRIPS if that is
 * longer) without a window that counts as growth.
 */
const START_MS = 3_000;
/** A window counts as growth if it brings this much more than the best before. */
const START_GROWTH = 1.25;
/**
 * The rate is the best of the last windows, because a window in which packets were lost says little
 * about the line.
 */
const WINDOW_MS = 1_000;
const WINDOWS = 3;
/** At the start, windows are shorter: two round trips, and at least this. */
const WINDOW_MS_MIN = 250;
const WINDOWS_IN_HOLD = HOLD_ROUND_TRIPS / 2;

/** What the line has to carry. */
export interface LineDemand {
  /** True if anything is in flight. */
  readonly isHeld: boolean;
  /** True if requests wait to be sent, for any reason. */
  readonly isWaiting: boolean;
  /** True if requests wait because there is no room. */
  readonly isHeldBack: boolean;
}

/**
 * What the kernel holds because the other side has not accepted it is backpressure. More requests
 * would only share it, and none would end. So the room is what the line takes within a moment: a
 * few round trips, because an answer travels that long, and a little more. If that is less than one
 * connection holds, RoomTrial finds it out. Deterministic: time is an argument, of the monotonic
 * clock.
 */
export class LineRoom {
  readonly #trial = new RoomTrial();
  #rates: readonly number[] = [];
  #windowFromMs: number | undefined;
  #windowFromBytes = 0;
  #isStarting = true;
  /** The best window so far, and how long requests have waited since. */
  #best = { rate: 0, waitedMs: 0 };
  #lastAtMs: number | undefined;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #lagMs = 0;
  #deliveredBytes = 0;

  /** A connection took this long to open. The shortest one counts. */
  connected(tookMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, tookMs);
  }

  /** This much time passed from one look at what is held until the next result. */
  lagged(lagMs: number): void {
    this.#lagMs = Math.max(lagMs, this.#lagMs * LAG_DECAY);
  }

  /**
   * `deliveredBytes` only grows: what the other side has accepted so far. Call it often while
   * something is held, and once when nothing is held any more.
   */
  observe(nowMs: number, deliveredBytes: number, { isHeld, isWaiting, isHeldBack }: LineDemand): void {
    this.#deliveredBytes = deliveredBytes;
    this.#trial.observe(nowMs, deliveredBytes, isHeldBack && !this.#isStarting);
    if (isWaiting) this.#best.waitedMs += nowMs - (this.#lastAtMs ?? nowMs);
    this.#lastAtMs = nowMs;
    if (this.#windowFromMs === undefined || nowMs - this.#windowFromMs >= this.#windowMs)
      this.#nextWindow(nowMs);
    // A time without anything to carry says nothing about the line.
    if (!isHeld) this.#windowFromMs = undefined;
  }

  /** True once it is known what the line takes. That may still change. */
  get isKnown(): boolean {
    return !this.#isStarting;
  }

  /** What the line takes, in body bytes a second; 0 if unknown. */
  get rateBytesPerSec(): number {
    const sinceWindow = ((this.#deliveredBytes - this.#windowFromBytes) * 1000) / this.#windowMs;
    return Math.max(...this.#rates, this.#windowFromMs === undefined ? 0 : sinceWindow);
  }

  get bytes(): number {
    if (this.#rates.length === 0) return FIRST_ROOM_BYTES;
    const lineMs = HOLD_MS + this.#roundTripsMs;
    const startMs = this.#isStarting ? (START_GAIN - 1) * lineMs : 0;
    const holdMs = Math.min(HOLD_MS_MAX, lineMs + HOLD_LAGS * this.#lagMs) + startMs;
    return Math.max(ROOM_BYTES_MIN, (this.rateBytesPerSec * holdMs) / 1000) * this.#trial.factor;
  }

  get #windowMs(): number {
    if (!this.#isStarting) return WINDOW_MS;
    return Math.min(WINDOW_MS, Math.max(WINDOW_MS_MIN, this.#roundTripsMs / WINDOWS_IN_HOLD));
  }

  get #roundTripsMs(): number {
    const known = Number.isFinite(this.#roundTripMs) ? this.#roundTripMs : 0;
    return Math.min(HOLD_MS_MAX, HOLD_ROUND_TRIPS * known);
  }

  #endStart(rate: number): void {
    const { rate: best, waitedMs } = this.#best;
    if (rate >= best * START_GROWTH) this.#best = { rate, waitedMs: 0 };
    else if (waitedMs >= Math.max(START_MS, this.#roundTripsMs)) this.#isStarting = false;
  }

  #nextWindow(nowMs: number): void {
    if (this.#windowFromMs !== undefined) {
      const rate = ((this.#deliveredBytes - this.#windowFromBytes) * 1000) / (nowMs - this.#windowFromMs);
      this.#rates = [...this.#rates, rate].slice(-WINDOWS);
      this.#endStart(rate);
    }
    this.#windowFromMs = nowMs;
    this.#windowFromBytes = this.#deliveredBytes;
  }
}
