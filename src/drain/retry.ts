// Decides when a deferred file is tried again. Pure functions: randomness is an argument.

import { GOOD_FOR_BAD } from './detour.ts';

export interface RetryPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * A file that needs a human, for example one without permissions, is not tried sooner than this.
 */
export const BLOCKED_RETRY_MS = 10 * 60_000;

/**
 * A file that is open for writing is looked at again this soon after it changed, and at the latest
 * after LOOK_LAST_MS if it did not.
 */
const LOOK_AFTER_CHANGE_MS = 1_000;
const LOOK_FIRST_MS = 250;
const LOOK_LAST_MS = 60_000;

export interface NextLook {
  readonly deferForMs: number;
  /** The delay if the file changes before its time. */
  readonly whenChangedMs: number;
}

/**
 * When to look again at a file that was found open for writing `looks` times (≥ 1) since it last
 * changed. Each wait is as long as all earlier ones together. So a file that is closed waits at
 * most as long again as it was open without a change.
 */
export function nextLook(looks: number): NextLook {
  const deferForMs = Math.min(LOOK_LAST_MS, LOOK_FIRST_MS * 2 ** Math.min(looks - 1, 40));
  return { deferForMs, whenChangedMs: Math.min(LOOK_AFTER_CHANGE_MS, deferForMs) };
}

/**
 * The longest wait of a file under a lease. The kernel asks for the lease, and breaks it itself
 * after 45 s (fs.lease-break-time).
 */
export const LEASED_RETRY_MS = 5_000;

/** The longest wait while the spool as a whole cannot be used. Nothing of it is sent meanwhile. */
export const SPOOL_RETRY_MS = 60_000;
/** The longest wait on any line. */
const FAIR_MAX_MS = 60 * 60_000;

/**
 * A file that is refused again and again gets a twentieth of the line: it waits 20 times as long as
 * its sending took.
 */
export function fairDelayMs(sentBytes: number, rateBytesPerSec: number): number {
  return Math.min(FAIR_MAX_MS, (GOOD_FOR_BAD * sentBytes * 1000) / rateBytesPerSec);
}

/**
 * The delay before attempt `attempt + 1`, after `attempt` ≥ 1 failed: exponential, capped, and
 * spread over its upper half, so that files deferred together do not return together. Never sooner
 * than the store asked for. `random` is in [0, 1).
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
