// When a deferred file is tried again. Pure: randomness is an argument.

export interface RetryPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** A file that a human must look at (no permission, say) is not tried sooner than this. */
export const BLOCKED_RETRY_MS = 10 * 60_000;

/**
 * The delay before attempt `attempt + 1`, `attempt` ≥ 1 having failed: exponential, capped, and spread over its upper
 * half so that files deferred together do not return together. Never sooner than the store asked for.
 * `random` is in [0, 1).
 */
export function retryDelayMs(
  { initialMs, maxMs }: RetryPolicy,
  attempt: number,
  random: number,
  retryAfterMs = 0,
): number {
  const ceilingMs = Math.min(maxMs, initialMs * 2 ** Math.min(attempt - 1, 40));
  return Math.max(retryAfterMs, ceilingMs / 2 + (ceilingMs / 2) * random);
}
