// Remembers for an hour how much arrived, left and was sent on the link, and averages it.

import { SampleRing } from './sample-ring.ts';

/** Amounts of files and of their bytes, or such amounts a second. */
export interface Flow {
  readonly files: number;
  readonly bytes: number;
}

/** Counters since the start of the process. */
export interface FlowCounts {
  readonly arrivedFiles: number;
  readonly arrivedBytes: number;
  readonly drainedFiles: number;
  /** Bytes of files that have left, and those sent so far of files on their way. */
  readonly drainedBytes: number;
  /** Wire bytes of the link, and how long it was measured. */
  readonly ownBytes: number;
  readonly crossBytes: number;
  /** What all others left to us of the target, whether it was used or not. */
  readonly roomBytes: number;
  readonly linkMs: number;
  /** What the spool's file system has lost since the start; NaN while unknown. */
  readonly usedBytes: number;
}

export interface FlowMoment {
  readonly counts: FlowCounts;
  /**
   * True if there has been more to send than was on its way, since the last moment. Otherwise what
   * left shows how much there was, and not what the drain can do.
   */
  readonly isWorking: boolean;
  /** How many scans have counted the spool so far. */
  readonly scans: number;
  /**
   * True if an event tells of each arrival, so that a scan follows at once. Otherwise a scan counts
   * what has come since the one before.
   */
  readonly watched: boolean;
}

export const MINUTE_MS = 60_000;
/** Less than this is not enough for an average. */
export const ENOUGH_MS = 2_000;
const COARSE_MS = 10_000;
const FINE_WINDOW_MS = 2 * MINUTE_MS;
const SILENT_MS = MINUTE_MS;
const SILENT_GAPS = 1.5;
/** Arrivals within this part of a window may be one burst. */
const BURST_PART = 1 / 6;
const COLUMNS = [
  'arrivedFiles',
  'arrivedBytes',
  'drainedFiles',
  'drainedBytes',
  'ownBytes',
  'crossBytes',
  'roomBytes',
  'linkMs',
  'usedBytes',
  'workMs',
  'workFiles',
  'workBytes',
  'workOwnBytes',
  'workRoomBytes',
  'workLinkMs',
] as const;
type Column = (typeof COLUMNS)[number];
type Work = Readonly<Record<Extract<Column, `work${string}`>, number>>;

/** Arrivals a second. */
export interface Arrivals {
  readonly mean: Flow;
  /** Without the busiest sixth of the time. A burst does not show in it. */
  readonly steady: Flow;
  /** The same up to the last arrival: between batches, it does not fall. */
  readonly usual: Flow;
  /** How many files came, in the window. */
  readonly count: number;
  /** True if most of what arrived came within a sixth of the time. */
  readonly isBurst: boolean;
}

/**
 * Remembers counters: a sample a second for two minutes, one every ten seconds for an hour.
 * Deterministic: time is an argument, of the monotonic clock.
 */
