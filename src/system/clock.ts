// The one place that reads time. Everything else takes time as an argument or waits through this
// port, so that the whole daemon also runs on a simulated clock.
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds of a clock that never steps. Only differences have a meaning. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. Steps when an operator or NTP sets the clock. */
  wallMs(): number;
  /** Resolves after `ms` (≥ 0). Rejects with `signal.reason` as soon as the signal aborts. */
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

/** The longest interval that Node.js accepts, 24 days. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/**
 * From now on, only process.exit ends the process. Timers of `schedule` do not keep it alive, and a
 * request that waits for its turn has no connection yet, so Node.js would otherwise end the process
 * with code 13 in the middle of its work.
 */
export function keepAlive(): void {
  setInterval(() => undefined, DELAY_MS_MAX);
}

/**
 * CLOCK_MONOTONIC in microseconds, comparable with what other processes read. Only for
 * sd_notify(3).
 */
export function kernelMonotonicUsec(): bigint {
  return process.hrtime.bigint() / 1000n;
}

/** When this process was started, in milliseconds since the Unix epoch. */
export function processStartMs(): number {
  return performance.timeOrigin;
}
