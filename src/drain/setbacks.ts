// What a failure means for a file: later, again, or a human's business. No failure removes anything.
// Invariant: an entry that failed is released exactly once.
import { type Entry, sameIdentity } from '../spool/entry.ts';
import { STILL_WRITTEN, TOUCHED } from '../spool/spool-fault.ts';
import type { Fault } from '../system/fault.ts';
import { asFault, isOutOfDescriptors, isSlowDown } from './drain-faults.ts';
import type { DrainOptions, DrainPorts } from './drain-ports.ts';
import { FailedFiles } from './failed-files.ts';
import { BLOCKED_RETRY_MS, nextLook, retryDelayMs } from './retry.ts';

/** A file that was written to within this time is still in the making. */
const LIVE_MS = 10 * 60_000;
/** A deferred file may come back so much later than it is due. */
const LATE_MS = 1_000;

export class Setbacks {
  readonly #ports: Pick<DrainPorts, 'backlog' | 'breaker' | 'clock' | 'events' | 'random' | 'spool'>;
  readonly #failed = new FailedFiles();
  /** Uploads that passed, and answers of the store when there was nothing to upload. */
  #signsOfStore = 0;
  #options: Pick<DrainOptions, 'retry'>;
  /** What the store last refused of a file that waits for it, and until when. */
  #refusal: { readonly fault: Fault; readonly untilMs: number } | undefined;

  constructor(ports: DrainPorts, options: DrainOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  reconfigure(options: DrainOptions): void {
    this.#options = options;
    this.#refusal = undefined;
  }

  /** The file has left the spool, or is to be forgotten. */
  gone({ path }: Entry): void {
    this.#failed.forget(path);
    this.#ports.backlog.release(path, 'gone');
  }

  hasFailed({ path }: Entry): boolean {
    return this.#failed.has(path);
  }

  /** The store cannot be used: nobody's file is to blame. */
  pause(fault: Fault): void {
    const { breaker, clock, events } = this.#ports;
    if (breaker.fail(fault.message, clock.monotonicMs(), fault.retryAfterMs)) events.onPaused(fault);
  }

  /** With nothing else to try, an answer of the store says nothing while a file waits that it refused. True then. */
  pauseForRefused(): boolean {
    if (this.#refusal === undefined || this.#ports.clock.monotonicMs() >= this.#refusal.untilMs) return false;
    this.pause(this.#refusal.fault);
    return true;
  }

  /** Releases the entry with what its fault's class says. */
  async fail(entry: Entry, fault: Fault): Promise<void> {
    if (isOutOfDescriptors(fault)) return this.#defer(entry, fault, this.#options.retry.initialMs);
    if (fault.code === STILL_WRITTEN) return this.#awaitWriter(entry, fault);
    switch (fault.faultClass) {
      case 'breaker':
        return this.#refuse(entry, fault);
      case 'blocked':
        return this.#defer(entry, fault, BLOCKED_RETRY_MS);
      case 'file':
        return this.#quarantine(entry, fault);
      case 'changed':
        if (fault.code === 'ENOENT') return this.gone(entry);
        // Its content is the same: nothing speaks against the file.
        if (fault.code === TOUCHED) return this.#defer(entry, fault, this.#backoffMs(entry, fault));
        return this.#retryChanged(entry, fault);
      case 'transient':
        this.#doubtStore(fault);
        return this.#defer(entry, fault, this.#backoffMs(entry, fault));
      default:
        this.#doubtStore(fault);
        return this.#retryUnknown(entry, fault);
    }
  }

  /** A file that is refused once more may be the only one that is: it waits, and lets the others go first. */
  #refuse(entry: Entry, fault: Fault): void {
    const { backlog, clock } = this.#ports;
    const isFirst = !this.hasFailed(entry);
    const delayMs = this.#backoffMs(entry, fault);
    this.pause(fault);
    if (isFirst) return backlog.release(entry.path, 'again');
    this.#refusal = { fault, untilMs: clock.monotonicMs() + delayMs + LATE_MS };
    this.#defer(entry, fault, delayMs);
  }

  /** The store works: what fails all the same may be the file's fault. */
  trustStore(): void {
    this.#signsOfStore += 1;
  }

  #doubtStore(fault: Fault): void {
    const { breaker, clock, events } = this.#ports;
    const { message, retryAfterMs } = fault;
    const asked = isSlowDown(fault);
    if (asked) events.onSlowDown();
    const pauses = asked
      ? breaker.slowDown(message, clock.monotonicMs(), retryAfterMs)
      : breaker.failTransiently(message, clock.monotonicMs(), retryAfterMs);
    if (pauses) events.onPaused(fault);
  }

  /** No failure of anything: the file is not complete yet. */
  #awaitWriter(entry: Entry, fault: Fault): void {
    const file = this.#failed.of(entry.path);
    const isAsBefore = file.lookedAt !== undefined && sameIdentity(file.lookedAt, entry.identity);
    file.looks = isAsBefore ? file.looks + 1 : 1;
    file.lookedAt = entry.identity;
    file.waits = true;
    this.#ports.backlog.release(entry.path, nextLook(file.looks));
    if (file.told === fault.message) return;
    file.told = fault.message;
    this.#ports.events.onStillWritten(entry, fault);
  }