export class FlowLog {
  readonly #fine = new SampleRing<Column>(COLUMNS, 2 * 60 + 2);
  readonly #coarse = new SampleRing<Column>(COLUMNS, 6 * 60 + 2);
  #work: Work = {
    ...{ workMs: 0, workFiles: 0, workBytes: 0 },
    ...{ workOwnBytes: 0, workRoomBytes: 0, workLinkMs: 0 },
  };
  #lastArrivalAtMs = Number.NaN;
  readonly #known = new Map<number, Arrivals | undefined>();
  #longestGapMs: number | undefined;
  #scans = -1;
  /** Arrivals are known up to here. */
  #countedAtMs = Number.NaN;
  /** Where the arrivals begin that the next coarse sample counts at once. */
  #countedLatelyFromMs: number | undefined;
  #last: FlowMoment | undefined;

  /** Call it about once a second. */
  observe(nowMs: number, moment: FlowMoment): void {
    const last = this.#last;
    if (last !== undefined && nowMs <= this.#fine.lastAtMs) return;
    if (last !== undefined) this.#noteWork(nowMs - this.#fine.lastAtMs, last.counts, moment);
    const { counts } = moment;
    if (
      last !== undefined &&
      counts.arrivedFiles + counts.arrivedBytes > last.counts.arrivedFiles + last.counts.arrivedBytes
    )
      this.#lastArrivalAtMs = nowMs;
    const sample = { ...counts, ...this.#work };
    this.#fine.add(nowMs, sample);
    this.#noteScan(nowMs, moment);
    if (last === undefined || nowMs - this.#coarse.lastAtMs >= COARSE_MS) {
      this.#known.clear();
      this.#longestGapMs = undefined;
      this.#coarse.add(nowMs, sample);
      if (this.#countedLatelyFromMs !== undefined) spread(this.#coarse, this.#countedLatelyFromMs);
      this.#countedLatelyFromMs = undefined;
    }
    this.#last = moment;
  }

  get isEmpty(): boolean {
    return this.#last === undefined;
  }

  /** How far back it can look: an hour at most. */
  get rememberedMs(): number {
    return this.isEmpty ? 0 : this.#fine.lastAtMs - this.#coarse.firstAtMs;
  }

  /** Growth of a counter over the last `windowMs`, or since the start. */
  growth(name: Column, windowMs: number): number {
    const ring = this.#ringOf(windowMs);
    const from = ring.indexBefore(this.#fine.lastAtMs - windowMs);
    return this.#fine.value(name, this.#fine.size - 1) - ring.value(name, from);
  }

  /** How long growth() looks back for this window. */
  spanMs(windowMs: number): number {
    const ring = this.#ringOf(windowMs);
    return this.#fine.lastAtMs - ring.atMs(ring.indexBefore(this.#fine.lastAtMs - windowMs));
  }

  /** Undefined before ENOUGH_MS. `windowMs` ends where arrivals were counted last. */
  arrivals(windowMs: number): Arrivals | undefined {
    if (windowMs <= FINE_WINDOW_MS) return this.#arrivals(windowMs);
    // A coarse sample comes every ten seconds.
    if (!this.#known.has(windowMs)) this.#known.set(windowMs, this.#arrivals(windowMs));
    return this.#known.get(windowMs);
  }

  /** Between two arrivals in the last hour; 0 while there were none. */
  get longestGapMs(): number {
    this.#longestGapMs ??= longestGap(this.#coarse);
    return this.#longestGapMs;
  }

  /**
   * True if the producers have stopped: nothing has arrived for a minute, and for clearly longer
   * than between any two arrivals of the last hour.
   */
  get isSilent(): boolean {
    if (Number.isNaN(this.#lastArrivalAtMs)) return true;
    const forMs = this.#countedAtMs - this.#lastArrivalAtMs;
    return forMs >= Math.max(SILENT_MS, SILENT_GAPS * this.longestGapMs);
  }

  #arrivals(windowMs: number): Arrivals | undefined {
    const ring = this.#ringOf(windowMs);
    const to = ring.indexBefore(this.#countedAtMs);
    const now = steadyIn(ring, windowMs, to);
    if (now === undefined) return undefined;
    const usual = steadyIn(ring, windowMs, lastArrival(ring, to)) ?? now;
    return { ...now, usual: usual.steady };
  }

  #noteWork(elapsedMs: number, before: FlowCounts, { counts, isWorking }: FlowMoment): void {
    if (!isWorking) return;
    const work = this.#work;
    this.#work = {
      workMs: work.workMs + elapsedMs,
      workFiles: work.workFiles + counts.drainedFiles - before.drainedFiles,
      workBytes: work.workBytes + counts.drainedBytes - before.drainedBytes,
      workOwnBytes: work.workOwnBytes + counts.ownBytes - before.ownBytes,
      workRoomBytes: work.workRoomBytes + counts.roomBytes - before.roomBytes,
      workLinkMs: work.workLinkMs + counts.linkMs - before.linkMs,
    };
  }

  #noteScan(nowMs: number, { scans, watched }: FlowMoment): void {
    if (!watched && scans === this.#scans) return;
    if (!watched && this.#scans > 0) {
      spread(this.#fine, this.#countedAtMs);
      this.#countedLatelyFromMs ??= this.#countedAtMs;
    }
    this.#scans = scans;
    this.#countedAtMs = nowMs;
  }

  #ringOf(windowMs: number): SampleRing<Column> {
    return windowMs <= FINE_WINDOW_MS ? this.#fine : this.#coarse;
  }
}

function spread(ring: SampleRing<Column>, fromMs: number): void {
  ring.spread('arrivedFiles', fromMs);
  ring.spread('arrivedBytes', fromMs);
}

function flowIn(ring: SampleRing<Column>, from: number, to: number): Flow {
  return { files: ring.growth('arrivedFiles', from, to), bytes: ring.growth('arrivedBytes', from, to) };
}

function longestGap(ring: SampleRing<Column>): number {
  let [lastAtMs, longestMs] = [Number.NaN, 0];
  for (let index = 1; index < ring.size; index += 1) {
    const { files, bytes } = flowIn(ring, index - 1, index);
    if (files <= 0 && bytes <= 0) continue;
    const gapMs = ring.atMs(index) - lastAtMs;
    if (gapMs > longestMs) longestMs = gapMs;
    lastAtMs = ring.atMs(index);
  }
  return longestMs;
}

function lastArrival(ring: SampleRing<Column>, to: number): number {
  let index = to;
  while (index > 0 && flowIn(ring, index - 1, index).files <= 0 && flowIn(ring, index - 1, index).bytes <= 0)
    index -= 1;
  return index;
}

/** Arrivals in the window that ends with sample `to`. */
function steadyIn(
  ring: SampleRing<Column>,
  windowMs: number,
  to: number,
): Omit<Arrivals, 'usual'> | undefined {
  const from = ring.indexBefore(ring.atMs(to) - windowMs);
  const spanMs = ring.atMs(to) - ring.atMs(from);
  if (!(spanMs >= ENOUGH_MS)) return undefined;
  const total = flowIn(ring, from, to);
  const files = busiest(ring, 'arrivedFiles', from, to, spanMs * BURST_PART);
  const bytes = busiest(ring, 'arrivedBytes', from, to, spanMs * BURST_PART);
  return {
    mean: perSecond(total, spanMs),
    count: total.files,
    steady: {
      files: ((total.files - files.amount) * 1000) / (spanMs - files.spanMs),
      bytes: ((total.bytes - bytes.amount) * 1000) / (spanMs - bytes.spanMs),
    },
    isBurst: bytes.amount > total.bytes / 2 || (total.bytes === 0 && files.amount > total.files / 2),
  };
}

/** The most that arrived within `ms`, and within which time that was. */
function busiest(
  ring: SampleRing<Column>,
  name: 'arrivedFiles' | 'arrivedBytes',
  first: number,
  last: number,
  ms: number,
): { readonly amount: number; readonly spanMs: number } {
  let [amount, spanMs, from] = [0, 0, first];
  for (let to = first; to <= last; to += 1) {
    while (ring.atMs(to) - ring.atMs(from) > ms) from += 1;
    const grown = ring.growth(name, from, to);
    if (grown > amount) [amount, spanMs] = [grown, ring.atMs(to) - ring.atMs(from)];
  }
  return { amount, spanMs };
}

export function perSecond({ files, bytes }: Flow, ms: number): Flow {
  return { files: (files * 1000) / ms, bytes: (bytes * 1000) / ms };
}
