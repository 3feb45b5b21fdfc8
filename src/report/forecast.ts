// Measures how fast the backlog grows and shrinks, and forecasts whether it will be empty.

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

/** The basis of a forecast, in amounts a second. */
export interface Trend {
  readonly drained: Flow;
  /** Arrivals without the burst. */
  readonly arrived: Flow;
  /** Arrivals in the last half minute, as shown to people, and the same without the burst. */
  readonly recent: Flow;
  readonly coming: Flow;
  /** True if observed for long enough to say `never`. */
  readonly lasting: boolean;
}

export interface Forecast {
  readonly forecast: 'empty' | 'finite' | 'never' | 'unknown';
  readonly etaMs: number | null;
}

/**
 * Rates look back about this long: long enough that single files do not show, and short enough to
 * follow a changed link.
 */
const LOOK_BACK_MS = 30_000;
/** Less than this is not enough for a forecast. */
const ENOUGH_MS = 2_000;
/**
 * Whether more arrives than leaves is judged over this time, because such bad news must not come
 * and go.
 */
const TREND_MS = 120_000;
const LASTING_MS = 60_000;
/** Files dropped together are found within this time. */
const BURST_MS = 10_000;

interface FlowSample {
  readonly atMs: number;
  readonly arrived: Flow;
  readonly drained: Flow;
  /**
   * True if nothing was in flight: the spool was empty, its files had not settled, or the drain was
   * paused.
   */
  readonly idle: boolean;
}

/**
 * Rates of files and bytes, from counters that only grow. Deterministic: time is an argument, of
 * the monotonic clock. Many files that arrive at once are not a rate, so forecasts leave out the
 * busiest moment of arrivals.
 */
export class BacklogRates {
  readonly #samples: FlowSample[] = [];

  /** Takes the counters since the start. Call it about once a second. */
  observe(nowMs: number, arrived: Flow, drained: Flow, idle: boolean): void {
    this.#samples.push({ atMs: nowMs, arrived, drained, idle });
    while (nowMs - (this.#samples[1]?.atMs ?? nowMs) >= TREND_MS) this.#samples.shift();
  }

  /** Averages over the last half minute. Undefined until there is enough evidence. */
  rates(): Rates | undefined {
    const last = this.#samples.at(-1);
    const first = this.#before(LOOK_BACK_MS);
    if (first === undefined || last === undefined) return undefined;
    const busy = this.#sinceIdle() ?? first;
    const arrived = perSecond(first.arrived, last.arrived, last.atMs - first.atMs);
    const drained = perSecond(busy.drained, last.drained, last.atMs - busy.atMs);
    return {
      arrivalFilesPerSec: arrived.files,
      arrivalBytesPerSec: arrived.bytes,
      drainFilesPerSec: drained.files,
      drainBytesPerSec: drained.bytes,
    };
  }

  /** Undefined until there is enough evidence. */
  trend(): Trend | undefined {
    const [first, recent, last] = [this.#samples[0], this.#before(LOOK_BACK_MS), this.#samples.at(-1)];
    const busy = this.#sinceIdle();
    if (first === undefined || recent === undefined || busy === undefined || last === undefined)
      return undefined;
    return {
      drained: perSecond(busy.drained, last.drained, last.atMs - busy.atMs),
      arrived: steady(this.#samples),
      recent: perSecond(recent.arrived, last.arrived, last.atMs - recent.atMs),
      coming: steady(this.#samples.filter(({ atMs }) => atMs >= recent.atMs)),
      lasting: last.atMs - first.atMs >= LASTING_MS,
    };
  }

  /**
   * Where the last half minute begins, or the work within it, so that the rate is right immediately
   * after idling.
   */
  #sinceIdle(): FlowSample | undefined {
    const first = this.#before(LOOK_BACK_MS);
    const enough = this.#before(ENOUGH_MS);
    if (first === undefined || enough === undefined) return undefined;
    const idle = this.#samples.findLast((sample) => sample.idle) ?? first;
    if (idle.atMs > enough.atMs) return undefined;
    return idle.atMs > first.atMs ? idle : first;
  }

  /**
   * The latest sample that is at least `ms` old; the first one if all are younger; undefined if
   * that says nothing.
   */
  #before(ms: number): FlowSample | undefined {
    const nowMs = this.#samples.at(-1)?.atMs ?? 0;
    const [oldest] = this.#samples;
    if (oldest === undefined || nowMs - oldest.atMs < ENOUGH_MS) return undefined;
    return this.#samples.findLast(({ atMs }) => nowMs - atMs >= ms) ?? oldest;
  }
}

const NONE: Flow = { files: 0, bytes: 0 };

/** Arrivals a second, without the burst. */
function steady(samples: readonly FlowSample[]): Flow {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return NONE;
  const rest = difference(burstIn(samples), difference(first.arrived, last.arrived));
  return perSecond(NONE, rest, Math.max(last.atMs - first.atMs - BURST_MS, ENOUGH_MS));
}

/** The most that arrived within the time of a burst. */
function burstIn(samples: readonly FlowSample[]): Flow {
  let most = NONE;
  let from = 0;
  for (const to of samples) {
    while (to.atMs - (samples[from]?.atMs ?? 0) > BURST_MS) from += 1;
    const { files, bytes } = difference(samples[from]?.arrived ?? to.arrived, to.arrived);
    most = { files: Math.max(most.files, files), bytes: Math.max(most.bytes, bytes) };
  }
  return most;
}

function difference(from: Flow, to: Flow): Flow {
  return { files: to.files - from.files, bytes: to.bytes - from.bytes };
}

function perSecond(from: Flow, to: Flow, ms: number): Flow {
  const { files, bytes } = difference(from, to);
  return { files: (files * 1000) / ms, bytes: (bytes * 1000) / ms };
}

/** When the backlog will be empty if nothing changes. Bytes decide, or files if all are empty. */
export function forecast(backlog: Flow, trend: Trend | undefined): Forecast {
  if (backlog.files === 0) return { forecast: 'empty', etaMs: 0 };
  if (trend === undefined) return { forecast: 'unknown', etaMs: null };
  const unit = backlog.bytes > 0 ? 'bytes' : 'files';
  const [drained, arrived, recent] = [trend.drained[unit], trend.arrived[unit], trend.recent[unit]];
  const coming = trend.coming[unit];
  const grows = arrived > 0 && arrived >= drained && recent >= drained;
  if (trend.lasting && grows) return { forecast: 'never', etaMs: null };
  // More has begun to arrive than leaves. That may pass or become `never`, but no time would be
  // right.
  if (drained <= 0 || coming >= drained) return { forecast: 'unknown', etaMs: null };
  // Earlier arrivals that have stopped do not count any more.
  const netPerSec = drained - (grows ? coming : Math.min(arrived, recent));
  return { forecast: 'finite', etaMs: (backlog[unit] / netPerSec) * 1000 };
}
