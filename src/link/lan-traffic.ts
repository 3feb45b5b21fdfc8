// Recognises traffic that the card carries but the line cannot, for example a copy to a NAS in the
// same network.
import type { Sample } from './meter.ts';

/** Headers, bursts and a generous provider do not explain more than this. */
const TOO_MUCH = 1.2;
/** The card's rate is averaged over this time. */
const WINDOW_MS = 1_000;
/**
 * What others sent before is remembered for STEPS steps. The last steps may already contain the
 * beginning of the copy, so they are not used.
 */
const STEP_MS = 500;
const STEPS = 12;
const LAST_STEPS = 3;

/**
 * While the card sends more than the whole capacity of the line, its counter does not measure the
 * line. Then what others send on the line is assumed to be what it was before. Deterministic: time
 * comes with the samples.
 */
export class LanTraffic {
  #rateBytesPerMs = 0;
  #isBeyond = false;
  #stepMs = 0;
  #stepBytes = 0;
  /** Bytes of others in a millisecond, oldest first. */
  #before: number[] = [];

  /** True while the card sends more than the line can carry. */
  get isBeyond(): boolean {
    return this.#isBeyond;
  }

  /** Another link begins; its past is unknown. */
  forget(): void {
    this.#rateBytesPerMs = 0;
    this.#isBeyond = false;
    this.#before = [];
    this.#stepMs = this.#stepBytes = 0;
  }

  /**
   * Returns the part of the sample that was on the line. `ownWireBytes` is what we sent of it, with
   * headers.
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
