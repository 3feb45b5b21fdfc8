// How fast the backlog grows and shrinks, and whether it will ever be empty. Pure: time is an argument.

export interface Flow {
  readonly files: number;
  readonly bytes: number;
}

export interface Rates {
  readonly arrivalFilesPerSec: number;
  readonly arrivalBytesPerSec: number;
  readonly drainFilesPerSec: number;
  readonly drainBytesPerSec: number;
}

export interface Forecast {
  readonly forecast: 'empty' | 'finite' | 'never' | 'unknown';
  readonly etaMs: number | null;
}

/** Rates look back about this long: long enough for single files not to show, short enough to follow a changed link. */
const LOOK_BACK_MS = 30_000;
/** Nothing is foretold from less. */
const ENOUGH_MS = 2_000;

/** Rates of files and bytes from counters that only grow, averaged over the last half minute. */
export class FlowMeter {
  readonly #samples: { readonly atMs: number; readonly arrived: Flow; readonly drained: Flow }[] = [];

  /** Counters since the start; call about once a second. */
  observe(nowMs: number, arrived: Flow, drained: Flow): void {
    this.#samples.push({ atMs: nowMs, arrived, drained });
    while (nowMs - (this.#samples[1]?.atMs ?? nowMs) >= LOOK_BACK_MS) this.#samples.shift();
  }

  /** Undefined until there is enough to tell. */
  rates(): Rates | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < ENOUGH_MS) return undefined;
    const seconds = (last.atMs - first.atMs) / 1000;
    return {
      arrivalFilesPerSec: (last.arrived.files - first.arrived.files) / seconds,
      arrivalBytesPerSec: (last.arrived.bytes - first.arrived.bytes) / seconds,
      drainFilesPerSec: (last.drained.files - first.drained.files) / seconds,
      drainBytesPerSec: (last.drained.bytes - first.drained.bytes) / seconds,
    };
  }
}

/** When a backlog will be empty if the rates stay as they are. Bytes decide, and files where they are empty. */
export function forecast(backlog: Flow, rates: Rates | undefined): Forecast {
  if (backlog.files === 0) return { forecast: 'empty', etaMs: 0 };
  if (rates === undefined) return { forecast: 'unknown', etaMs: null };
  const byBytes = backlog.bytes > 0;
  const left = byBytes ? backlog.bytes : backlog.files;
  const netPerSec = byBytes
    ? rates.drainBytesPerSec - rates.arrivalBytesPerSec
    : rates.drainFilesPerSec - rates.arrivalFilesPerSec;
  const drainsNothing = (byBytes ? rates.drainBytesPerSec : rates.drainFilesPerSec) <= 0;
  if (drainsNothing && netPerSec === 0) return { forecast: 'unknown', etaMs: null };
  if (netPerSec <= 0) return { forecast: 'never', etaMs: null };
  return { forecast: 'finite', etaMs: (left / netPerSec) * 1000 };
}
