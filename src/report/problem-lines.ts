// Log lines about problems that last, and about those that no other line tells of.
import type { Logger } from '../log/log.ts';
import type { Clock } from '../system/clock.ts';
import type { ProblemKind, ProblemView } from '../view/problem-view.ts';
import { readableDuration } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';

/** A problem that has lasted for this long may have been overlooked. */
const LASTING_MS = 20 * 60_000;
/** It is told again as often. */
const AGAIN_MS = 24 * 60 * 60_000;
/** Times of the wall clock that differ by less are those of one problem. */
const SAME_MS = 5_000;
/** A problem is over when it has not been seen for this long; ProblemBook says why. */
const OVER_MS = 60_000;

/** No other line tells of these when they begin. */
const UNTOLD: ReadonlySet<ProblemKind> = new Set(['falling-behind', 'disk-full']);

interface Told {
  readonly problem: ProblemView;
  readonly toldMs: number;
  seenMs: number;
}

/** Monotonic clock. */
export function problemLines(clock: Clock, log: Logger): Listener {
  let told: Told[] = [];
  return (event) => {
    if (event.kind !== 'state') return;
    const nowMs = clock.monotonicMs();
    const { problems, takenAtMs } = event.snapshot;
    for (const problem of problems.filter(({ severity }) => severity === 'degraded')) {
      const known = told.find((other) => isSame(other.problem, problem));
      if (known !== undefined) known.seenMs = nowMs;
      const lastedMs = takenAtMs - problem.sinceAtMs;
      const isDue = UNTOLD.has(problem.kind) || lastedMs >= LASTING_MS;
      if (!isDue || (known !== undefined && nowMs - known.toldMs < AGAIN_MS)) continue;
      told = [...told.filter((other) => other !== known), { problem, toldMs: nowMs, seenMs: nowMs }];
      tellProblem(log, problem, lastedMs);
    }
    for (const { problem } of told.filter(({ seenMs }) => nowMs - seenMs > OVER_MS))
      log.info({ event: 'problemOver', what: problem.kind }, `over: ${problem.message}`);
    told = told.filter(({ seenMs }) => nowMs - seenMs <= OVER_MS);
  };
}

function tellProblem(log: Logger, problem: ProblemView, lastedMs: number): void {
  const { kind, message, remedy, files, sinceAtMs } = problem;
  const lasting = lastedMs < LASTING_MS ? '' : `for ${readableDuration(lastedMs)}: `;
  const toDo = remedy === null ? '' : `; what to do: ${remedy}`;
  log.warn({ event: 'problem', what: kind, files, sinceAtMs, remedy }, `${lasting}${message}${toDo}`);
}

function isSame(one: ProblemView, other: ProblemView): boolean {
  const isSameKind = one.kind === other.kind && one.remedy === other.remedy;
  return isSameKind && Math.abs(one.sinceAtMs - other.sinceAtMs) < SAME_MS;
}
