// Turns a recording of a NIC's transmit counter into the figures of the bench: means, moving windows and
// reaction times, all in percent of the link's capacity. Pure: samples in, numbers out.

/** One reading of a byte counter. */
export interface CounterSample {
  /** CLOCK_MONOTONIC in milliseconds, the same clock in every process of the machine. */
  readonly atMs: number;
  readonly bytes: number;
}

export interface Spread {
  readonly mean: number;
  readonly min: number;
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Standard deviation, of the population. */
  readonly sd: number;
}

/** What a load must stay within to count as settled, in percent of capacity; both ends are inside. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/** A window that moves by one reading at a time: "every window" is meant literally. */
const STRIDE_MS = 10;

export class LinkLoad {
  readonly #samples: readonly CounterSample[];
  readonly #bytesPerPercentMs: number;

  /** `samples` ascending in time; `capacityBitsPerSec` > 0. Throws a RangeError on fewer than two samples. */
  constructor(samples: readonly CounterSample[], capacityBitsPerSec: number) {
    if (samples.length < 2) throw new RangeError(`a recording needs two samples, got ${samples.length}`);
    this.#samples = samples;
    // 1 % of the capacity for 1 ms: bits/s ÷ 8 bits ÷ 1,000 ms ÷ 100 %
    this.#bytesPerPercentMs = capacityBitsPerSec / 800_000;
  }

  get firstMs(): number {
    return this.#samples[0]?.atMs ?? 0;
  }

  get lastMs(): number {
    return this.#samples.at(-1)?.atMs ?? 0;
  }

  /** The counter at any moment, interpolated between readings: a late reading shifts nothing. */
  bytesAt(atMs: number): number {
    let below = 0;
    let above = this.#samples.length - 1;
    while (above - below > 1) {
      const middle = (below + above) >> 1;
      if ((this.#samples[middle]?.atMs ?? 0) <= atMs) below = middle;
      else above = middle;
    }
    const left = this.#samples[below];
    const right = this.#samples[above];
    if (left === undefined || right === undefined) throw new RangeError('no sample to read');
    if (atMs <= left.atMs) return left.bytes;
    if (atMs >= right.atMs) return right.bytes;
    return left.bytes + ((right.bytes - left.bytes) * (atMs - left.atMs)) / (right.atMs - left.atMs);
  }

  /** Mean load between two moments. */
  mean(fromMs: number, toMs: number): number {
    return (this.bytesAt(toMs) - this.bytesAt(fromMs)) / (toMs - fromMs) / this.#bytesPerPercentMs;
  }

  /** The load over every window of `widthMs` that lies within the span, moved by 10 ms or by `strideMs`. */
  windows(fromMs: number, toMs: number, widthMs: number, strideMs: number = STRIDE_MS): number[] {
    const loads: number[] = [];
    // by count, not by adding up strides: rounding must not lose the last window
    const count = Math.floor((toMs - fromMs - widthMs) / strideMs + 1e-6) + 1;
    for (let n = 0; n < count; n++) {
      const startMs = fromMs + n * strideMs;
      loads.push(this.mean(startMs, startMs + widthMs));
    }
    return loads;
  }

  /**
   * Milliseconds from `stepMs` until the load is inside `band` and stays there for `holdMs`: the end of the
   * first window that lies wholly after the step, so never less than `widthMs`. Undefined when that does not
   * happen before `untilMs`.
   */
  settleMs(stepMs: number, untilMs: number, widthMs: number, band: Band, holdMs: number): number | undefined {
    const loads = this.windows(stepMs, untilMs, widthMs);
    const need = Math.ceil(holdMs / STRIDE_MS) + 1;
    let run = 0;
    for (const [n, load] of loads.entries()) {
      run = load >= band.low && load <= band.high ? run + 1 : 0;
      if (run === need) return (n - need + 1) * STRIDE_MS + widthMs;
    }
    return undefined;
  }

  /** The first moment in the span after which 20 ms carry at least `percent`; undefined when none does. */
  onsetMs(fromMs: number, toMs: number, percent: number): number | undefined {
    const widthMs = 20;
    const first = this.windows(fromMs, toMs, widthMs, 5).findIndex((load) => load >= percent);
    return first < 0 ? undefined : fromMs + first * 5;
  }
}

/** Throws a RangeError when there is nothing to describe. Percentiles are interpolated linearly. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('no values to describe');
  const sorted = [...values].sort((a, b) => a - b);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sorted.length;
  return {
    mean,
    min: quantile(sorted, 0),
    p5: quantile(sorted, 0.05),
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
    sd: Math.sqrt(variance),
  };
}

function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
