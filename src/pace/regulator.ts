// The control loop.
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';
import type { Governor, Interval } from './governor.ts';
import type { Shaper, ShaperActivity } from './shaper.ts';

/** Reads the link's meter, given the bytes we handed to the kernel since the last call. */
export type Measure = (
  nowMs: number,
  ownBytes: number,
) =>
  | ({ readonly kind: 'sample' } & Omit<Interval, 'idleMs' | 'savedBytes'>)
  | { readonly kind: 'none' | 'lost' };

export interface RegulatorPorts {
  readonly clock: Clock;
  readonly shaper: Shaper;
  readonly governor: Governor;
  readonly measure: Measure;
  readonly sampleIntervalMs: number;
  /** Called after every tick, with what the shaper did since the last one. */
  readonly onTick?: (activity: ShaperActivity, elapsedMs: number) => void;
}

/** While no request sends, only one of this many samples is needed: one a second. */
const IDLE_SLOWDOWN = 20;
/** After this time without a sender, the loop is idle. */
const IDLE_AFTER_MS = 1_000;

/**
 * Reads the meter, lets the governor decide and sets the shaper's rate. It runs at its own pace:
 * fast while requests send, slowly while none does, and at once when one starts. Monotonic clock.
 */
export class Regulator {
  readonly #ports: RegulatorPorts;
  #sampleIntervalMs: number;
  readonly #ticks: Repeat;
  #idleMs = 0;
  #lastTickAtMs = 0;
  #quietSinceMs = 0;

  constructor(ports: RegulatorPorts) {
    this.#ports = ports;
    this.#sampleIntervalMs = ports.sampleIntervalMs;
    this.#ticks = new Repeat(
      ports.clock,
      () => this.#tick(),
      () => this.#untilNextMs(),
    );
  }

  start(): void {
    this.#quietSinceMs = this.#lastTickAtMs = this.#ports.clock.monotonicMs();
    this.#ports.shaper.onWake = () => this.tick();
    this.#ticks.startNow();
  }

  stop(): void {
    this.#ports.shaper.onWake = undefined;
    void this.#ticks.stop();
  }

  setSampleInterval(sampleIntervalMs: number): void {
    this.#sampleIntervalMs = sampleIntervalMs;
  }

  /**
   * One step of the loop, now. After a change of limits, the new budget is in force when this
   * returns.
   */
  tick(): void {
    this.#ticks.now();
  }

  #tick(): void {
    const { clock, shaper, governor, measure, onTick } = this.#ports;
    const nowMs = clock.monotonicMs();
    const activity = shaper.activity();
    const elapsedMs = nowMs - this.#lastTickAtMs;
    this.#lastTickAtMs = nowMs;
    this.#idleMs += activity.idleMs;

    const reading = measure(nowMs, activity.admittedBytes);
    if (reading.kind === 'sample') {
      governor.observe({ ...reading, idleMs: this.#idleMs, savedBytes: shaper.savedBytes });
      this.#idleMs = 0;
    } else if (reading.kind === 'lost') {
      governor.lose();
      this.#idleMs = 0;
    }
    shaper.setRate(governor.budgetBytesPerSec);
    if (elapsedMs > 0) onTick?.(activity, elapsedMs);
    if (activity.admittedBytes > 0 || activity.waiting > 0) this.#quietSinceMs = nowMs;
  }

  #untilNextMs(): number {
    const isQuiet = this.#lastTickAtMs - this.#quietSinceMs > IDLE_AFTER_MS;
    return isQuiet ? this.#sampleIntervalMs * IDLE_SLOWDOWN : this.#sampleIntervalMs;
  }
}
