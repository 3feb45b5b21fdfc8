// How much of ours the kernel may hold before another request begins. What it holds and the other side has not taken is
// backpressure: more requests would only wait in it, side by side, and none would end. So there is room for what the line
// takes within a moment: a few round trips, for an answer is on its way as long, and a little more.
// Where that is not enough for what one connection holds, RoomTrial finds it out. Deterministic: time is an argument.
import { RoomTrial } from './room-trial.ts';

/** So long the line is kept busy by what is held, beside the round trips. */
const HOLD_MS = 250;
/** A new connection takes three until its first byte is there (TCP, TLS), an answer takes one, and so long again the next
 * requests are on their way. */
const HOLD_ROUND_TRIPS = 8;
/** What is held is known late, by a tick of the control loop and the kernel's answer; on a busy machine by much more. */
const HOLD_LAGS = 2;
/** A longer lag is forgotten by so much with each answer. */
const LAG_DECAY = 0.95;
/** Satellites have 0.6 s; beyond this a round trip is a queue. */
const MOST_HOLD_MS = 6_000;
/** A line of 250 kbit/s takes this in 2 s. Less would stop a short request after some packets. */
const LEAST_ROOM_BYTES = 65_536;
/** Before anything is known of the line: what eight fresh connections may send at once is half of it. */
const FIRST_ROOM_BYTES = 262_144;
/** The rate is the best of the last windows: one in which packets were lost says little of the line. */
const WINDOW_MS = 1_000;
const WINDOWS = 3;

export class LineRoom {
  readonly #trial = new RoomTrial();
  #rates: readonly number[] = [];
  #windowFromMs: number | undefined;
  #windowFromBytes = 0;
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
   * `deliveredBytes` counts up: what the other side has taken so far. `isHeldBack`: requests wait because there is no
   * room. Call often while something is held, and with `isBusy` false when nothing is.
   */
  observe(nowMs: number, deliveredBytes: number, isBusy: boolean, isHeldBack: boolean): void {
    this.#deliveredBytes = deliveredBytes;
    this.#trial.observe(nowMs, deliveredBytes, isHeldBack);
    if (this.#windowFromMs === undefined || nowMs - this.#windowFromMs >= WINDOW_MS) this.#nextWindow(nowMs);
    // A time with nothing to take says nothing of the line.
    if (!isBusy) this.#windowFromMs = undefined;
  }

  /** Whether anything has been learnt of the line. */
  get isKnown(): boolean {
    return this.#rates.length > 0;
  }

  /** What the line takes, in bytes a second; 0 when unknown. */
  get rateBytesPerSec(): number {
    const sinceWindow = ((this.#deliveredBytes - this.#windowFromBytes) * 1000) / WINDOW_MS;
    return Math.max(...this.#rates, this.#windowFromMs === undefined ? 0 : sinceWindow);
  }

  get bytes(): number {
    if (!this.isKnown) return FIRST_ROOM_BYTES;
    const roundTripsMs = Number.isFinite(this.#roundTripMs) ? HOLD_ROUND_TRIPS * this.#roundTripMs : 0;
    const holdMs = Math.min(MOST_HOLD_MS, HOLD_MS + roundTripsMs + HOLD_LAGS * this.#lagMs);
    return Math.max(LEAST_ROOM_BYTES, (this.rateBytesPerSec * holdMs) / 1000) * this.#trial.factor;
  }

  #nextWindow(nowMs: number): void {
    if (this.#windowFromMs !== undefined) {
      const rate = ((this.#deliveredBytes - this.#windowFromBytes) * 1000) / (nowMs - this.#windowFromMs);
      this.#rates = [...this.#rates, rate].slice(-WINDOWS);
    }
    this.#windowFromMs = nowMs;
    this.#windowFromBytes = this.#deliveredBytes;
  }
}
