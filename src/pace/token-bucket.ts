// Admits bytes at a rate with a bounded burst, as in tc-tbf(8). Pure: time is an argument.
// Invariant: over any span, admitted bytes ≤ burst + ∫rate + one slice that started on a positive
// balance.

export interface BucketRate {
  /** > 0. */
  readonly rateBytesPerSec: number;
  /** Most bytes that may be saved up while someone waits; > 0. */
  readonly burstBytes: number;
}

export class TokenBucket {
  #rateBytesPerSec: number;
  #burstBytes: number;
  #tokens = 0;
  #settledAtMs: number;

  /**
   * Starts empty, so that a start never bursts. Throws RangeError on a rate or burst that is not
   * positive.
   */
  constructor(rate: BucketRate, nowMs: number) {
    assertRate(rate);
    this.#rateBytesPerSec = rate.rateBytesPerSec;
    this.#burstBytes = rate.burstBytes;
    this.#settledAtMs = nowMs;
  }

  get rateBytesPerSec(): number {
    return this.#rateBytesPerSec;
  }

  /** Changes the rate from now on; what was earned so far was earned at the old rate. */
  setRate(rate: BucketRate, nowMs: number): void {
    assertRate(rate);
    this.#settle(nowMs);
    this.#rateBytesPerSec = rate.rateBytesPerSec;
    this.#burstBytes = rate.burstBytes;
    this.#tokens = Math.min(this.#tokens, rate.burstBytes);
  }

  /**
   * Takes `bytes` and returns true once the balance covers them, or covers the whole burst when
   * they are more than that: the balance then goes negative, and the next taker waits for it.
   * Otherwise takes nothing.
   */
  take(bytes: number, nowMs: number): boolean {
    this.#settle(nowMs);
    if (this.#tokens < this.#needed(bytes)) return false;
    this.#tokens -= bytes;
    return true;
  }

  /** How long until `take(bytes)` would succeed at the present rate; 0 when it would now. */
  waitMs(bytes: number, nowMs: number): number {
    this.#settle(nowMs);
    return Math.max(0, ((this.#needed(bytes) - this.#tokens) / this.#rateBytesPerSec) * 1000);
  }

  /** What could be taken now. */
  savedBytes(nowMs: number): number {
    this.#settle(nowMs);
    return Math.max(0, this.#tokens);
  }

  /** No request waited for a while: only `graceMs` of the rate are kept of what was saved. */
  skipIdle(graceMs: number, nowMs: number): void {
    this.#settle(nowMs);
    this.#tokens = Math.min(this.#tokens, (this.#rateBytesPerSec * graceMs) / 1000);
  }

  #needed(bytes: number): number {
    return Math.min(bytes, this.#burstBytes);
  }

  #settle(nowMs: number): void {
    if (nowMs <= this.#settledAtMs) return; // a clock that stands still or steps back earns nothing
    const earned = ((nowMs - this.#settledAtMs) / 1000) * this.#rateBytesPerSec;
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + earned);
    this.#settledAtMs = nowMs;
  }
}

function assertRate({ rateBytesPerSec, burstBytes }: BucketRate): void {
  if (!(rateBytesPerSec > 0 && Number.isFinite(rateBytesPerSec)))
    throw new RangeError(`rateBytesPerSec must be a positive number, got ${rateBytesPerSec}`);
  if (!(burstBytes > 0 && Number.isFinite(burstBytes)))
    throw new RangeError(`burstBytes must be a positive number, got ${burstBytes}`);
}
