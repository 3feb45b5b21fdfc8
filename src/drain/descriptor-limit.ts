// Bounds the number of transfers when file descriptors run out.

/** The cause may have gone by then. If not, descriptors run out again and one file waits. */
const DOUBLES_AFTER_MS = 60_000;

/**
 * Halves the number of transfers that was running, because the link's counter, scans and journals
 * need descriptors as well. Doubles it after each minute without trouble. Deterministic: time is an
 * argument, of the monotonic clock.
 */
export class DescriptorLimit {
  #transfers = Number.POSITIVE_INFINITY;
  #changedAtMs = 0;

  get transfers(): number {
    return this.#transfers;
  }

  /** Descriptors ran out with `active` transfers running. */
  ranOut(active: number, nowMs: number): void {
    this.#transfers = Math.max(1, Math.floor(active / 2));
    this.#changedAtMs = nowMs;
  }

  /** A transfer succeeded. */
  sufficed(nowMs: number): void {
    if (nowMs - this.#changedAtMs < DOUBLES_AFTER_MS) return;
    this.#transfers *= 2;
    this.#changedAtMs = nowMs;
  }
}
