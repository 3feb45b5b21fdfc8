// How work that waits shrinks while the speed of the drain changes at known times.

/** From `fromMs` on, until the next stretch, the drain does `speed` seconds of work a second. */
export interface Stretch {
  /** Milliseconds from now; the first is 0, and they grow. */
  readonly fromMs: number;
  /** 1 is the speed at which the work was measured. */
  readonly speed: number;
}

/**
 * When the work is done, in milliseconds from now; Infinity if never. `workMs` is what waits and
 * `load` what comes meanwhile, both as time at speed 1.
 */
export function endOf(workMs: number, load: number, stretches: readonly Stretch[]): number {
  let leftMs = workMs;
  for (const [index, { fromMs, speed }] of stretches.entries()) {
    const untilMs = stretches[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const net = speed - load;
    if (leftMs <= 0) return fromMs;
    if (net > 0 && leftMs / net <= untilMs - fromMs) return fromMs + leftMs / net;
    leftMs -= net * (untilMs - fromMs);
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * When `room` is used up by a growth that changes with the speed of the drain, before `endMs`;
 * null if that does not happen. `growthAt(speed)` is in units of `room` a millisecond.
 */
export function fullAt(
  room: number,
  growthAt: (speed: number) => number,
  stretches: readonly Stretch[],
  endMs: number,
): number | null {
  let left = room;
  for (const [index, { fromMs, speed }] of stretches.entries()) {
    const untilMs = Math.min(endMs, stretches[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY);
    const growth = growthAt(speed);
    if (untilMs <= fromMs) break;
    if (growth > 0 && left / growth <= untilMs - fromMs) return fromMs + left / growth;
    if (untilMs === Number.POSITIVE_INFINITY) break;
    left -= growth * (untilMs - fromMs);
  }
  return null;
}
