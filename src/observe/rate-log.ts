// What the link has carried: each second of the last ten minutes, each minute of the last 24 hours.
import type { LinkView } from '../view/snapshot.ts';

/** Columns of the same length, the oldest sample first. Rates are in bit/s. */
export interface RatesView {
  /** Wall clock, milliseconds since the epoch. */
  readonly atMs: readonly number[];
  readonly own: readonly number[];
  readonly cross: readonly number[];
  readonly target: readonly number[];
  readonly capacity: readonly number[];
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
type Rates = Readonly<Record<'own' | 'cross' | 'target' | 'capacity', number>>;

const NOTHING: Rates = { own: 0, cross: 0, target: 0, capacity: 0 };

/**
 * Remembers averages: 600 of a second and 1,440 of a minute, about 300 kB in all. While there is
 * no link, all rates are 0. Deterministic: time is an argument, of the monotonic clock.
 */
export class RateLog {
  readonly #seconds = new Averages(SECOND_MS, 600);
  readonly #minutes = new Averages(MINUTE_MS, 1_440);

  /** Call it about once a second. */
  add(nowMs: number, link: LinkView | null): void {
    const rates = link === null ? NOTHING : ratesOf(link);
    this.#seconds.add(nowMs, rates);
    this.#minutes.add(nowMs, rates);
  }

  /** `wallMs` is the wall clock at `nowMs`. */
  last10Minutes(nowMs: number, wallMs: number): RatesView {
    return this.#seconds.view(wallMs - nowMs);
  }

  lastDay(nowMs: number, wallMs: number): RatesView {
    return this.#minutes.view(wallMs - nowMs);
  }
}

export function ratesOf(link: LinkView): Rates {
  return {
    own: link.ownBitsPerSec,
    cross: link.crossBitsPerSec,
    target: link.targetBitsPerSec,
    capacity: link.capacityBitsPerSec,
  };
}

/** A ring of averages over steps of the same length. The last step may not be over yet. */
class Averages {
  readonly #stepMs: number;
  readonly #max: number;
  readonly #rows: { atMs: number; count: number; rates: Rates }[] = [];

  constructor(stepMs: number, max: number) {
    this.#stepMs = stepMs;
    this.#max = max;
  }

  add(nowMs: number, rates: Rates): void {
    const last = this.#rows.at(-1);
    // A timer is never exact: a sample that comes a little early begins a new step.
    if (last === undefined || nowMs - last.atMs >= this.#stepMs - SECOND_MS / 2) {
      this.#rows.push({ atMs: nowMs, count: 1, rates });
      if (this.#rows.length > this.#max) this.#rows.shift();
      return;
    }
    last.count += 1;
    const average = (name: keyof Rates) => last.rates[name] + (rates[name] - last.rates[name]) / last.count;
    last.rates = {
      own: average('own'),
      cross: average('cross'),
      target: average('target'),
      capacity: average('capacity'),
    };
  }

  view(wallOffsetMs: number): RatesView {
    const column = (name: keyof Rates) => this.#rows.map(({ rates }) => Math.round(rates[name]));
    return {
      atMs: this.#rows.map(({ atMs }) => Math.round(atMs + wallOffsetMs)),
      own: column('own'),
      cross: column('cross'),
      target: column('target'),
      capacity: column('capacity'),
    };
  }
}
