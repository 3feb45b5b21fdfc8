// Decides what counts as progress.
import type { Health, Heartbeat } from './health.ts';

/** From the settings: how often the link is measured, and how long a request may be silent. */
export interface Pace {
  readonly sampleIntervalMs: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/**
 * While no request sends, the link is measured only once in 20 intervals (see Regulator), and its
 * report may be one turn late.
 */
const INTERVALS_AT_MOST = 2 * 20;
/** Added for a busy machine. */
const METER_MARGIN_MS = 10_000;
/** Added because a slice may also wait for the link. */
const UPLOADS_MARGIN_MS = 60_000;

/**
 * Registers two parts with Health: the control loop must tick, and uploads in flight must move
 * bytes.
 */
export class ProgressWatch {
  readonly #health: Health;
  readonly #pace: () => Pace;
  #meter: Heartbeat | undefined;
  #uploads: Heartbeat | undefined;

  /** `pace` is asked each time, because the settings may change. */
  constructor(health: Health, pace: () => Pace) {
    this.#health = health;
    this.#pace = pace;
  }

  start(): void {
    this.#meter = this.#health.register(
      'the control loop',
      () => INTERVALS_AT_MOST * this.#pace().sampleIntervalMs + METER_MARGIN_MS,
    );
    this.#uploads = this.#health.register(
      'the drain',
      () => this.#pace().idleTimeoutMs + this.#pace().connectTimeoutMs + UPLOADS_MARGIN_MS,
    );
  }

  stop(): void {
    this.#meter?.end();
    this.#uploads?.end();
  }

  /** The control loop ticked. `moving`: bytes left, or no bytes had to leave. */
  sampled(moving: boolean): void {
    this.#meter?.beat();
    if (moving) this.moved();
  }

  /**
   * Bytes came from the disk or from the store. A part that reads does not hang, even if nothing
   * leaves.
   */
  readonly moved = () => this.#uploads?.beat();
}
