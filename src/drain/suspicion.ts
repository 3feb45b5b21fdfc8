// Whether a failed file speaks against the store, so that the store has to be asked with an object
// of our own. Deterministic: time is an argument.

/** A refusal is asked about at once; the others happen to any store now and then. */
export type Doubt = 'refusal' | 'transient' | 'slowDown';

/**
 * - `ask`: the store may be to blame: ask it.
 * - `file`: the store has lately been found to work: this file is to blame.
 * - `unclear`: too little to ask for, and to blame a file for.
 */
export type Suspect = 'ask' | 'file' | 'unclear';

/** Failures in a row, of whatever files, that the store is asked for. */
const ASKS_AT: Readonly<Record<Doubt, number>> = {
  refusal: 1,
  transient: 8,
  // A store that asks for less gets less, and is asked only when that has not helped.
  slowDown: 64,
};
/**
 * A store that refuses our own objects and yet takes files is asked only after so many refusals in
 * a row.
 */
const ASKS_AT_WITHOUT_OWN = 8;
/**
 * A store that took an object of our own is not asked again for so long, nor for so many failures
 * in a row.
 */
const TRUST_MS = 10_000;
const TRUST_FAILURES = 64;

export class Suspicion {
  readonly #inARow: Record<Doubt, number> = { refusal: 0, transient: 0, slowDown: 0 };
  #trustedUntilMs = Number.NEGATIVE_INFINITY;
  #trustedFailures = 0;
  #takesOwn = true;

  /** An upload has failed by what the store or the network said. */
  failed(doubt: Doubt, nowMs: number): Suspect {
    this.#inARow[doubt] += 1;
    this.#trustedFailures += 1;
    const isFew = this.#inARow[doubt] < this.#asksAt(doubt);
    if (isFew) return doubt === 'refusal' ? 'file' : 'unclear';
    const isTrusted = nowMs < this.#trustedUntilMs && this.#trustedFailures < TRUST_FAILURES;
    return isTrusted ? 'file' : 'ask';
  }

  /** An upload has passed. */
  passed(): void {
    for (const doubt of ['refusal', 'transient', 'slowDown'] as const) this.#inARow[doubt] = 0;
    this.#trustedFailures = 0;
  }

  /** The store has taken an object of our own. */
  tookOwn(nowMs: number): void {
    this.passed();
    this.#trustedUntilMs = nowMs + TRUST_MS;
    this.#takesOwn = true;
  }

  /** The store has refused an object of our own. */
  refusedOwn(): void {
    this.passed();
    this.#trustedUntilMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * The store has refused our own objects and taken a file after that: what it says of ours tells
   * nothing of files.
   */
  tookFileOnly(): void {
    this.#takesOwn = false;
  }

  #asksAt(doubt: Doubt): number {
    return doubt === 'refusal' && !this.#takesOwn ? ASKS_AT_WITHOUT_OWN : ASKS_AT[doubt];
  }
}
