// Whether a client sends fast enough. Only the time counts in which the door waits for its bytes.

export interface PaceDemand {
  readonly windowMs: number;
  readonly bytesPerSec: number;
}

/** Deterministic: time is an argument. */
export class ClientPace {
  readonly #windowMs: number;
  readonly #bytesMin: number;
  #waitedMs = 0;
  #bytes = 0;

  constructor({ windowMs, bytesPerSec }: PaceDemand) {
    this.#windowMs = windowMs;
    this.#bytesMin = (bytesPerSec * windowMs) / 1000;
  }

  /** After this time of waiting, isSlow() has to be asked again. */
  get remainingMs(): number {
    return Math.max(0, this.#windowMs - this.#waitedMs);
  }

  /** `bytes` came after the door had waited for `ms`. True if that is too little for a window. */
  isSlow(ms: number, bytes: number): boolean {
    this.#waitedMs += ms;
    this.#bytes += bytes;
    if (this.#waitedMs < this.#windowMs) return false;
    const isSlow = this.#bytes < this.#bytesMin;
    this.#waitedMs = 0;
    this.#bytes = 0;
    return isSlow;
  }
}
