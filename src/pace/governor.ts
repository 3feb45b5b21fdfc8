// Decides what we may send: the budget that keeps the whole link at the target.
//
// The budget has three terms. The first yields: budget = target − cross, where cross is what the
// card sent beyond our own bytes. It is right within one sample, and wrong by whatever the model
// leaves out (TLS, retransmits, acknowledgements, the exact size of headers). The second keeps
// accounts: a debt integrates (total − target), and a share of it is subtracted from the budget, so
// that the mean becomes exact whatever the first term got wrong. Bytes that wait in the kernel, or
// are saved in the shaper, count as sent from the start. The third is for several instances on one
// link. Each subtracts a little of what it sends itself, and all recover the same amount through
// their debts, so that their shares become equal (additive increase, multiplicative decrease). A
// levy on what each sends makes the debts equal as well, within a minute.
//
// Why it is stable: our own wire bytes are subtracted from the total of the same interval, so the
// budget feeds back through the first term only by the few percent that OVERHEAD misses (a loop
// gain of about 0.05). The second term is an integrator with gain interval/REPAY_MS = 0.1 at 50 ms
// and never more than 1/REPAY_SAMPLES, far from its limit of 2. The third is a gain of DECREASE
// behind a filter.

import type { LinkRates } from './link-rates.ts';

export interface Interval {
  /** Wire bytes that left the link in the interval. */
  readonly sentBytes: number;
  /** Body bytes that we handed to the kernel in the interval. */
  readonly ownBytes: number;
  /** > 0. */
  readonly intervalMs: number;
  /**
   * The part of the interval in which no request waited. Room that nothing claims earns no credit.
   */
  readonly idleMs: number;
  /** Tokens saved for waiting requests. They count as sent, like bytes in the kernel's queue. */
  readonly savedBytes: number;
}

/**
 * Wire bytes for one body byte: Ethernet, IP and TCP headers with timestamps, 66 bytes for each
 * full segment of 1,448 bytes.
 */
const OVERHEAD = 1 + 66 / 1_448;
/**
 * Bytes that we handed over may leave in the next interval; they are not traffic of others then.
 * Given as time at the target rate. They are forgotten with the same time constant, so that lost
 * bytes, or an OVERHEAD that is too large, cannot hide more cross traffic than this.
 */
const QUEUED_MS_MAX = 100;
/**
 * A rise of cross traffic by more than this part of the target is believed at once. A smaller rise
 * is noise and is smoothed.
 */
const NOISE = 0.05;
/**
 * Noise is averaged over this time. A shorter time follows the noise; a longer one lags behind slow
 * changes.
 */
const SMOOTH_MS = 250;
/**
 * A fall is believed with this time constant. A shorter one makes three instances oscillate, each
 * taking the others' changes for cross traffic. A longer one leaves room unused after bursts, and
 * on slow links, where single packets look like bursts.
 */
const FALL_MS = 50;
/**
 * The part of our own rate that is subtracted. More makes the shares of instances equal sooner, but
 * costs more of the mean while cross traffic changes.
 */
const DECREASE = 0.03;
/**
 * The part of our own bytes that is booked twice. Without it, a difference between the debts of two
 * instances, and so between their shares, would stay for ever. It costs this much of the mean.
 */
const LEVY = 0.0005;
/**
 * A debt is paid back over this time. A shorter time amplifies noise; a longer one leaves the mean
 * wrong for longer.
 */
const REPAY_MS = 500;
/**
 * A debt is paid back over at least this many samples, even if a driver gives them seldom: so the
 * integrator's gain stays at most 1/2.
 */
const REPAY_SAMPLES = 2;
/**
 * The largest debt. An hour above the target is forgotten when it ends. Given as time at the target
 * rate.
 */
const DEBT_MS_MAX = 150;
/**
 * The largest credit, for a stall of the process. It limits how far the budget may exceed the
 * target: by this over REPAY_MS. DECREASE takes 15 ms of it while we are alone. Given as time at
 * the target rate.
 */
const CREDIT_MS_MAX = 44;

/** The governor's state, as reported to other parts. */
export type PaceView = Pick<Governor, 'budgetBytesPerSec' | 'degraded' | 'floorEngaged' | 'limits' | 'rates'>;

/**
 * Calculates the budget from samples of the link. Deterministic: time comes with the samples, and
 * nothing throws. Without a sample it is degraded: the budget is at most half the target.
 */
export class Governor {
  #limits: LinkRates;
  #cross = 0;
  /** Wire bytes handed to the kernel that were not seen to leave yet. */
  #queuedBytes = 0;
  #pendingBytes = 0;
  #debtBytes = 0;
  #ownSmoothed = 0;
  #repayMs = REPAY_MS;
  #total = 0;
  #own = 0;
  #degraded = true;

