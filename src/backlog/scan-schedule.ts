// When the next scan is due. Deterministic: time is an argument, of the monotonic clock. Scanning
// stays a small part of the time, unless there is nothing else to do than find more work. A scan
// that took long because a disk or a server did not answer does not make the next one wait for
// hours: the rest is bounded.

/**
 * - `routine`: a hint, a file that settles, the rescan interval.
 * - `low`: the entries at hand run low and the last scan counted more.
 * - `starved`: none is at hand, and the last scan counted more.
 */
export type ScanReason = 'routine' | 'low' | 'starved';

// Rest after a scan, in multiples of the time it took: 9 for 10 % of the time spent scanning, 1 for
// 50 %.
const REST_FACTOR: Readonly<Record<ScanReason, number>> = { routine: 9, low: 1, starved: 0 };
// Hints come in bursts: this many milliseconds gather into one scan.
const REST_MIN_MS: Readonly<Record<ScanReason, number>> = { routine: 100, low: 100, starved: 0 };

export class ScanSchedule {
  readonly #wantedMs = new Map<ScanReason, number>();
  #restMaxMs: number;
  #endedMs = Number.NEGATIVE_INFINITY;
  #tookMs = 0;

  /** `restMaxMs`: no rest is longer. */
  constructor(restMaxMs: number) {
    this.#restMaxMs = restMaxMs;
  }

  setRestMax(restMaxMs: number): void {
    this.#restMaxMs = restMaxMs;
  }

  /**
   * A scan is wanted at `atMs` or as soon after as the duty limit of `reason` allows. Wishes
   * coalesce.
   */
  want(reason: ScanReason, atMs: number): void {
    this.#wantedMs.set(reason, Math.min(atMs, this.#wantedMs.get(reason) ?? atMs));
  }

  /**
   * Wishes up to now are served by the scan that begins; those that come during it are for the next
   * one.
   */
  began(): void {
    this.#wantedMs.clear();
  }

  ended(nowMs: number, tookMs: number): void {
    this.#endedMs = nowMs;
    this.#tookMs = tookMs;
  }

  /** When to scan next; Infinity when no scan is wanted. May lie in the past. */
  dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const [reason, wantedMs] of this.#wantedMs) {
      const shareMs = Math.min(REST_FACTOR[reason] * this.#tookMs, this.#restMaxMs);
      const restMs = Math.max(REST_MIN_MS[reason], shareMs);
      dueMs = Math.min(dueMs, Math.max(wantedMs, this.#endedMs + restMs));
    }
    return dueMs;
  }
}
