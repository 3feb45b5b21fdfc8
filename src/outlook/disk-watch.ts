// Says that the disk will be full, in a way that does not come and go.

/** The end is told if it is nearer than this, */
const NEAR_MS = 48 * 3_600_000;
/** and until it is further away than this. */
const FAR_MS = 72 * 3_600_000;
/** Either has to last this long. */
const LASTING_MS = 60_000;

/** Deterministic: time is an argument, of the monotonic clock. Call it about once a second. */
export class DiskWatch {
  /** When the disk is full, of the last time that said so; undefined while nothing is told. */
  #fullAtMs: number | undefined;
  /** Since when it is the other way. */
  #otherSinceMs: number | undefined;

  /** `fullInMs`: null if the disk is not filling. Returns what to tell. */
  observe(nowMs: number, fullInMs: number | null): number | null {
    const isTold = this.#fullAtMs !== undefined;
    const isNear = fullInMs !== null && fullInMs < (isTold ? FAR_MS : NEAR_MS);
    if (isNear === isTold) this.#otherSinceMs = undefined;
    else this.#otherSinceMs ??= nowMs;
    const changes = this.#otherSinceMs !== undefined && nowMs - this.#otherSinceMs >= LASTING_MS;
    if (changes) this.#otherSinceMs = undefined;
    if (changes && isTold) this.#fullAtMs = undefined;
    else if (isNear && (isTold || changes)) this.#fullAtMs = nowMs + fullInMs;
    return this.#fullAtMs === undefined ? null : Math.max(0, this.#fullAtMs - nowMs);
  }
}
