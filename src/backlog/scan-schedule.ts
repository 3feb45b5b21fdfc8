// Decides when the next scan is due.

/**
 * - `routine`: a hint, a file that settles, or the rescan interval.
 * - `low`: few entries are left, and the last scan counted more.
 * - `starved`: no entry is left, and the last scan counted more.
 */
export type ScanReason = 'routine' | 'low' | 'starved';

// Rest after a scan, in multiples of its duration: 9 means 10 % of the time is spent scanning, 1
// means 50 %.
const REST_FACTOR: Readonly<Record<ScanReason, number>> = { routine: 9, low: 1, starved: 0 };
/**
 * While files wait, a routine scan rests for an interval for each 100,000 of them, at most for
 * DEEP_REST_MS_MAX, unless 10 % of the time requires more. A scan of a million files takes 6 s of a
 * core, and there is enough to do without what it may find.
 */
const DEEP_FILES = 100_000;
const DEEP_REST_MS_MAX = 120_000;
// Hints come in bursts. A burst within this time leads to one scan.
const REST_MIN_MS: Readonly<Record<ScanReason, number>> = { routine: 100, low: 100, starved: 0 };

/**
 * Keeps scanning a small part of the time, unless finding more work is all there is to do. A scan
 * that took long because a disk or a server did not answer does not delay the next one by hours,
 * because the rest is bounded.
 * Deterministic: time is an argument, of the monotonic clock.
 */
export class ScanSchedule {
  readonly #wantedAtMs = new Map<ScanReason, number>();
  #restMaxMs: number;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  #waiting = 0;

  /** No rest is longer than `restMaxMs`. */
  constructor(restMaxMs: number) {
    this.#restMaxMs = restMaxMs;
  }

  setRestMax(restMaxMs: number): void {
    this.#restMaxMs = restMaxMs;
  }

  /**
   * Requests a scan at `atMs`, or as soon after as the limit for `reason` allows. Requests are
   * merged.
   */
  want(reason: ScanReason, atMs: number): void {
    this.#wantedAtMs.set(reason, Math.min(atMs, this.#wantedAtMs.get(reason) ?? atMs));
  }

  /**
   * A scan begins and serves all requests so far. Requests that come during the scan are for the
   * next one.
   */
  began(): void {
    this.#wantedAtMs.clear();
  }

  /** `waiting` is the number of files that wait to be uploaded. */
  ended(nowMs: number, tookMs: number, waiting: number): void {
    this.#endedAtMs = nowMs;
    this.#tookMs = tookMs;
    this.#waiting = waiting;
  }

  /** When to scan next; Infinity if no scan is requested. May lie in the past. */
  dueAtMs(): number {
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (const [reason, wantedAtMs] of this.#wantedAtMs) {
      const shareMs = Math.min(REST_FACTOR[reason] * this.#tookMs, this.#restMaxMs);
      const deepMs = reason === 'routine' ? this.#deepRestMs() : 0;
      const restMs = Math.max(REST_MIN_MS[reason], shareMs, deepMs);
      dueAtMs = Math.min(dueAtMs, Math.max(wantedAtMs, this.#endedAtMs + restMs));
    }
    return dueAtMs;
  }

  #deepRestMs(): number {
    const intervals = Math.floor(this.#waiting / DEEP_FILES);
    const restMaxMs = Math.max(DEEP_REST_MS_MAX, REST_FACTOR.routine * this.#tookMs);
    return Math.min(intervals * this.#restMaxMs, restMaxMs);
  }
}
