// Where in the order of the backlog the next file is taken. After failures that are files' own, the drain looks elsewhere
// than at the best file, so that a run of bad files does not hold up the good ones behind them: bad files get a
// twentieth of what passes. Deterministic.

/** What passes for each byte that fails: bad files take 5 % of the line. */
export const GOOD_FOR_BAD = 20;
/** A request costs this much beside its content. */
const REQUEST_BYTES = 16 * 1024;
/** A long outage of some files is forgotten after this much. */
const MOST_DEBT_BYTES = 32 * 1024 ** 2;
/** What is read ahead behind so many bad files in a row is likely to be bad, too. */
const RUN = 8;
/** The far end of the order. */
const FAR = 0.999;
/** Steps of the golden ratio look into every region before they come near to an earlier one. */
const STEP = (Math.sqrt(5) - 1) / 2;

export class Detour {
  #debtBytes = 0;
  #place = 0;
  #inARow = 0;

  /** 0 for the best file; else how far behind it to look, below 1. */
  get place(): number {
    return this.#place;
  }

  /**
   * A file taken at `place` was at fault, and up to `sentBytes` were sent for it. True when this is a run of bad files, of
   * which no more should be sent.
   */
  failed(place: number, sentBytes: number): boolean {
    this.#inARow += 1;
    // The others that were taken there tell nothing new.
    if (place === this.#place) this.#place = place === 0 ? FAR : (place + STEP) % 1;
    this.#debtBytes = Math.min(MOST_DEBT_BYTES, this.#debtBytes + sentBytes + REQUEST_BYTES);
    return this.#inARow === RUN;
  }

  passed(sentBytes: number): void {
    this.#inARow = 0;
    this.#debtBytes = Math.max(0, this.#debtBytes - (sentBytes + REQUEST_BYTES) / GOOD_FOR_BAD);
    if (this.#debtBytes === 0) this.#place = 0;
  }
}
