// Watches what an interface really sends, beside the daemon and without believing it: its own reads of tx_bytes,
// its own clock. The figures in the summary come from here.
import { readFileSync } from 'node:fs';

export interface LinkSample {
  /** Monotonic. */
  readonly atMs: number;
  readonly txBytes: number;
}

export interface LinkFigures {
  readonly seconds: number;
  readonly meanBitsPerSec: number;
  /** Mean of the busiest stretch of about one second. */
  readonly largestSecondBitsPerSec: number;
}

/** How often the counter is read. */
export const RECORD_INTERVAL_MS = 50;

export class LinkRecorder {
  readonly #path: string;
  readonly #samples: LinkSample[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(interfaceName: string) {
    this.#path = `/sys/class/net/${interfaceName}/statistics/tx_bytes`;
  }

  start(): void {
    this.#timer = setInterval(() => this.#read(), RECORD_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Of the time in which the link was in use; undefined when it never was. */
  figures(idleBelowBitsPerSec: number): LinkFigures | undefined {
    return figuresOf(this.#samples, idleBelowBitsPerSec);
  }

  #read(): void {
    const txBytes = Number(readFileSync(this.#path, 'utf8'));
    this.#samples.push({ atMs: performance.now(), txBytes });
  }
}

/**
 * Mean and busiest second from the first to the last interval that carried more than `idleBelowBitsPerSec`. What lies
 * between counts in full, pauses too; what lies before the first upload and after the last does not.
 */
export function figuresOf(
  samples: readonly LinkSample[],
  idleBelowBitsPerSec: number,
): LinkFigures | undefined {
  const busy = samples.map(
    (sample, index) => index > 0 && rate(samples[index - 1], sample) > idleBelowBitsPerSec,
  );
  const used = samples.slice(Math.max(0, busy.indexOf(true) - 1), busy.lastIndexOf(true) + 1);
  const [first] = used;
  const last = used.at(-1);
  if (first === undefined || last === undefined || last.atMs === first.atMs) return undefined;
  return {
    seconds: (last.atMs - first.atMs) / 1000,
    meanBitsPerSec: rate(first, last),
    largestSecondBitsPerSec: largestSecond(used),
  };
}

function largestSecond(samples: readonly LinkSample[]): number {
  let largest = 0;
  let from = 0;
  for (const sample of samples) {
    // The shortest stretch that is a whole second: a late timer makes it longer, never shorter.
    while (sample.atMs - (samples[from + 1]?.atMs ?? Number.POSITIVE_INFINITY) >= 1000) from += 1;
    const start = samples[from];
    if (start !== undefined && sample.atMs - start.atMs >= 1000)
      largest = Math.max(largest, rate(start, sample));
  }
  return largest;
}

function rate(from: LinkSample | undefined, to: LinkSample): number {
  if (from === undefined || to.atMs <= from.atMs) return 0;
  return ((to.txBytes - from.txBytes) * 8 * 1000) / (to.atMs - from.atMs);
}
