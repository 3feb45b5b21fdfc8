// Turns readings of the card's transmit counter into samples of what the link really sent.

export type Reading =
  | Sample
  /**
   * Nothing to report: the first reading, a counter that was reset, or one whose driver has not
   * refreshed it yet.
   */
  | { readonly kind: 'none' }
  /** We send, but the counter does not move, so it does not count what we send. */
  | { readonly kind: 'stuck' };

/** What left the card within some time. */
export interface Sample {
  readonly kind: 'sample';
  readonly sentBytes: number;
  /** The part that we handed to the kernel in the same time, without headers. */
  readonly ownBytes: number;
  /** > 0. */
  readonly intervalMs: number;
}

/**
 * Drivers such as ice, Aquantia and 82580 refresh their counters every 1–2 s. A counter that stands
 * still longer is stuck.
 */
const REFRESH_MS_MAX = 2_500;
/**
 * A fresh counter must show at least this many of our bytes. It is more than a socket may buffer.
 */
const CERTAIN_BYTES = 65_536;

/**
 * Reads a counter of bytes, at any interval. Deterministic: time is an argument, of the monotonic
 * clock; a step back gives no sample.
 * Invariant: every byte that the counter reports is in exactly one sample, unless the counter was
 * reset.
 */
export class Meter {
  #counterBytes: number | undefined;
  /** The end of the last sample. */
  #sampledToMs = 0;
  #changedAtMs = 0;
  #ownSinceSampleBytes = 0;
  #stillReadings = 0;
  /**
   * Learnt: how long the counter stands still between refreshes while traffic flows; 0 for a live
   * counter.
   */
  #refreshMs = 0;

  /** Takes the counter's value, and the bytes we handed to the kernel since the last call. */
  read(nowMs: number, counterBytes: number, ownBytes: number): Reading {
    this.#ownSinceSampleBytes += ownBytes;
    if (this.#counterBytes === undefined || counterBytes < this.#counterBytes) {
      this.#counterBytes = counterBytes;
      this.#restart(nowMs);
      return { kind: 'none' };
    }
    if (nowMs <= this.#sampledToMs) return { kind: 'none' };
    return counterBytes === this.#counterBytes ? this.#still(nowMs) : this.#moved(nowMs, counterBytes);
  }

  /** Call when another counter follows, or when the counter was unreadable for a time. */
  forget(): void {
    this.#counterBytes = undefined;
  }

  #restart(nowMs: number): void {
    this.#sampledToMs = nowMs;
    this.#changedAtMs = nowMs;
    this.#ownSinceSampleBytes = 0;
    this.#stillReadings = 0;
    this.#refreshMs = 0;
  }

  #still(nowMs: number): Reading {
    this.#stillReadings += 1;
    if (this.#ownSinceSampleBytes >= CERTAIN_BYTES)
      return { kind: nowMs - this.#sampledToMs > REFRESH_MS_MAX ? 'stuck' : 'none' };
    const awaitsRefresh = nowMs - this.#changedAtMs < 1.5 * this.#refreshMs;
    return awaitsRefresh ? { kind: 'none' } : this.#sample(nowMs, 0, nowMs - this.#sampledToMs);
  }

  #moved(nowMs: number, counterBytes: number): Reading {
    const unsampledMs = nowMs - this.#sampledToMs;
    if (this.#ownSinceSampleBytes >= CERTAIN_BYTES)
      this.#refreshMs = this.#stillReadings === 0 ? 0 : Math.min(unsampledMs, REFRESH_MS_MAX);
    // Bytes that appear after a silence left within the last refresh, not since the last look.
    const refreshedAtMs = Math.min(this.#refreshMs, nowMs - this.#changedAtMs);
    const sentBytes = counterBytes - (this.#counterBytes ?? counterBytes);
    this.#counterBytes = counterBytes;
    this.#changedAtMs = nowMs;
    this.#stillReadings = 0;
    return this.#sample(nowMs, sentBytes, Math.max(unsampledMs, refreshedAtMs));
  }

  #sample(nowMs: number, sentBytes: number, intervalMs: number): Sample {
    const ownBytes = this.#ownSinceSampleBytes;
    this.#sampledToMs = nowMs;
    this.#ownSinceSampleBytes = 0;
    return { kind: 'sample', sentBytes, ownBytes, intervalMs };
  }
}
