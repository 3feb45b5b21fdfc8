// Traffic that the card carries and the line cannot: a copy to a NAS in the same network. Where a
// card sends more than the line's whole capacity, its counter is no measure of the line: what
// others sent on the line is then taken to be what it was before. Deterministic: time comes with
// the samples.
import type { Sample } from './meter.ts';

/** More than headers, bursts and a generous provider explain. */
const TOO_MUCH = 1.2;
/** The card's rate is taken over this long. */
const WINDOW_MS = 1_000;
/**
 * What others sent before is remembered this long, in steps; the last steps may hold the begin of
 * the copy already.
 */
const STEP_MS = 500;
const STEPS = 12;
const LAST_STEPS = 3;

export class LanTraffic {
  #rateBytesPerMs = 0;
  #isBeyond = false;
  #stepMs = 0;
  #stepBytes = 0;
  /** Others' bytes a millisecond, oldest first. */
  #before: number[] = [];

  /** The card sends more than the line can carry. */
  get isBeyond(): boolean {
    return this.#isBeyond;
  }

  /** Another link, another past. */
  forget(): void {
    this.#rateBytesPerMs = 0;
    this.#isBeyond = false;
    this.#before = [];
    this.#stepMs = this.#stepBytes = 0;
  }

  /**
   * The sample as far as the line is concerned; `ownWireBytes` is what we sent of it, with headers.
   */
  onTheLine(sample: Sample, ownWireBytes: number, capacityBitsPerSec: number): Sample {
    const { sentBytes, intervalMs } = sample;
    const capacity = capacityBitsPerSec / 8_000;
    const weight = 1 - Math.exp(-intervalMs / WINDOW_MS);
    this.#rateBytesPerMs += (sentBytes / intervalMs - this.#rateBytesPerMs) * weight;
    this.#isBeyond = this.#rateBytesPerMs > capacity * (this.#isBeyond ? 1 : TOO_MUCH);
    const others = Math.max(0, sentBytes - ownWireBytes);
    if (!this.#isBeyond) {
      this.#remember(others, intervalMs);
      return sample;
    }
    const believed = Math.min(others, this.#othersBefore * intervalMs);
    return { ...sample, sentBytes: Math.min(sentBytes, ownWireBytes + believed) };
  }

  get #othersBefore(): number {
    const trusted = this.#before.slice(0, -LAST_STEPS);
    return trusted.reduce((sum, rate) => sum + rate, 0) / Math.max(1, trusted.length);
  }

  #remember(bytes: number, intervalMs: number): void {
    this.#stepBytes += bytes;
    this.#stepMs += intervalMs;
    if (this.#stepMs < STEP_MS) return;
    this.#before = [...this.#before, this.#stepBytes / this.#stepMs].slice(-STEPS);
    this.#stepMs = this.#stepBytes = 0;
  }
}
