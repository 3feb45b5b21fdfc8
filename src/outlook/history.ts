// Remembers what happened in the last 24 hours, in memory that does not grow.

import type { HistorySample, HistorySeries, HistoryView } from '../view/history-view.ts';

/** How the samples of a step make one figure: their mean, their sum, or the last one. */
const FIGURES: Readonly<Record<HistorySeries, 'mean' | 'sum' | 'last'>> = {
  totalBitsPerSec: 'mean',
  ownBitsPerSec: 'mean',
  crossBitsPerSec: 'mean',
  targetBitsPerSec: 'last',
  capacityBitsPerSec: 'last',
  files: 'last',
  bytes: 'last',
  arrivedFiles: 'sum',
  arrivedBytes: 'sum',
  drainedFiles: 'sum',
  drainedBytes: 'sum',
};
const SERIES = Object.keys(FIGURES) as readonly HistorySeries[];

/** 10 minutes by the second, two hours by ten seconds, 24 hours by the minute. */
const TIERS = [
  { stepMs: 1_000, steps: 600 },
  { stepMs: 10_000, steps: 720 },
  { stepMs: 60_000, steps: 1_440 },
] as const;

/** A look that comes by so much too late may skip a second. That is no gap. */
const LATE_MS = 2_500;

/**
 * Keeps three tiers of steps: 2,760 steps of 12 numbers, 265 kB. Deterministic: time is an
 * argument, of the monotonic clock. A step of the wall clock moves the whole history with it.
 */
export class History {
  readonly #tiers = TIERS.map(({ stepMs, steps }) => new Tier(stepMs, steps));

  /** The memory that its numbers take. It never changes. */
  get sizeBytes(): number {
    return this.#tiers.reduce((sum, tier) => sum + tier.sizeBytes, 0);
  }

  /**
   * Takes what holds now and what was counted since the last call: about once a second. NaN stands
   * for what is not known.
   */
  observe(nowMs: number, sample: HistorySample): void {
    for (const tier of this.#tiers) tier.observe(nowMs, sample);
  }

  /**
   * The last `agoMs`, in the shortest steps that reach back so far. Without the step that is under
   * way.
   */
  since(agoMs: number, nowMs: number, wallMs: number): HistoryView {
    const [finest, ...coarser] = this.#tiers;
    const tier =
      [finest, ...coarser].find((one) => one !== undefined && one.spanMs >= agoMs) ?? coarser.at(-1);
    if (tier === undefined) throw new RangeError('a history has tiers');
    return tier.since(agoMs, nowMs, wallMs);
  }
}

function joined(
  how: 'mean' | 'sum' | 'last',
  before: number | undefined,
  value: number,
  count: number,
): number {
  if (before === undefined || how === 'last') return value;
  return how === 'sum' ? before + value : before + (value - before) / (count + 1);
}

class Tier {
  readonly spanMs: number;
  readonly #stepMs: number;
  readonly #steps: number;
  /** Which step each slot holds. */
  readonly #numbers: Float64Array;
  readonly #columns: ReadonlyMap<HistorySeries, Float64Array>;
  #first: number | undefined;
  /** How many samples the running step has. */
  readonly #counts = new Map<HistorySeries, number>();
  #lastAtMs = Number.NEGATIVE_INFINITY;

  constructor(stepMs: number, steps: number) {
    this.spanMs = stepMs * steps;
    this.#stepMs = stepMs;
    this.#steps = steps;
    this.#numbers = new Float64Array(steps).fill(Number.NaN);
    this.#columns = new Map(SERIES.map((name) => [name, new Float64Array(steps)]));
  }

  get sizeBytes(): number {
    const columns = [...this.#columns.values()];
    return columns.reduce((sum, column) => sum + column.byteLength, this.#numbers.byteLength);
  }

  observe(nowMs: number, sample: HistorySample): void {
    const number = Math.floor(nowMs / this.#stepMs);
    this.#first ??= number;
    const isLate = nowMs - this.#lastAtMs < LATE_MS;
    const skipped = Math.floor(this.#lastAtMs / this.#stepMs) + 1;
    if (isLate && skipped < number)
      this.#add(skipped, { ...sample, arrivedFiles: 0, arrivedBytes: 0, drainedFiles: 0, drainedBytes: 0 });
    this.#lastAtMs = nowMs;
    this.#add(number, sample);
  }

  #add(number: number, sample: HistorySample): void {
    const slot = number % this.#steps;
    if (this.#numbers[slot] !== number) {
      this.#numbers[slot] = number;
      for (const column of this.#columns.values()) column[slot] = Number.NaN;
      this.#counts.clear();
    }
    for (const [name, column] of this.#columns) {
      const value = sample[name];
      if (Number.isNaN(value)) continue;
      const count = this.#counts.get(name) ?? 0;
      column[slot] = joined(FIGURES[name], count === 0 ? undefined : column[slot], value, count);
      this.#counts.set(name, count + 1);
    }
  }

  since(agoMs: number, nowMs: number, wallMs: number): HistoryView {
    const end = Math.floor(nowMs / this.#stepMs);
    const oldest = Math.max(this.#first ?? end, end - this.#steps + 1);
    const from = Math.min(end, Math.max(oldest, Math.floor((nowMs - agoMs) / this.#stepMs)));
    const numbers = Array.from({ length: end - from }, (_, index) => from + index);
    const read = (name: HistorySeries) => numbers.map((number) => this.#value(name, number));
    return {
      stepMs: this.#stepMs,
      fromAtMs: Math.round(wallMs - nowMs + from * this.#stepMs),
      series: {
        totalBitsPerSec: read('totalBitsPerSec'),
        ownBitsPerSec: read('ownBitsPerSec'),
        crossBitsPerSec: read('crossBitsPerSec'),
        targetBitsPerSec: read('targetBitsPerSec'),
        capacityBitsPerSec: read('capacityBitsPerSec'),
        files: read('files'),
        bytes: read('bytes'),
        arrivedFiles: read('arrivedFiles'),
        arrivedBytes: read('arrivedBytes'),
        drainedFiles: read('drainedFiles'),
        drainedBytes: read('drainedBytes'),
      },
    };
  }

  #value(name: HistorySeries, number: number): number | null {
    const slot = number % this.#steps;
    const value = this.#columns.get(name)?.[slot] ?? Number.NaN;
    return this.#numbers[slot] !== number || Number.isNaN(value) ? null : value;
  }
}
