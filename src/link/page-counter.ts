// A counter that another machine shows, for example the router of the line: a metric on a page in
// Prometheus's text format.
import { get as getHttps } from 'node:https';
import type { Clock } from '../system/clock.ts';
import { http } from '../system/node-http.ts';
import { Repeat } from '../system/repeat.ts';

export interface PageCounterOptions {
  readonly url: string;
  readonly metric: string;
  /** Series that have at least these labels are added up. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What the page showed, or why it showed nothing. */
export type PageReading = { readonly bytes: number } | { readonly problem: string };

const PERIOD_MS = 1_000;
/** Routers are slow, and pages of several hundred kB are usual. */
const TIMEOUT_MS = 2_000;
const PAGE_BYTES_MAX = 16_777_216;

/**
 * Reads the page once a second from the main thread; the sending thread gets the number. A failure
 * is a reading with its `problem`; nothing rejects.
 */
export class PageCounter {
  readonly #readings: Repeat;

  constructor(clock: Clock, options: PageCounterOptions, onReading: (reading: PageReading) => void) {
    const readOnce = async (signal: AbortSignal) => {
      const reading = await readPage(options);
      if (!signal.aborted) onReading(reading);
    };
    this.#readings = new Repeat(clock, readOnce, PERIOD_MS);
  }

  /** Reads now, and then every second until stop(). One request at a time. */
  start(): void {
    this.#readings.startNow();
  }

  stop(): void {
    void this.#readings.stop();
  }
}

/** Resolves with the reading or the problem, after at most 2 s of silence. Never rejects. */
export async function readPage(options: PageCounterOptions): Promise<PageReading> {
  try {
    const bytes = metricOn(await fetchText(options.url), options);
    return bytes === undefined
      ? { problem: `${options.url} does not show ${options.metric} with these labels` }
      : { bytes };
  } catch (error) {
    return { problem: `${options.url}: ${error instanceof Error ? error.message : error}` };
  }
}

function fetchText(url: string): Promise<string> {
  const get = url.startsWith('https:') ? getHttps : http.get;
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      { agent: false, timeout: TIMEOUT_MS, headers: { accept: 'text/plain' } },
      (answer) => {
        if (answer.statusCode !== 200) {
          answer.resume();
          return reject(new Error(`HTTP ${answer.statusCode}`));
        }
        let text = '';
        answer.setEncoding('utf8').on('error', reject);
        answer.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > PAGE_BYTES_MAX) answer.destroy(new Error('the page is too long'));
        });
        answer.on('end', () => resolve(text));
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
    request.on('error', reject);
  });
}

/** The sum of the series that match; undefined if there are none. */
export function metricOn(page: string, { metric, labels }: PageCounterOptions): number | undefined {
  const values = page.split('\n').flatMap((line) => {
    if (!line.startsWith(metric)) return [];
    const [, labelText = '', value] = /^[\w:]+(?:\{(.*)\})?\s+(\S+)/.exec(line) ?? [];
    const isWhole = line.slice(metric.length).match(/^[{\s]/) !== null;
    const shown = new Map(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, text]) => [name, text]),
    );
    const matches = Object.entries(labels).every(([name, text]) => shown.get(name) === text);
    return isWhole && matches && value !== undefined ? [Number(value)] : [];
  });
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? undefined : finite.reduce((sum, one) => sum + one, 0);
}
