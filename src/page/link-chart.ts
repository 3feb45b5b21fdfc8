// The chart of the link with its switch between ten minutes and a day, its text and its table.
import type { HistoryView } from '../view/history-view.ts';
import { elementById, repeatEvery } from './browser.ts';
import { ChartDrawing } from './chart-drawing.ts';
import { fillRows } from './fields.ts';
import { RateSeries, type Sample } from './rate-series.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Span = '10-minutes' | 'day';

/** The names of both spans, and the steps of their tables. */
const SPANS = {
  '10-minutes': { text: '10 minutes', rowMs: MINUTE_MS },
  day: { text: '24 hours', rowMs: HOUR_MS },
} as const;

/** `add` each second what the daemon tells; the rest is asked for. */
export class LinkChart {
  readonly #series: Readonly<Record<Span, RateSeries>> = {
    '10-minutes': new RateSeries(10 * MINUTE_MS, SECOND_MS),
    day: new RateSeries(24 * HOUR_MS, MINUTE_MS),
  };
  readonly #drawing: ChartDrawing;
  #span: Span = '10-minutes';
  #timeZone = 'UTC';

  constructor() {
    this.#drawing = new ChartDrawing(elementById('chart'), (atMs) => this.#timeText(atMs));
  }

  start(): void {
    for (const input of document.querySelectorAll<HTMLInputElement>('input[name="span"]'))
      input.addEventListener('change', () => void this.show(input.value === 'day' ? 'day' : '10-minutes'));
    repeatEvery(10 * SECOND_MS, () => this.#tell());
    repeatEvery(MINUTE_MS, () => void this.#load('day'));
  }

  /** The zone of the machine, in which all times are shown. */
  setTimeZone(timeZone: string): void {
    this.#timeZone = timeZone;
  }

  add(sample: Sample): void {
    const series = this.#series['10-minutes'];
    // The machine's clock was set back.
    if (sample.atMs < series.endMs - MINUTE_MS) void this.reload();
    series.add(sample);
    const { day } = this.#series;
    if (sample.atMs - day.endMs >= MINUTE_MS) day.add(sample);
    if (this.#span === '10-minutes') this.#drawing.draw(series);
  }

  /** What was missed, as after a lost connection. */
  async reload(): Promise<void> {
    await Promise.all([this.#load('10-minutes'), this.#load('day')]);
    this.#tell();
  }

  async show(span: Span): Promise<void> {
    this.#span = span;
    await this.#load(span);
    this.#tell();
  }

  async #load(span: Span): Promise<void> {
    try {
      const answer = await fetch(`/history/${span}.json`);
      if (!answer.ok) return;
      const rates: HistoryView = await answer.json();
      this.#series[span].load(rates);
    } catch (error) {
      // The connection is lost: the feed says so, and asks again later.
      if (!(error instanceof TypeError)) throw error;
    }
    if (span === this.#span) this.#drawing.draw(this.#series[span]);
  }

  #tell(): void {
    const series = this.#series[this.#span];
    const { text, rowMs } = SPANS[this.#span];
    const place = elementById('chart-text');
    const summary = series.summary(text);
    if (place.textContent !== summary) place.textContent = summary;
    const table = document.querySelector<HTMLElement>('[data-rows="chart"]');
    const rows = series.averages(rowMs).map((sample) => ({ ...sample, from: this.#timeText(sample.atMs) }));
    if (table !== null) fillRows(table, rows);
  }

  #timeText(atMs: number): string {
    return new Date(atMs).toLocaleTimeString('en-GB', {
      ...{ hour: '2-digit', minute: '2-digit', timeZone: this.#timeZone },
    });
  }
}
