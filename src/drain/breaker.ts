// Pauses the whole drain when the fault is nobody's file. Pure: time is an argument.
// Open: nothing is sent. When the wait is over, one trial upload decides: success closes it, failure waits again, longer.
// A start is a trial, too.

export type BreakerState = 'closed' | 'open' | 'trial';

/** So many transient failures in a row, over whatever files, are a store that is away. */
const TRANSIENT_LIMIT = 8;
/** A store that asks for less gets less; one that refuses this many in a row all the same is left alone for a while. */
const REFUSAL_LIMIT = 64;
/** The wait doubles with every failed trial, up to this multiple of the first. */
const LONGEST_WAIT = 8;

export class Breaker {
  #state: BreakerState = 'trial';
  #reason: string | undefined;
  #transients = 0;
  #refusals = 0;
  #failedTrials = 0;
  #retryAtMs = 0;
  #probeMs: number;

  constructor(probeMs: number) {
    this.#probeMs = probeMs;
  }

  setProbeInterval(probeMs: number): void {
    this.#probeMs = probeMs;
  }

  /** Why the drain is paused; undefined while it is not. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** How many uploads may run now: all, none, or the one trial. */
  allows(nowMs: number): 'all' | 'one' | 'none' {
    if (this.#state === 'closed') return 'all';
    if (nowMs >= this.#retryAtMs) this.#state = 'trial';
    return this.#state === 'trial' ? 'one' : 'none';
  }

  /** Milliseconds until a trial is allowed; 0 when one is, or when the breaker is closed. */
  waitMs(nowMs: number): number {
    return this.#state === 'open' ? Math.max(0, this.#retryAtMs - nowMs) : 0;
  }

  /** An upload went through, or the store answered and there is nothing to upload. True when that ended a pause. */
  succeed(): boolean {
    const ended = this.#reason !== undefined;
    this.#state = 'closed';
    this.#reason = undefined;
    this.#transients = 0;
    this.#refusals = 0;
    this.#failedTrials = 0;
    return ended;
  }

  /** A fault of class `breaker`. True when that began a pause: a further fault in the same pause is no news. */
  fail(reason: string, nowMs: number, retryAfterMs = 0): boolean {
    const began = this.#reason === undefined;
    if (this.#state === 'trial') this.#failedTrials += 1;
    if (this.#state !== 'open') {
      const waitMs = this.#probeMs * Math.min(LONGEST_WAIT, 2 ** this.#failedTrials);
      this.#retryAtMs = nowMs + Math.max(waitMs, retryAfterMs);
    }
    this.#state = 'open';
    this.#reason = reason;
    return began;
  }

  /** A transient fault of one file. True when it was one too many in a row, and opened the breaker. */
  failTransiently(reason: string, nowMs: number, retryAfterMs = 0): boolean {
    this.#transients += 1;
    if (this.#state === 'closed' && this.#transients < TRANSIENT_LIMIT) return false;
    return this.fail(reason, nowMs, retryAfterMs);
  }

  /** The store asked for fewer requests. True when it refused too many in a row, and that opened the breaker. */
  slowDown(reason: string, nowMs: number, retryAfterMs = 0): boolean {
    this.#refusals += 1;
    if (this.#state === 'closed' && this.#refusals < REFUSAL_LIMIT) return false;
    return this.fail(reason, nowMs, retryAfterMs);
  }

  /** Try now: the operator changed something. */
  retryNow(nowMs: number): void {
    this.#retryAtMs = nowMs;
    this.#failedTrials = 0;
  }
}
