// Averages of what arrives and leaves, over the last minute, ten minutes and hour.

import type { FlowRatesView, FlowView } from '../view/snapshot.ts';
import { SampleRing } from './sample-ring.ts';

/** Counters since the start of the process. */
export interface FlowCounts {
  readonly arrivedFiles: number;
  readonly arrivedBytes: number;
  readonly drainedFiles: number;
  readonly drainedBytes: number;
}

const MINUTE_MS = 60_000;
/** Less than this is not enough for an average. */
const ENOUGH_MS = 2_000;
const FINE_MS = 1_000;
const COARSE_MS = 10_000;
const COLUMNS = ['arrivedFiles', 'arrivedBytes', 'drainedFiles', 'drainedBytes'] as const;

/**
 * Averages over windows, from counters. It remembers a sample a second for a minute and one every
 * ten seconds for an hour: 24 kB. Deterministic: time is an argument, of the monotonic clock.
 */
export class FlowWindows {
  readonly #fine = new SampleRing(COLUMNS, 2 * 60);
  readonly #coarse = new SampleRing(COLUMNS, 6 * 60 + 2);
  #first: { readonly atMs: number; readonly counts: FlowCounts } | undefined;

  /** Call it about once a second. */
  observe(nowMs: number, counts: FlowCounts): void {
    this.#first ??= { atMs: nowMs, counts };
    if (nowMs - (this.#fine.lastAtMs ?? Number.NEGATIVE_INFINITY) >= FINE_MS / 2)
      this.#fine.add(nowMs, counts);
    if (nowMs - (this.#coarse.lastAtMs ?? Number.NEGATIVE_INFINITY) >= COARSE_MS)
      this.#coarse.add(nowMs, counts);
  }

  view(): FlowView {
    return {
      lastMinute: this.#average(MINUTE_MS, ENOUGH_MS),
      last10Minutes: this.#average(10 * MINUTE_MS, MINUTE_MS),
      lastHour: this.#average(60 * MINUTE_MS, 10 * MINUTE_MS),
    };
  }

  /** Null until more than `leastMs` was observed. */
  #average(windowMs: number, leastMs: number): FlowRatesView | null {
    const nowMs = this.#fine.lastAtMs;
    if (nowMs === undefined || this.#first === undefined || nowMs - this.#first.atMs < leastMs) return null;
    const ring = windowMs <= MINUTE_MS ? this.#fine : this.#coarse;
    const from = ring.indexBefore(nowMs - windowMs);
    const seconds = (nowMs - ring.atMs(from)) / 1000;
    const perSec = (name: keyof FlowCounts) =>
      Math.max(0, this.#fine.value(name, this.#fine.size - 1) - ring.value(name, from)) / seconds;
    return {
      arrivedFilesPerSec: perSec('arrivedFiles'),
      arrivedBytesPerSec: perSec('arrivedBytes'),
      drainedFilesPerSec: perSec('drainedFiles'),
      drainedBytesPerSec: perSec('drainedBytes'),
    };
  }
}
