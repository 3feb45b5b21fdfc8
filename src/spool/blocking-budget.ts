// Decides whether the main thread may wait for the disk itself. Deterministic: time is an argument.

/** A call that takes longer has waited for the disk. An answer from memory takes 10 µs. */
const WAITED_FROM_MS = 1;
const PERIOD_MS = 10_000;
/** 5 % of the period. A hard disk, which takes 10 ms for a call, uses this up in 50 calls. */
const WAIT_MAX_MS = 500;

/**
 * How long calls that block a thread may wait for the disk: 500 ms in each period of 10 s. The rest
 * of the period belongs to the thread pool, which also asks the disk for several files at once.
 * Times are of the monotonic clock. A single call can take longer than the budget, because it
 * cannot be cancelled.
 */
export class BlockingBudget {
  #periodEndsAtMs = Number.NEGATIVE_INFINITY;
  #waitedMs = 0;

  /** True if a call may block at `nowMs`. */
  allows(nowMs: number): boolean {
    return this.#waitedMs < WAIT_MAX_MS || nowMs >= this.#periodEndsAtMs;
  }

  /** A call that blocked has ended at `nowMs`, after `tookMs`. */
  charge(tookMs: number, nowMs: number): void {
    if (tookMs < WAITED_FROM_MS) return;
    if (nowMs >= this.#periodEndsAtMs) {
      this.#periodEndsAtMs = nowMs + PERIOD_MS;
      this.#waitedMs = 0;
    }
    this.#waitedMs += tookMs;
  }
}
