// Decides what a failure means for its file: try later, try again, or quarantine.
import { type Entry, foldersOf, type SpoolPath, sameIdentity } from '../spool/entry.ts';
import { STILL_WRITTEN, TOUCHED } from '../spool/spool-fault.ts';
import type { Fault } from '../system/fault.ts';
import { type Blame, type Failed, nameOf } from './blame.ts';
import { asFault, isOutOfDescriptors, UNRECORDED } from './drain-faults.ts';
import type { DrainOptions, DrainPorts, WaitingFiles } from './drain-ports.ts';
import { type FailedFile, FailedFiles } from './failed-files.ts';
import {
  BLOCKED_RETRY_MS,
  fairDelayMs,
  LEASED_RETRY_MS,
  nextLook,
  retryDelayMs,
  SPOOL_RETRY_MS,
} from './retry.ts';

/** A file that was written to within this time is probably still being written. */
const LIVE_MS = 10 * 60_000;
/** A packet that fails so often while others pass is split. Nothing is lost by it. */
const PACKET_STRIKES_MAX = 4;

/**
 * Releases each failed entry with a delay, or moves the file to the quarantine. No failure removes
 * anything. Invariant: a failed entry is released exactly once. Nothing rejects.
 */
export class FailurePolicy {
  readonly #ports: Pick<DrainPorts, 'backlog' | 'clock' | 'onEvent' | 'random' | 'rateBytesPerSec' | 'spool'>;
  readonly #blame: Blame;
  readonly #failed = new FailedFiles();
  #options: DrainOptions;

  constructor(ports: DrainPorts, blame: Blame, options: DrainOptions) {
    this.#ports = ports;
    this.#blame = blame;
    this.#options = options;
  }

  reconfigure(options: DrainOptions): void {
    this.#options = options;
  }

