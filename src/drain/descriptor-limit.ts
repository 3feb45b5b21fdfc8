// How many transfers there are descriptors for, as far as is known: half as many as there were when
// they ran out, for the link's counter, scans and journals need some, too; and in time more again.
// Pure: time is an argument.

/** The cause may have gone by then. If not, descriptors run out again and one file waits. */
const DOUBLES_AFTER_MS = 60_000;

export class DescriptorLimit {
  #transfers = Number.POSITIVE_INFINITY;
  #changedMs = 0;

  get transfers(): number {
    return this.#transfers;
  }

  /** They ran out with `active` transfers at work. */
  ranOut(active: number, nowMs: number): void {
    this.#transfers = Math.max(1, Math.floor(active / 2));
    this.#changedMs = nowMs;
  }

  /** A transfer has succeeded. */
  sufficed(nowMs: number): void {
    if (nowMs - this.#changedMs < DOUBLES_AFTER_MS) return;
    this.#transfers *= 2;
    this.#changedMs = nowMs;
  }
}
