// What the watchdog goes by: it hears of us only while the meter turns and what is in flight moves.
import type { Health, Heartbeat } from './health.ts';

/** An idle meter reads twice a second. */
const METER_SILENCE_MS = 10_000;

export class Supervision {
  readonly #meter: Heartbeat;
  readonly #uploads: Heartbeat;

  /** Uploads in flight that do not move for longer than `uploadSilenceMs`, which may change, hang. */
  constructor(health: Health, uploadSilenceMs: () => number) {
    this.#meter = health.register('the meter', () => METER_SILENCE_MS);
    this.#uploads = health.register('the drain', uploadSilenceMs);
  }

  /** The control loop came round; `moving` when bytes left, or none had to. */
  turned(moving: boolean): void {
    this.#meter.beat();
    if (moving) this.#uploads.beat();
  }

  end(): void {
    this.#meter.end();
    this.#uploads.end();
  }
}
