// Finds out that the line takes less than the budget: for most of a minute requests waited because
// the other side had not taken what was sent. Deterministic. It tells what it saw; what the
// capacity should be is the operator's to decide.

/** What happened on the line over some time. */
export interface LineActivity {
  readonly elapsedMs: number;
  /** The part of it in which requests waited because the line had no room for another. */
  readonly heldBackMs: number;
  /**
   * The part of it in which other sides took nothing more: most connections that held something had
   * a closed window.
   */
  readonly refusedMs: number;
  /** Bodies, as far as the other side has acknowledged them. */
  readonly deliveredBytes: number;
}

export interface SlowLine {
  /** On the wire, of all that leaves. */
  readonly bitsPerSec: number;
  /** Who takes so little: the line, or the store at its end. */
  readonly limitedBy: 'line' | 'store';
}

const STEP_MS = 10_000;
const STEPS = 6;
/** Held back for so much of the time, the line is what everything waits for … */
const HELD_BACK = 0.5;
/** … where it also takes no more than this part of the budget. */
const MISSED = 0.8;
/** Held back for no more than this, it is not. In between, what was found stands. */
const FREE = 0.1;
/** What was found stands until it is off by more. */
const STEADY = 0.2;
/** Ethernet, IP and TCP headers of a full segment with timestamps, and some more for TLS. */
const OVERHEAD = 1.05;
/**
 * What others send is the card's count less our own, and has what was sent again in it: up to this
 * part of our own. The budget's own estimate of others is of no use here: what waits in the kernel
 * for seconds is others' for it.
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

export class SlowLineFinder {
  #steps: readonly Step[] = [];
  #step = NOTHING;
  #found: SlowLine | undefined;
  #stepsNeeded = STEPS;

  /** Undefined while the line keeps up, or too little is known. */
  get found(): SlowLine | undefined {
    return this.#found;
  }

  /**
   * Another line, or another capacity: what was found says nothing of it. With `soon` ten seconds
   * are evidence enough: where a wrong guess costs nothing but some time.
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
    // A time with nothing to send says nothing of the line.
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
