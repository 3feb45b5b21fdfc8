// What will become of the backlog: rates, a forecast and a verdict, once a second.

import type { EtaView, FlowRatesView, FlowView, ForecastView } from '../view/backlog-view.ts';
import { DiskWatch } from './disk-watch.ts';
import { ENOUGH_MS, FlowLog, type FlowMoment, MINUTE_MS } from './flow-log.ts';
import {
  diskFullIn,
  type Prospect,
  pressureOf,
  type Range,
  rangeOf,
  shareToHold,
  telling,
  type Waiting,
  type WindowsSeen,
  windowsSeen,
} from './forecast.ts';
import type { Allowed } from './tempo.ts';
import { type Pressure, VerdictKeeper } from './verdict.ts';

export interface OutlookMoment extends FlowMoment {
  readonly waiting: Waiting;
  /** Files that wait for another attempt. */
  readonly deferred: number;
  /** Files that are not complete yet. */
  readonly unsettled: number;
  /** The drain stands still until something changes: an order, the store, the link. */
  readonly isPaused: boolean;
  /** Undefined while there is no link. */
  readonly allowed: Allowed | undefined;
}

/** If nothing has left for this long, the drain is stalled. */
const STALLED_MS = 2 * MINUTE_MS;
/** What has lasted for less is no flow. */
const BRIEF_MS = 10_000;
/** The same time while the drain is paused. */
const PAUSED_MS = 5_000;
const NO_WINDOWS: WindowsSeen = {
  ...{ minute: undefined, threeMinutes: undefined },
  ...{ tenMinutes: undefined, hour: undefined },
};

interface Found {
  readonly atMs: number;
  readonly range: Range | undefined;
  readonly basis: Prospect | undefined;
  readonly shareToHold: number | null;
  readonly diskFullMs: number | null;
}

const AT_ONCE: Range = { lowMs: 0, highMs: 0 };
const NOTHING: Found = {
  ...{ atMs: 0, range: undefined, basis: undefined },
  ...{ shareToHold: null, diskFullMs: null },
};

/**
 * Keeps an hour of the flow and what follows from it. Deterministic: time is an argument. Rates and
 * durations are of the monotonic clock; the wall clock only says at what time of day an end is.
 */
export class Outlook {
  readonly #log = new FlowLog();
  readonly #verdict = new VerdictKeeper();
  readonly #disk = new DiskWatch();
  #movableSinceMs: number | undefined;
  #found = NOTHING;

