// Remembers since when each problem has lasted.
import type { ProblemKind, ProblemView } from '../view/problem-view.ts';

/** Something that is wrong now. */
export interface Problem {
  readonly kind: ProblemKind;
  /** Tells problems of one kind apart, for example by the code of a fault. */
  readonly what?: string;
  readonly message: string;
  readonly remedy?: string | undefined;
  /** When halfpipe tries again, by the monotonic clock. */
  readonly nextTryAtMs?: number | undefined;
  readonly files?: number;
  /** How long it may last before it is more than a notice; Infinity if it never is. */
  readonly degradedAfterMs: number;
}

interface Record {
  readonly sinceMs: number;
  seenMs: number;
}

/**
 * A problem that comes back within this time has not been away: a file that is deferred again and
 * again is under way in between.
 */
const GAP_MS = 60_000;

/**
 * Deterministic: time is an argument, of the monotonic clock; the wall clock is only for showing.
 * Memory is bounded by the problems that lasted within GAP_MS.
 */
export class ProblemBook {
  readonly #records = new Map<string, Record>();

  /** Notes what is wrong now and returns it for views, the worst first. */
  view(problems: readonly Problem[], nowMs: number, wallMs: number): ProblemView[] {
    const atWall = (atMs: number) => Math.round(wallMs + atMs - nowMs);
    const views = problems.map((problem) => {
      const { sinceMs } = this.#note(problem, nowMs);
      const { kind, message, remedy, nextTryAtMs, files, degradedAfterMs } = problem;
      return {
        kind,
        severity: nowMs - sinceMs >= degradedAfterMs ? 'degraded' : 'notice',
        sinceAtMs: atWall(sinceMs),
        message,
        remedy: remedy ?? null,
        nextTryAtMs: nextTryAtMs === undefined ? null : atWall(Math.max(nowMs, nextTryAtMs)),
        files: files ?? null,
      } as const;
    });
    for (const [id, { seenMs }] of this.#records) if (nowMs - seenMs > GAP_MS) this.#records.delete(id);
    const isDegraded = ({ severity }: ProblemView) => severity === 'degraded';
    return [...views.filter(isDegraded), ...views.filter((view) => !isDegraded(view))];
  }

  #note({ kind, what = '' }: Problem, nowMs: number): Record {
    const id = `${kind} ${what}`;
    const known = this.#records.get(id);
    const isSame = known !== undefined && nowMs - known.seenMs <= GAP_MS;
    const record = isSame ? known : { sinceMs: nowMs, seenMs: nowMs };
    record.seenMs = nowMs;
    this.#records.set(id, record);
    return record;
  }
}
