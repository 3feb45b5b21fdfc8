// Decides how many uploads run at once.

/** How the link was used within some time. */
export interface LinkUse {
  /** Time in which no upload waited for the link. */
  readonly idleMs: number;
  /** How long the slice that has waited longest has been waiting. */
  readonly longestWaitMs: number;
}

export interface UploadLimitOptions {
  /** A fixed number ≥ 1, or `auto`. */
  readonly concurrency: number | 'auto';
  /** ≥ 1. The upper bound for `auto`. */
  readonly maxConcurrency: number;
}

export interface UploadDemand {
  readonly active: number;
  /** True if there is work that waits only because of the limit. */
  readonly workWaiting: boolean;
  /** The share of the time, 0 to 1, in which the busiest of our threads was busy. */
  readonly busyShare: number;
}

/**
 * A decision needs this much evidence. Less would mistake a pause between two files for a lack of
 * uploads.
 */
const DECIDE_EVERY_MS = 100;
/** An idle share below this is accepted. */
const TOLERATED_IDLE = 0.01;
/**
 * No step more than doubles the limit, because uploads that just started do not show their effect
 * yet.
 */
const GROWTH_MAX = 2;
/**
 * If a slice waits longer than this for its turn, there are too many uploads. S3 drops a connection
 * after about 20 s.
 */
const LONG_WAIT_MS = 250;
/** After the store asked for fewer requests, the limit does not grow for this time. */
const CALM_MS = 10_000;
const FIRST_LIMIT = 8;
/** Threads as busy as this have no time for more uploads, whatever the link has room for. */
const BUSY_SHARE = 0.9;
/** Up to this many, each upload gets cheaper, because the threads do more in one turn. */
const CHEAPER_UP_TO = 32;

/**
 * Keeps just enough uploads running that a request is always waiting for the next token, and few
 * enough that no request waits long. By Little's law, the number needed is the number running,
 * divided by the share of time in which they keep the shaper busy. Deterministic: time is an
 * argument (`elapsedMs` ≥ 0).
 */
export class UploadLimit {
  #fixed: number | undefined;
  #most: number;
  #limit: number;
  #elapsedMs = 0;
  #idleMs = 0;
  #longestWaitMs = 0;
  #busyMs = 0;
  #calmForMs = 0;

  constructor(options: UploadLimitOptions) {
    this.#limit = FIRST_LIMIT;
    this.#most = options.maxConcurrency;
    this.configure(options);
  }

  configure({ concurrency, maxConcurrency }: UploadLimitOptions): void {
    this.#fixed = concurrency === 'auto' ? undefined : concurrency;
    this.#most = maxConcurrency;
    this.#limit = Math.min(this.#limit, maxConcurrency);
  }

  get current(): number {
    return this.#fixed ?? this.#limit;
  }

  /**
   * Takes how the link was used in the last `elapsedMs`. Returns true if more uploads may run than
   * before.
   */
  observe(use: LinkUse, elapsedMs: number, demand: UploadDemand): boolean {
    const before = this.current;
    this.#elapsedMs += elapsedMs;
    this.#idleMs += use.idleMs;
    this.#longestWaitMs = Math.max(this.#longestWaitMs, use.longestWaitMs);
    this.#busyMs += demand.busyShare * elapsedMs;
    this.#calmForMs = Math.max(0, this.#calmForMs - elapsedMs);
    if (this.#elapsedMs < DECIDE_EVERY_MS) return false;
    const idleShare = Math.min(1, this.#idleMs / this.#elapsedMs);
    const busyShare = this.#busyMs / this.#elapsedMs;
    if (this.#longestWaitMs > LONG_WAIT_MS)
      this.#limit = Math.max(1, this.#limit - Math.ceil(this.#limit / 16));
    else if (
      idleShare > TOLERATED_IDLE &&
      demand.workWaiting &&
      demand.active >= this.#limit &&
      this.#calmForMs === 0
    )
      this.#limit = grown(this.#limit, { idleShare, busyShare, most: this.#most });
    this.#elapsedMs = this.#idleMs = this.#longestWaitMs = this.#busyMs = 0;
    return this.current > before;
  }

  /**
   * The store answered SlowDown, 429 or 503: halves the limit and keeps it from growing for a
   * while.
   */
  slowDown(): void {
    if (this.#calmForMs > CALM_MS - 1_000) return; // the same wave of answers
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    this.#calmForMs = CALM_MS;
  }
}

interface Growth {
  readonly idleShare: number;
  readonly busyShare: number;
  readonly most: number;
}

/** The threads can do for more uploads what they do now, divided by their busy share. */
function grown(limit: number, { idleShare, busyShare, most }: Growth): number {
  const needed = limit * Math.min(GROWTH_MAX, 1 / Math.max(1e-9, 1 - idleShare));
  const affordable = busyShare < BUSY_SHARE ? Math.floor(limit / Math.max(1e-9, busyShare)) : limit;
  return Math.min(most, Math.ceil(needed), Math.max(CHEAPER_UP_TO, affordable));
}
