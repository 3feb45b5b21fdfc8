// Draws the link's traffic: halfpipe below, others on top of it, and lines for target and capacity.
import uPlot from 'uplot';
import { readableRate } from '../view/readable.ts';
import type { RateSeries, Sample } from './rate-series.ts';

/** uPlot redraws at once, so nothing moves by itself. */
export class ChartDrawing {
  readonly #place: HTMLElement;
  readonly #timeText: (atMs: number) => string;
  readonly #plot: uPlot;
  #series: RateSeries | undefined;

  /** `timeText` writes a time of day, as `14:32`. */
  constructor(place: HTMLElement, timeText: (atMs: number) => string) {
    this.#place = place;
    this.#timeText = timeText;
    this.#plot = new uPlot(this.#options(), [[], [], [], [], []], place);
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
  }

  draw(series: RateSeries): void {
    this.#series = series;
    this.#plot.setData(columnsOf(series));
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(1, this.#place.clientWidth), height: Math.max(1, this.#place.clientHeight) };
  }

  #options(): uPlot.Options {
    const area = (color: string): uPlot.Series => ({
      ...{
        stroke: () => inkOf(color),
        fill: () => inkOf(`${color}-area`),
        width: 1.5,
        points: { show: false },
      },
    });
    const line = (color: string, dash: number[]): uPlot.Series => ({
      ...{ stroke: () => inkOf(color), width: 1.5, dash, points: { show: false } },
    });
    const axis: uPlot.Axis = {
      ...{ stroke: () => inkOf('--muted'), font: '12px system-ui, sans-serif' },
      grid: { stroke: () => inkOf('--line'), width: 1 },
      ticks: { show: false },
    };
    return {
      ...this.#size(),
      ...{
        legend: { show: false },
        cursor: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      },
      padding: [10, 12, 0, 0],
      scales: {
        x: { time: true, range: () => this.#xRange() },
        y: { range: () => [0, this.#top()] },
      },
      axes: [
        {
          ...axis,
          values: (_, splits) => splits.map((at) => this.#timeText(at * 1000)),
          space: 70,
          size: 30,
        },
        { ...axis, values: (_, splits) => splits.map(readableRate), size: 84, space: 36 },
      ],
      series: [{}, area('--cross'), area('--own'), line('--target', []), line('--capacity', [4, 4])],
    };
  }

  #xRange(): [number, number] {
    const { endMs = 0, spanMs = 1 } = this.#series ?? {};
    return [(endMs - spanMs) / 1000, endMs / 1000];
  }

  /**
   * The capacity is at the upper edge, unless the target is so small that the traffic would lie at
   * the bottom.
   */
  #top(): number {
    const last = this.#series?.samples.at(-1);
    if (last === undefined) return 1;
    const most = Math.max(...(this.#series?.samples ?? []).map(totalOf));
    return 1.05 * Math.max(most, Math.min(last.capacity, 2.5 * last.target), 1);
  }
}

const totalOf = ({ own, cross }: Sample) => own + cross;

function columnsOf({ samples, gapMs }: RateSeries): uPlot.AlignedData {
  const rows: (readonly (number | null)[])[] = [];
  const times: number[] = [];
  let lastMs = samples[0]?.atMs ?? 0;
  for (const sample of samples) {
    if (sample.atMs - lastMs > gapMs) {
      times.push((lastMs + 1) / 1000);
      rows.push([null, null, null, null]);
    }
    lastMs = sample.atMs;
    times.push(sample.atMs / 1000);
    rows.push([totalOf(sample), sample.own, sample.target, sample.capacity]);
  }
  const column = (index: number) => rows.map((row) => row[index] ?? null);
  return [times, column(0), column(1), column(2), column(3)];
}

/** The value of a custom property of the style sheet, for the colours in force. */
function inkOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
