// Finds out whether the line takes more when more requests are under way than LineRoom would allow:
// a store may limit each connection, and a path that loses packets slows each of them down. While
// requests are held back it tries twice the room, keeps what pays, and goes back where it does not.
// Deterministic: time is an argument.

/** A trial lasts this long: what is held fills up, and the rate settles. */
const STEP_MS = 5_000;
/** Twice the room has to bring this much more to be kept. */
const WORTHWHILE = 1.25;
const MOST_FACTOR = 64;
/** After a trial that brought nothing, so long no other; twice as long after each further one … */
const REST_MS = 30_000;
/** … up to this. What was kept is found out anew after it. */
const MOST_REST_MS = 600_000;

export class RoomTrial {
  #factor = 1;
  #step = newStep(0, 0);
  #last: { readonly ms: number; readonly bytes: number } | undefined;
  /** What the line took before the trial that runs. */
  #rateBefore: number | undefined;
  #restMs = REST_MS;
  #restUntilMs = 0;

  /** How many times the room to give; a power of two ≥ 1. */
  get factor(): number {
    return this.#factor;
  }

  /** `deliveredBytes` counts up; `isHeldBack`: requests wait because there is no room. */
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
    if (rate >= rateBefore * WORTHWHILE && this.#factor < MOST_FACTOR) return this.#try(rate);
    this.#rateBefore = undefined;
    if (rate < rateBefore * WORTHWHILE) this.#factor /= 2;
    const hasGained = this.#factor > 1;
    this.#restUntilMs = nowMs + (hasGained ? MOST_REST_MS : this.#restMs);
    this.#restMs = hasGained ? REST_MS : Math.min(MOST_REST_MS, this.#restMs * 2);
  }
}

function newStep(fromMs: number, fromBytes: number) {
  return { fromMs, fromBytes, heldBackMs: 0, heldBackBytes: 0 };
}

/**
 * While requests were held back, if that is most of the time: in the rest there may have been
 * nothing to take.
 */
function rateOf(step: ReturnType<typeof newStep>, nowMs: number, deliveredBytes: number): number {
  const elapsedMs = nowMs - step.fromMs;
  if (step.heldBackMs > elapsedMs / 2) return (step.heldBackBytes * 1000) / step.heldBackMs;
  return ((deliveredBytes - step.fromBytes) * 1000) / elapsedMs;
}
