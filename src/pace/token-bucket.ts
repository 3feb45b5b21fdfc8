// Admits bytes at a rate with a bounded burst, as in tc-tbf(8).

export interface BucketRate {
  /** > 0. */
  readonly rateBytesPerSec: number;
  /** The most bytes that may be saved while a request waits; > 0. */
  readonly burstBytes: number;
}

/**
 * Tokens are body bytes. Deterministic: time is an argument, of the monotonic clock; a clock that
 * stands still or steps back earns nothing.
 * Invariant: over any time, admitted bytes ≤ burst + ∫rate + one slice, which may be larger than
 * the burst and starts on a full one.
 */
export class TokenBucket {
  #rateBytesPerSec: number;
  #burstBytes: number;
  #tokens = 0;
  #accruedAtMs: number;

  /**
   * Starts empty, so that a start never bursts. Throws RangeError if the rate or the burst is not
   * positive.
   */
  constructor(rate: BucketRate, nowMs: number) {
    assertRate(rate);
    this.#rateBytesPerSec = rate.rateBytesPerSec;
    this.#burstBytes = rate.burstBytes;
    this.#accruedAtMs = nowMs;
  }

  get rateBytesPerSec(): number {
    return this.#rateBytesPerSec;
  }

  /**
   * Changes the rate from now on. What was earned so far was earned at the old rate. Throws
   * RangeError like the constructor.
   */
  setRate(rate: BucketRate, nowMs: number): void {
    assertRate(rate);
    this.#accrue(nowMs);
    this.#rateBytesPerSec = rate.rateBytesPerSec;
    this.#burstBytes = rate.burstBytes;
    this.#tokens = Math.min(this.#tokens, rate.burstBytes);
  }

  /**
   * Takes `bytes` and returns true once the balance covers them. If they are more than the burst,
   * it takes them once the balance covers the burst; the balance is negative then, and the next
   * taker waits for it. Otherwise takes nothing and returns false.
   */
  take(bytes: number, nowMs: number): boolean {
    this.#accrue(nowMs);
    if (this.#tokens < this.#needed(bytes)) return false;
    this.#tokens -= bytes;
    return true;
  }

  /** How long until take(bytes) would succeed at the present rate; 0 if it would now. */
  waitMs(bytes: number, nowMs: number): number {
    this.#accrue(nowMs);
    return Math.max(0, ((this.#needed(bytes) - this.#tokens) / this.#rateBytesPerSec) * 1000);
  }

  /** How many bytes could be taken now. */
  savedBytes(nowMs: number): number {
    this.#accrue(nowMs);
    return Math.max(0, this.#tokens);
  }

  /** No request waited for some time: of the saved tokens, only `graceMs` of the rate are kept. */
  skipIdle(graceMs: number, nowMs: number): void {
    this.#accrue(nowMs);
    this.#tokens = Math.min(this.#tokens, (this.#rateBytesPerSec * graceMs) / 1000);
  }

  #needed(bytes: number): number {
    return Math.min(bytes, this.#burstBytes);
  }

  #accrue(nowMs: number): void {
    if (nowMs <= this.#accruedAtMs) return; // a clock that stands still or steps back earns nothing
    const earned = ((nowMs - this.#accruedAtMs) / 1000) * this.#rateBytesPerSec;
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + earned);
    this.#accruedAtMs = nowMs;
  }
}

function assertRate({ rateBytesPerSec, burstBytes }: BucketRate): void {
  if (!(rateBytesPerSec > 0 && Number.isFinite(rateBytesPerSec)))
    throw new RangeError(`rateBytesPerSec must be a positive number, got ${rateBytesPerSec}`);
  if (!(burstBytes > 0 && Number.isFinite(burstBytes)))
    throw new RangeError(`burstBytes must be a positive number, got ${burstBytes}`);
}