  /** Call it about once a second. */
  observe(nowMs: number, moment: OutlookMoment): void {
    // What does not leave while it is stalled says nothing about the time after it.
    this.#log.observe(nowMs, {
      ...moment,
      isWorking: moment.isWorking && this.#verdict.verdict !== 'stalled',
    });
    const { waiting, allowed } = moment;
    const { files } = waiting;
    const isStalled = this.#isStalled(nowMs, moment);
    const seen = files === 0 ? NO_WINDOWS : windowsSeen(this.#log, waiting, allowed);
    const told = telling(seen, this.#log.longestGapMs);
    const verdict = this.#verdict.judge(nowMs, {
      ...{ files, isStalled },
      isFlowing: this.#log.growth('drainedFiles', MINUTE_MS) > this.#log.growth('drainedFiles', BRIEF_MS),
      rates: told && {
        workMs: told.short.workMs,
        short: pressures(told.short),
        long: pressures(told.long),
      },
    });
    const showsIt = told !== undefined && (verdict !== 'falling-behind' || pressures(told.long).steady >= 1);
    const basis = showsIt ? told.long : told?.short;
    const found = this.#foretell(nowMs, moment, seen, basis, isStalled);
    this.#found = { ...found, diskFullMs: this.#disk.observe(nowMs, found.diskFullMs) };
  }

  view(nowMs: number, wallMs: number): { readonly flow: FlowView; readonly forecast: ForecastView } {
    return { flow: this.#flow(), forecast: this.#forecast(nowMs, wallMs) };
  }

  #foretell(
    nowMs: number,
    { waiting, allowed, isPaused }: OutlookMoment,
    seen: WindowsSeen,
    basis: Prospect | undefined,
    isStalled: boolean,
  ): Found {
    const { verdict } = this.#verdict;
    if (waiting.files === 0) return { ...NOTHING, atMs: nowMs, range: AT_ONCE };
    if (verdict === 'unknown') return { ...NOTHING, atMs: nowMs };
    // A pause that is known to end is a time with a share of 0; any other stillness has no end.
    const endsByItself = isPaused && allowed?.shares[0]?.share === 0;
    // A backlog that stays as large as it is has no end.
    const isLevel = verdict === 'keeping-up' && (basis?.workMs ?? 0) > MINUTE_MS;
    const hasEnd = verdict === 'stalled' ? endsByItself : verdict !== 'falling-behind' && !isLevel;
    const range = hasEnd ? rangeOf(seen, waiting, this.#log.rememberedMs) : undefined;
    const moving = isStalled && !endsByItself ? undefined : basis;
    const endMs = range?.lowMs ?? Number.POSITIVE_INFINITY;
    return {
      ...{ atMs: nowMs, range, basis: moving },
      shareToHold: verdict === 'falling-behind' && moving !== undefined ? shareToHold(moving, allowed) : null,
      diskFullMs:
        moving === undefined && !isStalled
          ? null
          : diskFullIn(this.#log, 10 * MINUTE_MS, moving, waiting, endMs),
    };
  }

  #isStalled(nowMs: number, { waiting, deferred, unsettled, isPaused }: OutlookMoment): boolean {
    const { files } = waiting;
    const isMovable = !isPaused && files > deferred + unsettled;
    if (!isMovable) this.#movableSinceMs = undefined;
    else this.#movableSinceMs ??= nowMs;
    if (files === 0) return false;
    // What was on its way when a pause began may still end.
    if (isPaused || deferred >= files) return !this.#hasMoved(PAUSED_MS);
    return (
      this.#movableSinceMs !== undefined &&
      nowMs - this.#movableSinceMs >= STALLED_MS &&
      !this.#hasMoved(STALLED_MS)
    );
  }

  #hasMoved(withinMs: number): boolean {
    const log = this.#log;
    return log.growth('drainedFiles', withinMs) > 0 || log.growth('drainedBytes', withinMs) > 0;
  }

  #forecast(nowMs: number, wallMs: number): ForecastView {
    const { atMs, range, basis, shareToHold: share, diskFullMs } = this.#found;
    const { verdict } = this.#verdict;
    const agoMs = nowMs - atMs;
    return {
      verdict,
      eta: range === undefined ? null : etaView(range, agoMs, wallMs),
      basis: basis === undefined ? null : basisView(basis),
      shareToHold: share,
      diskFullMs: diskFullMs === null ? null : Math.max(0, diskFullMs - agoMs),
    };
  }

  #flow(): FlowView {
    return {
      lastMinute: this.#mean(MINUTE_MS, ENOUGH_MS),
      last10Minutes: this.#mean(10 * MINUTE_MS, MINUTE_MS),
      lastHour: this.#mean(60 * MINUTE_MS, 10 * MINUTE_MS),
    };
  }

  #mean(windowMs: number, leastMs: number): FlowRatesView | null {
    const log = this.#log;
    const arrived = log.rememberedMs < leastMs ? undefined : log.arrivals(windowMs)?.mean;
    if (arrived === undefined) return null;
    const perSec = (name: 'drainedFiles' | 'drainedBytes') =>
      (Math.max(0, log.growth(name, windowMs)) * 1000) / log.spanMs(windowMs);
    return {
      arrivedFilesPerSec: arrived.files,
      arrivedBytesPerSec: arrived.bytes,
      drainedFilesPerSec: perSec('drainedFiles'),
      drainedBytesPerSec: perSec('drainedBytes'),
    };
  }
}

function pressures(of: Prospect): Pressure {
  return { steady: pressureOf(of, of.usualLoad), high: pressureOf(of, of.highLoad) };
}

function etaView({ lowMs, highMs }: Range, agoMs: number, wallMs: number): EtaView {
  const low = Math.round(Math.max(0, lowMs - agoMs));
  const high = Number.isFinite(highMs) ? Math.round(Math.max(0, highMs - agoMs)) : null;
  return {
    lowMs: low,
    highMs: high,
    lowAtMs: wallMs + low,
    highAtMs: high === null ? null : wallMs + high,
  };
}

function basisView({ arrivals: { usual }, tempo: { drained, stretches } }: Prospect): FlowRatesView {
  const speed = stretches[0]?.speed ?? 1;
  return {
    arrivedFilesPerSec: usual.files,
    arrivedBytesPerSec: usual.bytes,
    drainedFilesPerSec: drained.files * speed,
    drainedBytesPerSec: drained.bytes * speed,
  };
}
