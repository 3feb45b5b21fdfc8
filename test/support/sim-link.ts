// A link under a simulated clock: its counter adds up what the instances' shapers admit, with headers, and what others
// send. The control loop is the real one.
import { Meter } from '../../src/link/meter.ts';
import { Governor } from '../../src/pace/governor.ts';
import type { LinkRates } from '../../src/pace/link-rates.ts';
import { type Measure, Regulator } from '../../src/pace/regulator.ts';
import { Shaper } from '../../src/pace/shaper.ts';
import { admit } from './promised-slices.ts';
import { SimClock } from './sim-clock.ts';

/** Wire bytes for a body byte on the simulated link: not the governor's own figure, which it must not depend on. */
const WIRE_OVERHEAD = 1.06;
export const STEP_MS = 5;
const SAMPLE_INTERVAL_MS = 50;

export interface SimLinkOptions {
  readonly limits: LinkRates;
  /** What the others send at a time, in bytes a second. */
  readonly cross?: (nowMs: number) => number;
  /** How long the process stands still from a time on, in whole steps: others go on. */
  readonly hiccupMs?: (nowMs: number) => number;
  /** The counter as the driver shows it: for drivers that refresh late, reset or fail. */
  readonly readCounter?: (sentBytes: number, nowMs: number) => number;
}

/** One halfpipe on the link. */
export class SimInstance {
  readonly governor: Governor;
  readonly regulator: Regulator;
  readonly #shaper: Shaper;
  readonly #wire: SimWire;
  #sending: AbortController | undefined;
  wireBytes = 0;

  constructor(clock: SimClock, wire: SimWire, limits: LinkRates) {
    this.#wire = wire;
    this.governor = new Governor(limits);
    this.#shaper = new Shaper(clock, this.governor.budgetBytesPerSec);
    const meter = new Meter();
    const measure: Measure = (nowMs, ownBytes) => {
      try {
        const reading = meter.read(nowMs, wire.read(nowMs), ownBytes);
        return reading.kind === 'stuck' ? { kind: 'lost' } : reading;
      } catch {
        meter.forget();
        return { kind: 'lost' };
      }
    };
    const { governor } = this;
    const sampleIntervalMs = SAMPLE_INTERVAL_MS;
    this.regulator = new Regulator({ clock, shaper: this.#shaper, governor, measure, sampleIntervalMs });
    this.regulator.start();
  }

  /** From now on so many uploads are always ready to send. */
  send(senders: number): void {
    this.#sending?.abort();
    this.#sending = new AbortController();
    for (let sender = 0; sender < senders; sender += 1) void this.#sendForEver(this.#sending.signal);
  }

  async #sendForEver(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const bytes = this.#shaper.sliceBytes();
      try {
        await admit(this.#shaper, bytes, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      this.wireBytes += bytes * WIRE_OVERHEAD;
      this.#wire.sentBytes += bytes * WIRE_OVERHEAD;
    }
  }
}

/** What has left the card, and what its counter shows. */
class SimWire {
  sentBytes = 0;
  readonly #readCounter: SimLinkOptions['readCounter'];

  constructor(readCounter: SimLinkOptions['readCounter']) {
    this.#readCounter = readCounter;
  }

  read(nowMs: number): number {
    return this.#readCounter?.(this.sentBytes, nowMs) ?? this.sentBytes;
  }
}

export class SimLink {
  readonly clock = new SimClock();
  readonly first: SimInstance;
  readonly #options: SimLinkOptions;
  readonly #wire: SimWire;
  readonly #record: { readonly atMs: number; readonly totalBytes: number; readonly ownBytes: number }[] = [];

  constructor(options: SimLinkOptions) {
    this.#options = options;
    this.#wire = new SimWire(options.readCounter);
    this.first = this.addInstance();
  }

  addInstance(): SimInstance {
    return new SimInstance(this.clock, this.#wire, this.#options.limits);
  }

  async run(ms: number): Promise<void> {
    const { cross, hiccupMs } = this.#options;
    for (const untilMs = this.clock.monotonicMs() + ms; this.clock.monotonicMs() < untilMs; ) {
      const standsStillMs = hiccupMs?.(this.clock.monotonicMs()) ?? 0;
      for (let step = 1; step < standsStillMs / STEP_MS; step += 1) {
        this.#sendCross(cross);
        this.#note(this.clock.monotonicMs() + step * STEP_MS);
      }
      this.#sendCross(cross);
      if (standsStillMs > 0) await this.clock.freeze(standsStillMs);
      else await this.clock.advance(STEP_MS);
      this.#note(this.clock.monotonicMs());
    }
  }

  #sendCross(cross: SimLinkOptions['cross']): void {
    this.#wire.sentBytes += ((cross?.(this.clock.monotonicMs()) ?? 0) * STEP_MS) / 1000;
  }

  #note(atMs: number): void {
    this.#record.push({ atMs, totalBytes: this.#wire.sentBytes, ownBytes: this.first.wireBytes });
  }

  /** Mean wire rates between two times, in bytes a second; `own` is the first instance's. */
  rates(fromMs: number, toMs: number): { total: number; own: number } {
    const [from, to] = [this.#at(fromMs), this.#at(toMs)];
    const perSec = 1000 / (toMs - fromMs);
    return {
      total: (to.totalBytes - from.totalBytes) * perSec,
      own: (to.ownBytes - from.ownBytes) * perSec,
    };
  }

  #at(ms: number): { readonly totalBytes: number; readonly ownBytes: number } {
    return this.#record[Math.floor(ms / STEP_MS) - 1] ?? { totalBytes: 0, ownBytes: 0 };
  }
}