  #retryChanged(entry: Entry, fault: Fault): Promise<void> | void {
    const { backlog, clock } = this.#ports;
    const file = this.#failed.of(entry.path);
    if (!file.waits) {
      file.strikes += 1;
      backlog.changed(entry.path);
      // A log, say, that goes on: no human is needed, but more patience.
      const isLive = clock.wallMs() - entry.modifiedMs < LIVE_MS;
      return isLive ? this.#defer(entry, fault, this.#backoffMs(entry, fault)) : this.#retry(entry, fault);
    }
    // An entry that waited tells of an earlier state of its file: the next scan tells of the present one, if there is any.
    file.waits = false;
    if (file.strikes === 0 && file.looks === 0) this.#failed.forget(entry.path);
    backlog.release(entry.path, 'again');
  }

  /** An outage with an answer that nobody thought of is no file's fault: only attempts beside which the store worked count. */
  #retryUnknown(entry: Entry, fault: Fault): Promise<void> | void {
    const file = this.#failed.of(entry.path);
    if (file.signsAtStrike !== this.#signsOfStore) file.strikes += 1;
    file.signsAtStrike = this.#signsOfStore;
    return this.#retry(entry, fault);
  }

  /** What may never pass is tried so often, and then left to a human. */
  #retry(entry: Entry, fault: Fault): Promise<void> | void {
    if (this.#failed.of(entry.path).strikes >= this.#options.retry.maxAttempts)
      return this.#quarantine(entry, fault);
    this.#defer(entry, fault, this.#backoffMs(entry, fault));
  }

  #backoffMs({ path }: Entry, { retryAfterMs }: Fault): number {
    const file = this.#failed.of(path);
    file.failures += 1;
    return retryDelayMs(this.#options.retry, file.failures, this.#ports.random(), retryAfterMs);
  }

  #defer(entry: Entry, fault: Fault, delayMs: number): void {
    const file = this.#failed.of(entry.path);
    const isNews = file.told !== fault.message;
    file.told = fault.message;
    file.waits = true;
    this.#ports.backlog.release(entry.path, { deferForMs: delayMs });
    if (isNews || fault.faultClass !== 'blocked') this.#ports.events.onDeferred(entry, fault, delayMs);
  }

  async #quarantine(entry: Entry, fault: Fault): Promise<void> {
    const { clock, spool, events } = this.#ports;
    try {
      await spool.quarantine(entry.path, {
        at: new Date(clock.wallMs()).toISOString(),
        reason: fault.message,
        ...(fault.code !== undefined && { code: fault.code }),
        ...(fault.hint !== undefined && { hint: fault.hint }),
      });
    } catch (error) {
      return this.#defer(entry, asFault(error), BLOCKED_RETRY_MS);
    }
    this.gone(entry);
    events.onQuarantined(entry, fault);
  }
}
