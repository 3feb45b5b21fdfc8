// Decides when the process gives memory back: V8 keeps what a busy time has taken, also that of the
// start, for as long as nothing happens.

/** With a look every 2 s, half a minute. */
const QUIET_LOOKS = 15;
/** Less is not worth a pause of 0.1 s. */
const WORTH_BYTES = 8 * 1024 ** 2;

/** What the daemon is doing. */
export interface Work {
  /** Files that are being read, sent or removed. */
  readonly active: number;
  /** Files that were sent since the start. */
  readonly sent: number;
}

/**
 * Gives memory back once nothing has been done for a while, if it has grown since the last time.
 * Reads no clock.
 */
export class SpareMemory {
  readonly #giveBack: () => void;
  readonly #residentBytes: () => number;
  #quietLooks = 0;
  #sent = 0;
  #leastBytes = 0;

  /** `residentBytes`: what the process has in memory. */
  constructor(giveBack: () => void, residentBytes: () => number) {
    this.#giveBack = giveBack;
    this.#residentBytes = residentBytes;
  }

  /** Call it every 2 s. */
  look({ active, sent }: Work): void {
    const isQuiet = active === 0 && sent === this.#sent;
    this.#sent = sent;
    this.#quietLooks = isQuiet ? this.#quietLooks + 1 : 0;
    if (this.#quietLooks < QUIET_LOOKS) return;
    this.#quietLooks = 0;
    if (this.#residentBytes() < this.#leastBytes + WORTH_BYTES) return;
    this.#giveBack();
    this.#leastBytes = this.#residentBytes();
  }
}
