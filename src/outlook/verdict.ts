// Says whether the drain keeps up, in a way that does not come and go.

import type { ForecastView } from '../view/backlog-view.ts';

export type Verdict = ForecastView['verdict'];

/** Above 1, the backlog grows. */
export interface Pressure {
  /** Without bursts. */
  readonly steady: number;
  /** With all that arrived, if that was no burst. */
  readonly high: number;
}

/** What is seen at one moment. */
export interface Signs {
  readonly files: number;
  /** Files wait that could be sent, and nothing leaves. */
  readonly isStalled: boolean;
  /** Files have left in the last minute, and not only just now. */
  readonly isFlowing: boolean;
  /** Undefined while the drain has never had more to do than it had begun. */
  readonly rates:
    | {
        /** How long what waits takes at the present speed. */
        readonly workMs: number;
        /** Arrivals as a part of what leaves, over some minutes and over a longer time. */
        readonly short: Pressure;
        readonly long: Pressure;
      }
    | undefined;
}

/** Bad news, and the end of bad news, must last this long. */
const FALLING_MS = 60_000;
/** So long any other change. */
const CHANGE_MS = 10_000;
/** A verdict is still known this long after the last work. */
const REMEMBERED_MS = 60_000;
/** Work that takes less than this is no backlog. */
const LITTLE_MS = 30_000;
/** Less than this part is not worth calling arrivals. */
const TRICKLE = 0.05;
/** Arrivals that differ from what leaves by less than this part are as much. */
const LEVEL = 0.05;
/** So clear a difference in the last minutes needs no longer time that agrees. */
const CLEAR = 0.25;

type Judged = Extract<Verdict, 'keeping-up' | 'catching-up' | 'falling-behind'>;

/** Deterministic: time is an argument, of the monotonic clock. Call judge() about once a second. */
export class VerdictKeeper {
  #verdict: Verdict = 'unknown';
  #judged: Judged | undefined;
  #judgedAtMs = Number.NEGATIVE_INFINITY;
  /** The candidate that would replace the judgement, and since when. */
  #candidate: { readonly judged: Judged; readonly sinceMs: number } | undefined;

  get verdict(): Verdict {
    return this.#verdict;
  }

  judge(nowMs: number, signs: Signs): Verdict {
    this.#verdict = this.#decide(nowMs, signs);
    return this.#verdict;
  }

  #decide(nowMs: number, { files, isStalled, isFlowing, rates }: Signs): Verdict {
    if (nowMs - this.#judgedAtMs > REMEMBERED_MS) this.#judged = undefined;
    // A drain that keeps up empties the spool again and again.
    if (files === 0 && this.#judged !== 'keeping-up') return 'empty';
    if (files === 0) {
      if (isFlowing) this.#judgedAtMs = nowMs;
      return this.#judged ?? 'empty';
    }
    if (isStalled) return 'stalled';
    if (rates === undefined) {
      if (isFlowing) this.#settle(nowMs, this.#judged ?? 'keeping-up', false);
      return this.#judged ?? 'unknown';
    }
    const nothingArrives = rates.short.high === 0 && rates.long.high === 0;
    this.#settle(nowMs, this.#read(rates) ?? this.#judged, nothingArrives);
    return this.#judged ?? 'unknown';
  }

  /** `found` is undefined if nothing speaks for another verdict. */
  #settle(nowMs: number, found: Judged | undefined, nothingArrives: boolean): void {
    if (found === undefined) return;
    this.#judgedAtMs = nowMs;
    if (found === this.#judged) {
      this.#candidate = undefined;
      return;
    }
    if (this.#candidate?.judged !== found) this.#candidate = { judged: found, sinceMs: nowMs };
    if (nowMs - this.#candidate.sinceMs < this.#neededMs(found, nothingArrives)) return;
    this.#judged = found;
    this.#candidate = undefined;
  }

  #neededMs(found: Judged, nothingArrives: boolean): number {
    if (found === 'falling-behind') return FALLING_MS;
    if (this.#judged === undefined) return 0;
    // That nothing arrives was looked at for long enough.
    return this.#judged === 'falling-behind' ? (nothingArrives ? 0 : FALLING_MS) : CHANGE_MS;
  }

  #read({ workMs, short, long }: NonNullable<Signs['rates']>): Judged | undefined {
    const isLittle = workMs <= LITTLE_MS;
    const isFalling = this.#judged === 'falling-behind';
    if (isFalling ? isGrowing(short, long) : isClearlyGrowing(short, long))
      return isLittle ? this.#judged : 'falling-behind';
    const keeps = this.#judged === 'keeping-up';
    if (long.steady <= (keeps ? TRICKLE : 2 * TRICKLE)) return 'catching-up';
    const isLevel = long.steady > 1 - (keeps ? 2 : 1) * LEVEL;
    return isLittle || isLevel ? 'keeping-up' : 'catching-up';
  }
}

function isClearlyGrowing(short: Pressure, long: Pressure): boolean {
  return short.steady > 1 + CLEAR || (short.steady > 1 + LEVEL && long.steady > 1 + LEVEL);
}

/** What was said to grow does so until the opposite is as clear. */
function isGrowing(short: Pressure, long: Pressure): boolean {
  return short.high >= 1 - CLEAR && (short.high >= 1 || long.high >= 1);
}