  /** Why files wait, alone or with their folder: the most frequent reason first. */
  waitingAt(nowMs: number, running: (id: string) => boolean): WaitingFiles[] {
    const folders = this.#blame.heldFolders.map(({ folder, fault, tryAtMs }) => ({
      reason: fault.code ?? fault.faultClass,
      files: this.#ports.backlog.heldFiles(folder),
      example: nameOf(folder),
      isFolder: true,
      fault,
      nextTryAtMs: tryAtMs,
    }));
    const files = this.#failed.kindsAt(nowMs, running).map((kind) => ({ ...kind, isFolder: false }));
    return [...folders, ...files].sort((a, b) => b.files - a.files);
  }

  /** The file has left the spool or the drain's care. Forgets it. */
  gone({ path }: Entry): void {
    this.#failed.forget(path);
    this.#ports.backlog.release(path, 'gone');
  }

  of(path: SpoolPath): Readonly<FailedFile> | undefined {
    return this.#failed.find(path);
  }

  hasFailed({ path }: Entry): boolean {
    return this.#failed.has(path);
  }

  /** Releases the entry in the way that its fault, and what is to blame for it, require. */
  async fail(failed: Failed, fault: Fault): Promise<void> {
    const { entry } = failed;
    if (isOutOfDescriptors(fault)) return this.#defer(entry, fault, this.#options.retry.initialMs);
    if (fault.code === STILL_WRITTEN) return this.#awaitWriter(entry, fault);
    if (fault.faultClass === 'changed') return this.#changed(entry, fault);
    if (fault.code === UNRECORDED) {
      // No file can be finished. This one is not sent again.
      this.#blame.pause(fault);
      return this.#ports.backlog.release(entry.path, 'again');
    }
    const verdict = await this.#blame.judge(failed, fault, this.#failed.waiting);
    switch (verdict) {
      case 'here':
        return this.#failHere(entry, fault);
      case 'folder':
        return this.#waitWithFolder(entry);
      case 'store':
        // The store refuses everything now, so its answer says nothing about this file.
        if (fault.faultClass !== 'transient') return this.#ports.backlog.release(entry.path, 'again');
        return this.#defer(entry, fault, this.#backoffMs(entry, fault));
      case 'unclear':
        if (this.#isPoisonous(entry, fault)) return this.#quarantine(entry, fault);
        return this.#defer(entry, fault, this.#backoffMs(entry, fault));
      case 'file':
        return this.#failForItself(failed, fault);
    }
  }

  /** This machine raised the fault. The store has nothing to do with it. */
  #failHere(entry: Entry, fault: Fault): Promise<void> | void {
    switch (fault.faultClass) {
      case 'file':
        return this.#quarantine(entry, fault);
      case 'transient': {
        const mostMs = fault.code === 'EAGAIN' ? LEASED_RETRY_MS : Number.POSITIVE_INFINITY;
        return this.#defer(entry, fault, Math.min(mostMs, this.#backoffMs(entry, fault)), true);
      }
      case 'unknown':
        this.#failed.of(entry.path).strikes += 1;
        return this.#retry(entry, fault, this.#backoffMs(entry, fault));
      case 'breaker':
        // The whole spool is affected, for example by a read-only mount, which may be mended at any
        // moment.
        return this.#defer(entry, fault, Math.min(SPOOL_RETRY_MS, this.#backoffMs(entry, fault)), true);
      default:
        return this.#defer(entry, fault, BLOCKED_RETRY_MS, true);
    }
  }

  /** The store accepts other files. */
  #failForItself({ entry, sentBytes }: Failed, fault: Fault): Promise<void> | void {
    const isRefused = entry.isPacket === true && fault.faultClass !== 'transient';
    if (fault.faultClass === 'file' || isRefused || this.#isPoisonous(entry, fault))
      return this.#quarantine(entry, fault);
    const backoffMs = this.#backoffMs(entry, fault);
    if (fault.faultClass === 'transient') return this.#defer(entry, fault, backoffMs, true);
    const fairMs = fairDelayMs(sentBytes, this.#ports.rateBytesPerSec());
    const delayMs = Math.max(backoffMs, fairMs);
    if (fault.faultClass === 'unknown') this.#strike(entry);
    return this.#retry(entry, fault, delayMs);
  }

  /**
   * True for a packet that fails again and again while others pass: it is to be split. Not where
   * the store asks for fewer requests, because it would get more.
   */
  #isPoisonous(entry: Entry, { faultClass, asksForFewer }: Fault): boolean {
    if (entry.isPacket !== true || faultClass !== 'transient' || asksForFewer) return false;
    this.#strike(entry);
    return this.#failed.of(entry.path).strikes >= PACKET_STRIKES_MAX;
  }

  /** This is no failure: the file is not complete yet. */
  #awaitWriter(entry: Entry, fault: Fault): void {
    const file = this.#failed.of(entry.path);
    const isAsBefore = file.lookedAt !== undefined && sameIdentity(file.lookedAt, entry.identity);
    file.looks = isAsBefore ? file.looks + 1 : 1;
    file.lookedAt = entry.identity;
    file.waits = true;
    this.#ports.backlog.release(entry.path, nextLook(file.looks));
    if (file.told === fault.message) return;
    file.told = fault.message;
    this.#ports.onEvent({ kind: 'stillWritten', entry, fault });
  }

  /** Counts one strike for each sign that the store works, not for each failure in a storm. */
  #strike({ path }: Entry): void {
    const file = this.#failed.of(path);
    if (file.signsAtStrike !== this.#blame.signs) file.strikes += 1;
    file.signsAtStrike = this.#blame.signs;
  }

  /**
   * The file counts as one of its folder's files, and is found again by the scan that counts them.
   */
  #waitWithFolder({ path }: Entry): void {
    this.#failed.forget(path);
    this.#ports.backlog.release(path, { deferForMs: this.#options.retry.maxMs });
  }

  /** Files that waited alone now wait with their folder. */
  folderHeld(folder: string): void {
    this.#failed.forgetBelow((id) => foldersOf({ id }).includes(folder));
  }

  #changed(entry: Entry, fault: Fault): Promise<void> | void {
    if (fault.code === 'ENOENT') return this.gone(entry);
    // The content is the same, so this does not count against the file.
    if (fault.code === TOUCHED) return this.#defer(entry, fault, this.#backoffMs(entry, fault));
    const { backlog, clock } = this.#ports;
    const file = this.#failed.of(entry.path);
    if (!file.waits) {
      file.strikes += 1;
      backlog.changed(entry.path);
      // The file is probably a log that is still written. It needs more patience, but no human.
      const isLive = clock.wallMs() - entry.modifiedAtMs < LIVE_MS;
      const delayMs = this.#backoffMs(entry, fault);
      return isLive ? this.#defer(entry, fault, delayMs) : this.#retry(entry, fault, delayMs);
    }
    // An entry that waited describes an earlier state of its file. The next scan describes the
    // present one, if the file still exists.
    file.waits = false;
    if (file.strikes === 0 && file.looks === 0) this.#failed.forget(entry.path);
    backlog.release(entry.path, 'again');
  }

  /** A file that may never pass is tried a limited number of times and then quarantined. */
  #retry(entry: Entry, fault: Fault, delayMs: number): Promise<void> | void {
    if (this.#failed.of(entry.path).strikes >= this.#options.retry.maxAttempts)
      return this.#quarantine(entry, fault);
    this.#defer(entry, fault, delayMs, true);
  }

  #backoffMs({ path }: Entry, { retryAfterMs }: Fault): number {
    const file = this.#failed.of(path);
    file.failures += 1;
    return retryDelayMs(this.#options.retry, file.failures, this.#ports.random(), retryAfterMs);
  }

  /** `isOwn`: the file is to blame, not the network or the store. */
  #defer(entry: Entry, fault: Fault, delayMs: number, isOwn = false): void {
    const file = this.#failed.of(entry.path);
    const isNews = file.told !== fault.message;
    file.told = fault.message;
    file.waits = true;
    this.#failed.waitsFor(entry.path, fault, this.#ports.clock.monotonicMs() + delayMs);
    this.#ports.backlog.release(entry.path, { deferForMs: delayMs });
    if (isNews || fault.faultClass !== 'blocked')
      this.#ports.onEvent({ kind: 'deferred', entry, fault, delayMs, isNews: isNews && isOwn });
  }

  async #quarantine(entry: Entry, fault: Fault): Promise<void> {
    const { clock, spool, onEvent } = this.#ports;
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
    onEvent({ kind: 'quarantined', entry, fault });
  }
}
