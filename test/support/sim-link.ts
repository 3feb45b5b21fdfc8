// A link under a simulated clock: its counter adds up what the shaper admits, with headers, and what others send.

import { Meter } from '../../src/link/meter.ts';
import { Governor, type Limits } from '../../src/pace/governor.ts';
import { type Measure, Regulator } from '../../src/pace/regulator.ts';
import { Shaper } from '../../src/pace/shaper.ts';
import { SimClock } from './sim-clock.ts';

/** Wire bytes for a body byte on the simulated link: not the governor's own figure, which it must not depend on. */
export const WIRE_OVERHEAD = 1.06;

export interface SimLinkOptions {
  readonly limits: Limits;
  /** What the others send at a time, in bytes a second. */
  readonly cross?: (nowMs: number) => number;
  /** Uploads that always have more to send. */
  readonly senders?: number;
  readonly sampleIntervalMs?: number;
  /** The counter as the driver shows it: for drivers that refresh late, reset or fail. */
  readonly readCounter?: (sentBytes: number, nowMs: number) => number;
}

const STEP_MS = 5;

export class SimLink {
  readonly clock = new SimClock();
  readonly governor: Governor;
  readonly shaper: Shaper;
  readonly regulator: Regulator;
  /** Bytes on the wire so far, ours and others', at every step. */
  readonly record: {
    readonly atMs: number;
    readonly sentBytes: number;
    readonly ownBytes: number;
  }[] = [];
  readonly #options: SimLinkOptions;
  #ownBytes = 0;
  #crossBytes = 0;
  #sending: AbortController | undefined;

  constructor(options: SimLinkOptions) {
    this.#options = options;
    this.governor = new Governor(options.limits);
    this.shaper = new Shaper(this.clock, this.governor.budgetBytesPerSec);
    const meter = new Meter();
    const measure: Measure = (nowMs, ownBytes) => {
      const sentBytes = this.#ownBytes + this.#crossBytes;
      try {
        const reading = meter.read(nowMs, options.readCounter?.(sentBytes, nowMs) ?? sentBytes, ownBytes);
        return reading.kind === 'stuck' ? { kind: 'lost' } : reading;
      } catch {
        meter.forget();
        return { kind: 'lost' };
      }
    };
    this.regulator = new Regulator({
      clock: this.clock,
      shaper: this.shaper,
      governor: this.governor,
      measure,
      sampleIntervalMs: options.sampleIntervalMs ?? 50,
    });
  }

  start(): void {
    this.regulator.start();
    this.send(this.#options.senders ?? 8);
  }

  /** From now on so many uploads are always ready to send. */
  send(senders: number): void {
    this.#sending?.abort();
    this.#sending = new AbortController();
    for (let sender = 0; sender < senders; sender += 1) void this.#sendForEver(this.#sending.signal);
  }

  async run(ms: number): Promise<void> {
    const { cross } = this.#options;
    const untilMs = this.clock.monotonicMs() + ms;
    while (this.clock.monotonicMs() < untilMs) {
      const nowMs = this.clock.monotonicMs();
      this.#crossBytes += ((cross?.(nowMs) ?? 0) * STEP_MS) / 1000;
      await this.clock.advance(STEP_MS);
      this.record.push({
        atMs: this.clock.monotonicMs(),
        sentBytes: this.#ownBytes + this.#crossBytes,
        ownBytes: this.#ownBytes,
      });
    }
  }

  /** Mean rates between two times, in bytes a second. */
  rates(fromMs: number, toMs: number): { total: number; own: number } {
    const at = (ms: number) =>
      this.record.findLast(({ atMs }) => atMs <= ms) ?? {
        sentBytes: 0,
        ownBytes: 0,
      };
    const [from, to] = [at(fromMs), at(toMs)];
    const seconds = (toMs - fromMs) / 1000;
    return {
      total: (to.sentBytes - from.sentBytes) / seconds,
      own: (to.ownBytes - from.ownBytes) / seconds,
    };
  }

  async #sendForEver(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const bytes = this.shaper.sliceBytes();
      try {
        await this.shaper.admit(bytes, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      this.#ownBytes += bytes * WIRE_OVERHEAD;
    }
  }
}
