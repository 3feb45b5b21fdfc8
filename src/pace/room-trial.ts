// Finds out whether the line takes more when more requests are in flight than LineRoom would allow.

/** How long a trial lasts: the room fills up, and the rate settles. */
const STEP_MS = 5_000;
/** Twice the room is kept if it brings this much more. */
const WORTHWHILE = 1.25;
const FACTOR_MAX = 64;
/** How long to wait after a trial that brought nothing. Doubles with each further one. */
const REST_MS = 30_000;
/** The longest wait. Afterwards a larger room is tested again as well. */
const REST_MS_MAX = 600_000;

/**
 * A store may limit each connection, and a path that loses packets slows each one down. While
 * requests are held back, this tries twice the room, keeps it if that brings more, and goes back if
 * not. Deterministic: time is an argument, of the monotonic clock.
 */
export class RoomTrial {
  #factor = 1;
  #step = newStep(0, 0);
  #last: { readonly ms: number; readonly bytes: number } | undefined;
  /** What the line took before the running trial, in bytes a second. */
  #rateBefore: number | undefined;
  #restMs = REST_MS;
  #restUntilMs = 0;

  /** By how much to multiply the room: a power of two, ≥ 1. */
  get factor(): number {
    return this.#factor;
  }

  /** `deliveredBytes` only grows. `isHeldBack`: requests wait because there is no room. */
  observe(nowMs: number, deliveredBytes: number, isHeldBack: boolean): void {
    const last = this.#last ?? { ms: nowMs, bytes: deliveredBytes };
    this.#last = { ms: nowMs, bytes: deliveredBytes };
    if (isHeldBack) {
      this.#step.heldBackMs += nowMs - last.ms;
      this.#step.heldBackBytes += deliveredBytes - last.bytes;
    }
    const { fromMs, heldBackMs } = this.#step;
    const elapsedMs = nowMs - fromMs;
    if (elapsedMs < STEP_MS) return;
    const rate = rateOf(this.#step, nowMs, deliveredBytes);
    this.#step = newStep(nowMs, deliveredBytes);
    if (this.#rateBefore !== undefined) this.#judge(nowMs, rate, this.#rateBefore);
    else if (nowMs >= this.#restUntilMs && this.#factor > 1) this.#factor = 1;
    else if (nowMs >= this.#restUntilMs && heldBackMs > elapsedMs / 2) this.#try(rate);
  }

  #try(rateBefore: number): void {
    this.#rateBefore = rateBefore;
    this.#factor *= 2;
  }

  #judge(nowMs: number, rate: number, rateBefore: number): void {
    if (rate >= rateBefore * WORTHWHILE && this.#factor < FACTOR_MAX) return this.#try(rate);
    this.#rateBefore = undefined;
    if (rate < rateBefore * WORTHWHILE) this.#factor /= 2;
    const hasGained = this.#factor > 1;
    this.#restUntilMs = nowMs + (hasGained ? REST_MS_MAX : this.#restMs);
    this.#restMs = hasGained ? REST_MS : Math.min(REST_MS_MAX, this.#restMs * 2);
  }
}

function newStep(fromMs: number, fromBytes: number) {
  return { fromMs, fromBytes, heldBackMs: 0, heldBackBytes: 0 };
}

/**
 * The rate while requests were held back, if that was most of the time. In the rest there may have
 * been nothing to carry.
 */
function rateOf(step: ReturnType<typeof newStep>, nowMs: number, deliveredBytes: number): number {
  const elapsedMs = nowMs - step.fromMs;
  if (step.heldBackMs > elapsedMs / 2) return (step.heldBackBytes * 1000) / step.heldBackMs;
  return ((deliveredBytes - step.fromBytes) * 1000) / elapsedMs;
}
