// Finds out that the line takes less than the budget.

/** What happened on the line within some time. */
export interface LineActivity {
  readonly elapsedMs: number;
  /** The part in which requests waited because the line had no room for another. */
  readonly heldBackMs: number;
  /**
   * The part in which other sides accepted nothing more: most connections that held bytes had a
   * closed window.
   */
  readonly refusedMs: number;
  /** Body bytes that the other side has acknowledged. */
  readonly deliveredBytes: number;
}

export interface SlowLine {
  /** What all traffic takes on the wire. */
  readonly bitsPerSec: number;
  /** What limits the rate: the line, or the store at its end. */
  readonly limitedBy: 'line' | 'store';
}

const STEP_MS = 10_000;
const STEPS = 6;
/** If requests are held back for this share of the time, the line may be the limit. */
const HELD_BACK = 0.5;
/** The line is the limit only if it also takes at most this part of the budget. */
const MISSED = 0.8;
/**
 * If requests are held back for at most this share of the time, the line is not the limit. In
 * between, the last finding stands.
 */
const FREE = 0.1;
/** A finding stands until it is wrong by more than this. */
const STEADY = 0.2;
/** Ethernet, IP and TCP headers of a full segment with timestamps, and a little for TLS. */
const OVERHEAD = 1.05;
/**
 * What others send is the card's count minus our own. It includes what was sent again, up to this
 * part of our own. The governor's estimate of others cannot be used here, because it counts as
 * others what waits in the kernel for seconds.
 */
const SENT_AGAIN = 0.25;

interface Step extends LineActivity {
  readonly budgetBytes: number;
  readonly totalBytes: number;
}

const NOTHING: Step = {
  elapsedMs: 0,
  heldBackMs: 0,
  refusedMs: 0,
  deliveredBytes: 0,
  budgetBytes: 0,
  totalBytes: 0,
};

/**
 * Reports a slow line if for most of a minute requests waited because the other side had not
 * accepted what was sent. It reports what it saw; the operator decides what the capacity should be.
 * Deterministic: time comes with the activity.
 */
export class SlowLineFinder {
  #steps: readonly Step[] = [];
  #step = NOTHING;
  #found: SlowLine | undefined;
  #stepsNeeded = STEPS;

  /** Undefined while the line keeps up or too little is known. */
  get found(): SlowLine | undefined {
    return this.#found;
  }

  /**
   * Another line or another capacity begins, so the last finding no longer applies. With `soon`,
   * ten seconds are enough evidence; use that where a wrong guess costs only some time.
   */
  forget({ soon }: { readonly soon: boolean } = { soon: false }): void {
    this.#stepsNeeded = soon ? 1 : STEPS;
    this.#steps = [];
    this.#step = NOTHING;
    this.#found = undefined;
  }

  /** `totalBytesPerSec` is what the card sends. */
  observe(activity: LineActivity, budgetBytesPerSec: number, totalBytesPerSec: number): void {
    const seconds = activity.elapsedMs / 1000;
    const rates = { budgetBytes: budgetBytesPerSec * seconds, totalBytes: totalBytesPerSec * seconds };
    this.#step = sum([this.#step, { ...activity, ...rates }]);
    if (this.#step.elapsedMs < STEP_MS) return;
    // A time without anything to send says nothing about the line.
    if (this.#step.heldBackMs > 0 || this.#step.deliveredBytes > 0)
      this.#steps = [...this.#steps, this.#step].slice(-this.#stepsNeeded);
    this.#step = NOTHING;
    if (this.#steps.length === this.#stepsNeeded) this.#judge(sum(this.#steps));
  }

  #judge(minute: Step): void {
    const { elapsedMs, heldBackMs, refusedMs, deliveredBytes, budgetBytes, totalBytes } = minute;
    const isMissed = deliveredBytes < budgetBytes * MISSED;
    if (heldBackMs < elapsedMs * FREE || !isMissed) this.#found = undefined;
    if (heldBackMs < elapsedMs * HELD_BACK || !isMissed) return;
    const ownBytes = deliveredBytes * OVERHEAD;
    const bytes = ownBytes + Math.max(0, totalBytes - ownBytes * (1 + SENT_AGAIN));
    const bitsPerSec = (bytes * 8000) / elapsedMs;
    const limitedBy = refusedMs > heldBackMs / 2 ? 'store' : 'line';
    const before = this.#found;
    const isSteady =
      before?.limitedBy === limitedBy &&
      Math.abs(bitsPerSec - before.bitsPerSec) <= STEADY * before.bitsPerSec;
    if (!isSteady) this.#found = { bitsPerSec, limitedBy };
  }
}

function sum(steps: readonly Step[]): Step {
  return steps.reduce(
    (a, b) => ({
      elapsedMs: a.elapsedMs + b.elapsedMs,
      heldBackMs: a.heldBackMs + b.heldBackMs,
      refusedMs: a.refusedMs + b.refusedMs,
      deliveredBytes: a.deliveredBytes + b.deliveredBytes,
      budgetBytes: a.budgetBytes + b.budgetBytes,
      totalBytes: a.totalBytes + b.totalBytes,
    }),
    NOTHING,
  );
}
