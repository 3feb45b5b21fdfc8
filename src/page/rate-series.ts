// The samples behind the chart, and what they say in words and in a table.
import type { HistoryView } from '../view/history-view.ts';
import { readableRate } from '../view/readable.ts';

export interface Sample {
  readonly atMs: number;
  readonly own: number;
  readonly cross: number;
  readonly target: number;
  readonly capacity: number;
}

/** Samples of one span of time, in order. Older ones are forgotten. */
export class RateSeries {
  readonly spanMs: number;
  /** A longer pause between two samples is a gap. */
  readonly gapMs: number;
  #samples: Sample[] = [];

  constructor(spanMs: number, stepMs: number) {
    this.spanMs = spanMs;
    this.gapMs = 3.5 * stepMs;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  get endMs(): number {
    return this.#samples.at(-1)?.atMs ?? 0;
  }

  load({ fromAtMs, stepMs, series }: HistoryView): void {
    const { ownBitsPerSec, crossBitsPerSec, targetBitsPerSec, capacityBitsPerSec } = series;
    this.#samples = ownBitsPerSec.flatMap((own, index) => {
      const [cross, target, capacity] = [crossBitsPerSec, targetBitsPerSec, capacityBitsPerSec].map(
        (column) => column[index] ?? null,
      );
      // Nothing was measured: a gap.
      if (own === null || cross == null || target == null || capacity == null) return [];
      return [{ atMs: fromAtMs + index * stepMs, own, cross, target, capacity }];
    });
  }

  /** Ignores a sample that is not later than the last. */
  add(sample: Sample): void {
    if (sample.atMs <= this.endMs) return;
    this.#samples.push(sample);
    const fromMs = sample.atMs - this.spanMs;
    while ((this.#samples[0]?.atMs ?? fromMs) < fromMs) this.#samples.shift();
  }

  /** What the chart shows, in words. */
  summary(span: string): string {
    const { samples } = this;
    if (samples.length === 0) return 'There is no traffic to show yet.';
    const totals = samples.map(({ own, cross }) => own + cross);
    const average = (values: readonly number[]) => values.reduce((sum, it) => sum + it, 0) / values.length;
    const own = readableRate(average(samples.map((sample) => sample.own)));
    const cross = readableRate(average(samples.map((sample) => sample.cross)));
    const most = readableRate(totals.reduce((one, other) => Math.max(one, other), 0));
    return `Last ${span}: halfpipe sent ${own} on average, others ${cross}; together at most ${most}.`;
  }

  /** Averages over steps of `stepMs`, the latest first. */
  averages(stepMs: number): readonly Sample[] {
    const steps = new Map<number, Sample[]>();
    for (const sample of this.#samples) {
      const fromMs = Math.floor(sample.atMs / stepMs) * stepMs;
      const step = steps.get(fromMs);
      if (step === undefined) steps.set(fromMs, [sample]);
      else step.push(sample);
    }
    return [...steps].reverse().map(([atMs, step]) => {
      const average = (name: keyof Sample) =>
        Math.round(step.reduce((sum, sample) => sum + sample[name], 0) / step.length);
      return {
        atMs,
        own: average('own'),
        cross: average('cross'),
        target: average('target'),
        capacity: average('capacity'),
      };
    });
  }
}
