// Pauses the whole drain when the store is to blame.

/** Why the drain is paused: what is wrong, and what to do. */
export interface PauseReason {
  readonly message: string;
  readonly hint?: string | undefined;
}

export type BreakerState = 'closed' | 'open' | 'trial';

/** The wait doubles with every failed trial, up to this multiple of the first wait. */
const WAIT_MAX = 8;

/**
 * While open, nothing is sent. When the wait is over, a trial is allowed: success closes the
 * breaker, failure opens it for longer. The start is a trial as well. Deterministic: time is an
 * argument, of the monotonic clock.
 */
export class Breaker {
  #state: BreakerState = 'trial';
  #reason: PauseReason | undefined;
  #failedTrials = 0;
  #retryAtMs = 0;
  #probeMs: number;

  constructor(probeMs: number) {
    this.#probeMs = probeMs;
  }

  setProbeInterval(probeMs: number): void {
    this.#probeMs = probeMs;
  }

  /** The first wait between two trials, in milliseconds. */
  get probeMs(): number {
    return this.#probeMs;
  }

  /** Why the drain is paused; undefined while it is not. */
  get reason(): PauseReason | undefined {
    return this.#reason;
  }

  /**
   * What may be sent now: everything, nothing, or what asks the store. Changes the state to a trial
   * when the wait is over.
   */
  allows(nowMs: number): 'all' | 'trial' | 'none' {
    if (this.#state === 'closed') return 'all';
    if (nowMs >= this.#retryAtMs) this.#state = 'trial';
    return this.#state === 'trial' ? 'trial' : 'none';
  }

  /** Milliseconds until a trial is allowed; 0 during a trial and while closed. */
  waitMs(nowMs: number): number {
    return this.#state === 'open' ? Math.max(0, this.#retryAtMs - nowMs) : 0;
  }

  /** The store works. Returns true if this ended a pause. */
  succeed(): boolean {
    const ended = this.#reason !== undefined;
    this.#state = 'closed';
    this.#reason = undefined;
    this.#failedTrials = 0;
    return ended;
  }

  /**
   * The store is to blame. Returns true if this began a pause; a further fault in the same pause is
   * not news.
   */
  fail(reason: PauseReason, nowMs: number, retryAfterMs = 0): boolean {
    const began = this.#reason === undefined;
    if (this.#state === 'trial') this.#failedTrials += 1;
    if (this.#state !== 'open') {
      const waitMs = this.#probeMs * Math.min(WAIT_MAX, 2 ** this.#failedTrials);
      this.#retryAtMs = nowMs + Math.max(waitMs, retryAfterMs);
    }
    this.#state = 'open';
    this.#reason = reason;
    return began;
  }

  /** Allows a trial now, because the operator or the network changed something. */
  retryNow(nowMs: number): void {
    this.#retryAtMs = nowMs;
    this.#failedTrials = 0;
  }
}
