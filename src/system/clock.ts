// The one place that reads time. Everything else takes time as an argument or waits through this
// port, so the whole daemon also runs under a simulated clock.
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds on a clock that never steps; only differences have a meaning. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; may step when an operator or NTP sets the clock. */
  wallMs(): number;
  /** Resolves after `ms` (≥ 0); rejects with `signal.reason` as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `callback` once after `ms`, unless the returned function is called first. Does not keep
   * the process alive.
   */
  schedule(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  schedule(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The longest interval that Node.js takes, 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * From now on the process ends by process.exit alone: what `schedule` waits for would not keep it,
 * and a request that waits for its turn on the link has no connection yet. Node.js would end it
 * with 13, in the middle of its work.
 */
export function keepAlive(): void {
  setInterval(() => undefined, LONGEST_MS);
}

/**
 * CLOCK_MONOTONIC in microseconds, comparable with what other processes read: for sd_notify(3)
 * alone.
 */
export function kernelMonotonicUsec(): bigint {
  return process.hrtime.bigint() / 1000n;
}
