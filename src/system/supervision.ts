// What the watchdog goes by: it hears of us only while the meter turns and what is in flight moves.
import type { Health, Heartbeat } from './health.ts';

/** An idle meter reads twice a second. */
const METER_SILENCE_MS = 10_000;

export class Supervision {
  readonly #health: Health;
  readonly #uploadSilenceMs: () => number;
  #meter: Heartbeat | undefined;
  #uploads: Heartbeat | undefined;

  /** Uploads in flight that do not move for longer than `uploadSilenceMs`, which may change, hang. */
  constructor(health: Health, uploadSilenceMs: () => number) {
    this.#health = health;
    this.#uploadSilenceMs = uploadSilenceMs;
  }

  start(): void {
    this.#meter = this.#health.register('the meter', () => METER_SILENCE_MS);
    this.#uploads = this.#health.register('the drain', this.#uploadSilenceMs);
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

  /** Bytes came in, from the disk or from the store: what reads does not hang, though nothing leaves. */
  readonly moved = () => this.#uploads?.beat();
}
