// Decides where in the order of the backlog the next file is taken.

/** How many bytes must pass for each byte that fails: bad files take 5 % of the line. */
export const GOOD_FOR_BAD = 20;
/** A request costs this much in addition to its content. */
const REQUEST_BYTES = 16 * 1024;
/** The most that is owed: a long failure of some files is forgotten after this much has passed. */
const OWED_BYTES_MAX = 640 * 1024 ** 2;
/**
 * After this many bad files in a row, the files read ahead behind them are probably bad as well.
 */
const RUN = 8;
/** The far end of the order. */
const FAR = 0.999;
/** Steps of the golden ratio reach every region before they come close to an earlier one. */
export const STEP = (Math.sqrt(5) - 1) / 2;

/**
 * After failures for which files are to blame, the drain takes files from elsewhere than the front,
 * so that a run of bad files does not delay the good files behind it. Bad files get a twentieth of
 * what passes. Deterministic.
 */
export class Detour {
  /** How many bytes must pass before the best file is tried again. */
  #owedBytes = 0;
  #isUnderWay = false;
  /** True while the best file is being tried. */
  #isTrying = false;
  /** The place where files passed last while the best ones failed. */
  #aside = FAR;
  #inARow = 0;

  /** Where to take the next file: 0 for the best one, else how far behind it to look, below 1. */
  next(): number {
    if (!this.#isUnderWay) return 0;
    if (this.#owedBytes > 0 || this.#isTrying) return this.#aside;
    this.#isTrying = true;
    return 0;
  }

  /**
   * A file taken at `place` was to blame for its failure, after up to `sentBytes` bytes. Returns
   * true at the eighth failure in a row.
   */
  failed(place: number, sentBytes: number): boolean {
    this.#inARow += 1;
    this.#isUnderWay = true;
    if (place === 0) this.#isTrying = false;
    // Other files that were taken there give no new information.
    else if (place === this.#aside) this.#aside = (place + STEP) % 1;
    const owedBytes = this.#owedBytes + GOOD_FOR_BAD * (sentBytes + REQUEST_BYTES);
    this.#owedBytes = Math.min(OWED_BYTES_MAX, owedBytes);
    return this.#inARow === RUN;
  }

  /** A file taken at `place` was uploaded. */
  passed(place: number, sentBytes: number): void {
    this.#inARow = 0;
    this.#owedBytes = Math.max(0, this.#owedBytes - sentBytes - REQUEST_BYTES);
    if (place !== 0 || !this.#isTrying) return;
    this.#isTrying = false;
    this.#isUnderWay = false;
  }

  /** The file that was to be taken at `place` was not tried. */
  gaveBack(place: number): void {
    if (place === 0) this.#isTrying = false;
  }
}
