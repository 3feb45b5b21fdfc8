// Decides what counts as progress: the control loop ticks, and uploads in flight move bytes.
import type { Health, Heartbeat } from './health.ts';

/** From the settings: how often the link is measured, and how long a request may be silent. */
export interface Pace {
  readonly sampleIntervalMs: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/**
 * While no request sends, the link is measured once in this many intervals: see Regulator. Its
 * report may be one late.
 */
const INTERVALS_AT_MOST = 2 * 10;
/** What a busy machine adds. */
const METER_MARGIN_MS = 10_000;
/** A slice may wait for the link as well. */
const UPLOADS_MARGIN_MS = 60_000;

export class Supervision {
  readonly #health: Health;
  readonly #pace: () => Pace;
  #meter: Heartbeat | undefined;
  #uploads: Heartbeat | undefined;

  /** The pace may change. */
  constructor(health: Health, pace: () => Pace) {
    this.#health = health;
    this.#pace = pace;
  }

  start(): void {
    this.#meter = this.#health.register(
      'the meter',
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

  /** The control loop came round; `moving` when bytes left, or none had to. */
  turned(moving: boolean): void {
    this.#meter?.beat();
    if (moving) this.moved();
  }

  /**
   * Bytes came in, from the disk or from the store: what reads does not hang, though nothing
   * leaves.
   */
  readonly moved = () => this.#uploads?.beat();
}