  /** Starts degraded, because nothing has been measured. */
  constructor(limits: LinkRates) {
    this.#limits = limits;
  }

  get limits(): LinkRates {
    return this.#limits;
  }

  /** In force at once. What others send stays known. */
  setLimits(limits: LinkRates): void {
    this.#limits = limits;
    this.#boundDebt();
  }

  /**
   * Takes one sample of the link and updates the budget. Call it for samples in order, without
   * gaps.
   */
  observe({ sentBytes, ownBytes, intervalMs, idleMs, savedBytes }: Interval): void {
    const perSec = 1000 / intervalMs;
    this.#total = sentBytes * perSec;
    const crossBytes = this.#crossBytes(sentBytes, ownBytes * OVERHEAD, intervalMs);
    this.#own = this.#total - crossBytes * perSec;
    this.#ownSmoothed += (this.#own - this.#ownSmoothed) * (1 - Math.exp(-intervalMs / SMOOTH_MS));
    this.#believeCross(crossBytes * perSec, intervalMs);
    const pendingBytes = this.#queuedBytes + savedBytes * OVERHEAD;
    const leftBytes = sentBytes + pendingBytes - this.#pendingBytes + (sentBytes - crossBytes) * LEVY;
    this.#pendingBytes = pendingBytes;
    if (this.#degraded) this.#debtBytes = 0;
    else this.#bookDebt(leftBytes, intervalMs, Math.min(1, idleMs / intervalMs));
    this.#repayMs = Math.max(REPAY_MS, REPAY_SAMPLES * intervalMs);
    this.#degraded = false;
  }

  /**
   * The link cannot be measured. Until the next sample, the budget is at most half the target, and
   * no accounts are kept.
   */
  lose(): void {
    this.#degraded = true;
  }

  /**
   * Body bytes a second that may leave now: the rate of the token bucket. Never below the floor.
   */
  get budgetBytesPerSec(): number {
    const { targetBytesPerSec, floorBytesPerSec } = this.#limits;
    const modesty = this.#ownSmoothed * DECREASE;
    const room = targetBytesPerSec - this.#cross - modesty - (this.#debtBytes * 1000) / this.#repayMs;
    const most = this.#degraded ? targetBytesPerSec / 2 : Number.POSITIVE_INFINITY;
    return Math.max(floorBytesPerSec, Math.min(room, most)) / OVERHEAD;
  }

  /**
   * True while others leave less than the floor below the target. Then we send the floor, and the
   * link exceeds its target.
   */
  get floorEngaged(): boolean {
    return this.#limits.targetBytesPerSec - this.#cross < this.#limits.floorBytesPerSec;
  }

  get degraded(): boolean {
    return this.#degraded;
  }

  /** Wire bytes a second in the last sample; cross is the smoothed value that the budget uses. */
  get rates(): { totalBytesPerSec: number; ownBytesPerSec: number; crossBytesPerSec: number } {
    return { totalBytesPerSec: this.#total, ownBytesPerSec: this.#own, crossBytesPerSec: this.#cross };
  }

  /** Wire bytes that left beyond our own of this interval and those still queued before it. */
  #crossBytes(sentBytes: number, ownWireBytes: number, intervalMs: number): number {
    const mostQueued = (this.#limits.targetBytesPerSec * QUEUED_MS_MAX) / 1000;
    const queued = this.#queuedBytes * Math.exp(-intervalMs / QUEUED_MS_MAX) + ownWireBytes;
    this.#queuedBytes = Math.min(mostQueued, Math.max(0, queued - sentBytes));
    return Math.max(0, sentBytes - queued);
  }

  #believeCross(cross: number, intervalMs: number): void {
    const rise = cross - this.#cross;
    if (this.#degraded || rise > NOISE * this.#limits.targetBytesPerSec) {
      this.#cross = cross;
      return;
    }
    const timeConstantMs = rise > 0 ? SMOOTH_MS : FALL_MS;
    this.#cross += rise * (1 - Math.exp(-intervalMs / timeConstantMs));
  }

  #bookDebt(leftBytes: number, intervalMs: number, idleShare: number): void {
    const overBytes = leftBytes - (this.#limits.targetBytesPerSec * intervalMs) / 1000;
    const repaid = Math.max(-Math.max(0, this.#debtBytes), Math.min(0, overBytes));
    const credited = Math.min(0, overBytes - repaid);
    this.#debtBytes += Math.max(0, overBytes) + repaid + credited * (1 - idleShare);
    if (this.#debtBytes < 0 && idleShare === 1) this.#debtBytes = 0;
    this.#boundDebt();
  }

  #boundDebt(): void {
    const perMs = this.#limits.targetBytesPerSec / 1000;
    this.#debtBytes = Math.max(-CREDIT_MS_MAX * perMs, Math.min(DEBT_MS_MAX * perMs, this.#debtBytes));
  }
}
