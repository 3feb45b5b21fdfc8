// Decides when packets are to rest, because the store refuses them all.

/**
 * If one file is to blame, the other half of its packet is accepted. So after this many refusals
 * in a row, no file is.
 */
const IN_A_ROW_MAX = 4;
const FIRST_REST_MS = 10 * 60_000;
const LONGEST_REST_MS = 6 * 60 * 60_000;

/** Counts refusals in a row. Deterministic. */
export class Refusals {
  #inARow = 0;

  /**
   * Returns how long files are to be sent by themselves from now on; undefined if not at all. After
   * a rest, the first packet decides, and the next rest is twice as long. Not to be called during a
   * rest: packets that are refused then were made before it.
   */
  refused(): number | undefined {
    this.#inARow += 1;
    const rests = this.#inARow - IN_A_ROW_MAX;
    return rests < 0 ? undefined : Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(rests, 40));
  }

  /** A packet was stored, or something has changed. */
  forget(): void {
    this.#inARow = 0;
  }
}
