// How much of ours the kernel may hold before another request begins. What it holds and the other
// side has not taken is backpressure: more requests would only wait in it, side by side, and none
// would end. So there is room for what the line takes within a moment: a few round trips, for an
// answer is on its way as long, and a little more. Where that is not enough for what one connection
// holds, RoomTrial finds it out. Deterministic: time is an argument.
import { RoomTrial } from './room-trial.ts';

/** So long the line is kept busy by what is held, beside the round trips. */
const HOLD_MS = 250;
/**
 * A new connection takes three until its first byte is there (TCP, TLS), an answer takes one, and
 * so long again the next requests are on their way.
 */
const HOLD_ROUND_TRIPS = 8;
/**
 * What is held is known late, by a tick of the control loop and the kernel's answer; on a busy
 * machine by much more.
 */
const HOLD_LAGS = 2;
/** A longer lag is forgotten by so much with each answer. */
const LAG_DECAY = 0.95;
/** Satellites have 0.6 s; beyond this a round trip is a queue. */
const MOST_HOLD_MS = 6_000;
/** A line of 250 kbit/s takes this in 2 s. Less would stop a short request after some packets. */
const LEAST_ROOM_BYTES = 65_536;
/**
 * Before anything is known of the line: what eight fresh connections may send at once is half of
 * it.
 */
const FIRST_ROOM_BYTES = 262_144;
/**
 * At the start the line takes more from window to window, because more is under way: the room is so
 * many times as large …
 */
const START_GAIN = 3;
/**
 * … until requests have waited to be sent for so long, or for HOLD_ROUND_TRIPS where these take
 * longer …
 */
const START_MS = 3_000;
/** … and no window brought so much more than the best before. */
const START_GROWTH = 1.25;
/**
 * The rate is the best of the last windows: one in which packets were lost says little of the line.
 */
const WINDOW_MS = 1_000;
const WINDOWS = 3;
/** At the start each is shorter: two round trips, and no less than this. */
const LEAST_WINDOW_MS = 250;
const WINDOWS_IN_HOLD = HOLD_ROUND_TRIPS / 2;

/** What there is for the line to take. */
export interface LineDemand {
  /** Something is under way. */
  readonly isHeld: boolean;
  /** Requests wait to be sent, whatever for. */
  readonly isWaiting: boolean;
  /** Requests wait because there is no room. */
  readonly isHeldBack: boolean;
}

export class LineRoom {
  readonly #trial = new RoomTrial();
  #rates: readonly number[] = [];
  #windowFromMs: number | undefined;
  #windowFromBytes = 0;
  #isStarting = true;
  /** The results of the windows so far, and how long requests have waited since. */
  #best = { rate: 0, waitedMs: 0 };
  #lastMs: number | undefined;
  #roundTripMs = Number.POSITIVE_INFINITY;
  #lagMs = 0;
  #deliveredBytes = 0;

  /** How long a connection took to open; the shortest counts. */
  connected(tookMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, tookMs);
  }

  /** It took so long from one look at what is held until the next was known. */
  lagged(lagMs: number): void {
    this.#lagMs = Math.max(lagMs, this.#lagMs * LAG_DECAY);
  }

  /**
   * `deliveredBytes` counts up: what the other side has taken so far. Call often while something is
   * held, and once when nothing is any more.
   */
  observe(nowMs: number, deliveredBytes: number, { isHeld, isWaiting, isHeldBack }: LineDemand): void {
    this.#deliveredBytes = deliveredBytes;
    this.#trial.observe(nowMs, deliveredBytes, isHeldBack && !this.#isStarting);
    if (isWaiting) this.#best.waitedMs += nowMs - (this.#lastMs ?? nowMs);
    this.#lastMs = nowMs;
    if (this.#windowFromMs === undefined || nowMs - this.#windowFromMs >= this.#windowMs)
      this.#nextWindow(nowMs);
    // A time with nothing to take says nothing of the line.
    if (!isHeld) this.#windowFromMs = undefined;
  }

  /** What the line takes has been found out, and may change. */
  get isKnown(): boolean {
    return !this.#isStarting;
  }

  /** What the line takes, in bytes a second; 0 when unknown. */
  get rateBytesPerSec(): number {
    const sinceWindow = ((this.#deliveredBytes - this.#windowFromBytes) * 1000) / this.#windowMs;
    return Math.max(...this.#rates, this.#windowFromMs === undefined ? 0 : sinceWindow);
  }

  get bytes(): number {
    if (this.#rates.length === 0) return FIRST_ROOM_BYTES;
    const lineMs = HOLD_MS + this.#roundTripsMs;
    const startMs = this.#isStarting ? (START_GAIN - 1) * lineMs : 0;
    const holdMs = Math.min(MOST_HOLD_MS, lineMs + HOLD_LAGS * this.#lagMs) + startMs;
    return Math.max(LEAST_ROOM_BYTES, (this.rateBytesPerSec * holdMs) / 1000) * this.#trial.factor;
  }

  get #windowMs(): number {
    if (!this.#isStarting) return WINDOW_MS;
    return Math.min(WINDOW_MS, Math.max(LEAST_WINDOW_MS, this.#roundTripsMs / WINDOWS_IN_HOLD));
  }

  get #roundTripsMs(): number {
    const known = Number.isFinite(this.#roundTripMs) ? this.#roundTripMs : 0;
    return Math.min(MOST_HOLD_MS, HOLD_ROUND_TRIPS * known);
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
