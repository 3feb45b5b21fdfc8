// Decides whether a failed file makes the store suspect, so that the store is asked with an object
// of our own.

/** A refusal leads to a question at once. The others happen at any store now and then. */
export type Doubt = 'refusal' | 'transient' | 'slowDown';

/**
 * - `ask`: the store may be to blame, so ask it.
 * - `file`: the store was recently found to work, so this file is to blame.
 * - `unclear`: too little evidence to ask, or to blame a file.
 */
export type Suspect = 'ask' | 'file' | 'unclear';

/** After this many failures in a row, of any files, the store is asked. */
const ASKS_AT: Readonly<Record<Doubt, number>> = {
  refusal: 1,
  transient: 8,
  // A store that asks for fewer requests gets fewer, and is asked only if that did not help.
  slowDown: 64,
};
/**
 * A store that refuses our own objects but accepts files is asked only after this many refusals in
 * a row.
 */
const ASKS_AT_WITHOUT_OWN = 8;
/**
 * A store that accepted an object of our own is not asked again within this time, unless
 * `TRUST_FAILURES` attempts in a row fail.
 */
const TRUST_MS = 10_000;
const TRUST_FAILURES = 64;

/**
 * Counts failures in a row, by kind. Deterministic: time is an argument, of the monotonic clock.
 */
export class Suspicion {
  readonly #inARow: Record<Doubt, number> = { refusal: 0, transient: 0, slowDown: 0 };
  #trustedUntilMs = Number.NEGATIVE_INFINITY;
  #trustedFailures = 0;
  #takesOwn = true;

  /** An upload failed because of what the store or the network answered. */
  failed(doubt: Doubt, nowMs: number): Suspect {
    this.#inARow[doubt] += 1;
    this.#trustedFailures += 1;
    const isFew = this.#inARow[doubt] < this.#asksAt(doubt);
    if (isFew) return doubt === 'refusal' ? 'file' : 'unclear';
    const isTrusted = nowMs < this.#trustedUntilMs && this.#trustedFailures < TRUST_FAILURES;
    return isTrusted ? 'file' : 'ask';
  }

  /** An upload succeeded. */
  passed(): void {
    for (const doubt of ['refusal', 'transient', 'slowDown'] as const) this.#inARow[doubt] = 0;
    this.#trustedFailures = 0;
  }

  /** The store accepted an object of our own. */
  tookOwn(nowMs: number): void {
    this.passed();
    this.#trustedUntilMs = nowMs + TRUST_MS;
    this.#takesOwn = true;
  }

  /** The store refused an object of our own. */
  refusedOwn(): void {
    this.passed();
    this.#trustedUntilMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * The store refused our own objects and then accepted a file, so refusals of our objects say
   * nothing about files.
   */
  tookFileOnly(): void {
    this.#takesOwn = false;
  }

  #asksAt(doubt: Doubt): number {
    return doubt === 'refusal' && !this.#takesOwn ? ASKS_AT_WITHOUT_OWN : ASKS_AT[doubt];
  }
}
