// Where in the order of the backlog the next file is taken. After failures that are files' own, the
// drain looks elsewhere than at the best file, so that a run of bad files does not hold up the good
// ones behind them: bad files get a twentieth of what passes. Deterministic.

/** What passes for each byte that fails: bad files take 5 % of the line. */
export const GOOD_FOR_BAD = 20;
/** A request costs this much beside its content. */
const REQUEST_BYTES = 16 * 1024;
/** A long outage of some files is forgotten after so much has passed. */
const MOST_OWED_BYTES = 640 * 1024 ** 2;
/** What is read ahead behind so many bad files in a row is likely to be bad, too. */
const RUN = 8;
/** The far end of the order. */
const FAR = 0.999;
/** Steps of the golden ratio look into every region before they come near to an earlier one. */
export const STEP = (Math.sqrt(5) - 1) / 2;

export class Detour {
  /** What has to pass before the best file is tried again. */
  #owedBytes = 0;
  #isUnderWay = false;
  /** The best file is being tried. */
  #isTrying = false;
  /** Where files passed last while the best ones failed. */
  #aside = FAR;
  #inARow = 0;

  /** Where to take the next file: 0 for the best one; else how far behind it to look, below 1. */
  next(): number {
    if (!this.#isUnderWay) return 0;
    if (this.#owedBytes > 0 || this.#isTrying) return this.#aside;
    this.#isTrying = true;
    return 0;
  }

  /**
   * A file taken at `place` was at fault, and up to `sentBytes` were sent for it. True at the
   * eighth in a row.
   */
  failed(place: number, sentBytes: number): boolean {
    this.#inARow += 1;
    this.#isUnderWay = true;
    if (place === 0) this.#isTrying = false;
    // The others that were taken there tell nothing new.
    else if (place === this.#aside) this.#aside = (place + STEP) % 1;
    const owedBytes = this.#owedBytes + GOOD_FOR_BAD * (sentBytes + REQUEST_BYTES);
    this.#owedBytes = Math.min(MOST_OWED_BYTES, owedBytes);
    return this.#inARow === RUN;
  }

  passed(place: number, sentBytes: number): void {
    this.#inARow = 0;
    this.#owedBytes = Math.max(0, this.#owedBytes - sentBytes - REQUEST_BYTES);
    if (place !== 0 || !this.#isTrying) return;
    this.#isTrying = false;
    this.#isUnderWay = false;
  }

  /** Nothing came of the file that was to be taken at `place`. */
  gaveBack(place: number): void {
    if (place === 0) this.#isTrying = false;
  }
}
