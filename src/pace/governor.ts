// Decides what we may send: the budget that keeps the whole link at the target. Pure: fed with what
// the NIC sent.
//
// Three terms. The first yields: budget = target − cross, where cross is what the NIC sent beyond
// our own bytes. It is right within one sample, and wrong by whatever we do not model (TLS,
// retransmits, acknowledgements, a header's size). The second settles accounts: a debt integrates
// (total − target), and a share of it is taken off the budget, so that the mean comes out exact
// whatever the first term got wrong. Bytes that are on their way, in the kernel or saved up in the
// shaper, count as sent when they set out. The third is for several instances on one link: each
// takes off a little of what it sends itself, and all make up for it alike through their debts, so
// that their shares grow alike (additive increase, multiplicative decrease); a levy on what each
// sends evens out the debts themselves within a minute.
//
// Why it is stable: our own wire bytes are subtracted from the total in the same interval, so the
// budget does not feed back through the first term beyond the few percent that OVERHEAD misses (a
// loop gain of about 0.05); the second term is an integrator with gain interval/SETTLE_MS = 0.1 at
// 50 ms and never more than 1/SETTLE_SAMPLES, far from its limit of 2; the third is a gain of
// DECREASE behind a filter.

export interface Limits {
  readonly targetBytesPerSec: number;
  /** What we may always send, whatever others do; > 0 and ≤ target. */
  readonly floorBytesPerSec: number;
}

export interface Interval {
  readonly sentBytes: number;
  readonly ownBytes: number;
  /** > 0. */
  readonly intervalMs: number;
  /**
   * The part of the interval in which no request waited to send: unclaimed room earns no credit.
   */
  readonly idleMs: number;
  /** Tokens saved for waiting requests. Counts as sent, like bytes in the kernel's queue. */
  readonly savedBytes: number;
}

/**
 * Wire bytes for one body byte: Ethernet, IP and TCP headers with timestamps, 66 bytes for each
 * full 1,448-byte segment.
 */
const OVERHEAD = 1 + 66 / 1_448;
/**
 * Bytes we handed over may leave in the next interval and are not others' then. As time at the
 * target rate; the same time constant forgets them, so that bytes lost on the way, or an OVERHEAD
 * too large, hide no more cross than this.
 */
const MOST_QUEUED_MS = 100;
/**
 * A rise of cross traffic beyond this part of the target is believed at once; less is noise, and is
 * smoothed.
 */
const NOISE = 0.05;
/** Noise is averaged over this long; shorter follows it, longer lags behind slow changes. */
const SMOOTH_MS = 250;
/**
 * A fall is believed this slowly: shorter makes three instances swing, each taking the others'
 * changes for cross; longer leaves room unused after bursts, and on slow links, where single
 * packets look like bursts.
 */
const FALL_MS = 50;
/**
 * The part of our own rate that is taken off. More evens out the shares of instances sooner, and
 * costs more of the mean while cross traffic moves.
 */
const DECREASE = 0.03;
/**
 * The part of our own bytes that is booked as if it had been sent twice: without it a difference
 * between the debts of two instances, and so between their shares, would stay for ever. Costs this
 * much of the mean.
 */
const LEVY = 0.0005;
/**
 * A debt is paid back over this long: shorter amplifies noise, longer leaves the mean wrong for
 * longer …
 */
const SETTLE_MS = 500;
/**
 * … but over no less than so many samples, however seldom a driver gives one: the integrator's gain
 * stays at 1/2.
 */
const SETTLE_SAMPLES = 2;
/**
 * The most that is ever owed: an hour above target is forgotten as soon as it ends. As time at the
 * target rate.
 */
const MOST_DEBT_MS = 150;
/**
 * The most that is ever made up for, a stall of the process: bounds how far beyond the target the
 * budget may go, by this over SETTLE_MS. DECREASE takes 15 ms of it while we are alone. As time at
 * the target rate.
 */
const MOST_CREDIT_MS = 44;

/** The governor's state, as reported to other parts. */
export type PaceView = Pick<Governor, 'rates' | 'budgetBytesPerSec' | 'floorEngaged' | 'degraded'>;

export class Governor {
  #limits: Limits;
  #cross = 0;
  /** Handed to the kernel, and not yet seen to leave. */
  #queuedBytes = 0;
  #pendingBytes = 0;
  #debtBytes = 0;
  #ownSmoothed = 0;
  #settleMs = SETTLE_MS;
  #total = 0;
  #own = 0;
  #degraded = true;

  /** Starts without a measurement, hence degraded. */
  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** In force at once; what others send is remembered. */
  setLimits(limits: Limits): void {
    this.#limits = limits;
    this.#boundDebt();
  }

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
    else this.#settleDebt(leftBytes, intervalMs, Math.min(1, idleMs / intervalMs));
    this.#settleMs = Math.max(SETTLE_MS, SETTLE_SAMPLES * intervalMs);
    this.#degraded = false;
  }

  /**
   * The link cannot be measured: until the next sample at most half the target, and no accounts are
   * kept.
   */
  lose(): void {
    this.#degraded = true;
  }

  /** Body bytes per second that may leave now: the token bucket's rate. Never below the floor. */
  get budgetBytesPerSec(): number {
    const { targetBytesPerSec, floorBytesPerSec } = this.#limits;
    const modesty = this.#ownSmoothed * DECREASE;
    const room = targetBytesPerSec - this.#cross - modesty - (this.#debtBytes * 1000) / this.#settleMs;
    const most = this.#degraded ? targetBytesPerSec / 2 : Number.POSITIVE_INFINITY;
    return Math.max(floorBytesPerSec, Math.min(room, most)) / OVERHEAD;
  }

  /**
   * Others leave less than the floor below the target: we send the floor, and the link is above its
   * target.
   */
  get floorEngaged(): boolean {
    return this.#limits.targetBytesPerSec - this.#cross < this.#limits.floorBytesPerSec;
  }

  get degraded(): boolean {
    return this.#degraded;
  }

  /** Wire rates of the last sample; cross as believed. */
  get rates(): { totalBytesPerSec: number; ownBytesPerSec: number; crossBytesPerSec: number } {
    return { totalBytesPerSec: this.#total, ownBytesPerSec: this.#own, crossBytesPerSec: this.#cross };
  }

  /** What left beyond our own bytes of this interval and those that were still queued before it. */
  #crossBytes(sentBytes: number, ownWireBytes: number, intervalMs: number): number {
    const mostQueued = (this.#limits.targetBytesPerSec * MOST_QUEUED_MS) / 1000;
    const queued = this.#queuedBytes * Math.exp(-intervalMs / MOST_QUEUED_MS) + ownWireBytes;
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

  #settleDebt(leftBytes: number, intervalMs: number, idleShare: number): void {
    const overBytes = leftBytes - (this.#limits.targetBytesPerSec * intervalMs) / 1000;
    const repaid = Math.max(-Math.max(0, this.#debtBytes), Math.min(0, overBytes));
    const credited = Math.min(0, overBytes - repaid);
    this.#debtBytes += Math.max(0, overBytes) + repaid + credited * (1 - idleShare);
    if (this.#debtBytes < 0 && idleShare === 1) this.#debtBytes = 0;
    this.#boundDebt();
  }

  #boundDebt(): void {
    const perMs = this.#limits.targetBytesPerSec / 1000;
    this.#debtBytes = Math.max(-MOST_CREDIT_MS * perMs, Math.min(MOST_DEBT_MS * perMs, this.#debtBytes));
  }
}
