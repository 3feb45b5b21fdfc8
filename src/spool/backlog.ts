// What is to be uploaded, in order: holds the best entries of the last scan and sees that there is always a next one.
// The directory is the truth. A path is handed out to one taker at a time and not before its deferral is over.
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import { BacklogCount } from './backlog-count.ts';
import { Deferrals } from './deferrals.ts';
import type { Entry, SpoolOrder, SpoolPath } from './entry.ts';
import { IgnoreRules } from './ignore-rules.ts';
import { type OddityReport, OddityReports } from './oddity-reports.ts';
import { ReadyEntries } from './ready-entries.ts';
import { ScanSchedule } from './scan-schedule.ts';
import type { ScanRequest, ScanResult } from './scanner.ts';
import { Settle } from './settle.ts';
import { spoolFault } from './spool-fault.ts';
import { type WatchLimits, WatchWhenShallow } from './watch-when-shallow.ts';
import type { HintSource, WatcherEvents } from './watcher.ts';

export interface BacklogOptions {
  readonly order: SpoolOrder;
  /** Glob patterns; see IgnoreRules. */
  readonly ignore: readonly string[];
  readonly settleMs: number;
  /** Longest time between two scans, if they take less than a tenth of it. */
  readonly rescanMs: number;
}

/** Bounds on memory. Defaults in brackets. */
export interface BacklogLimits {
  /** Entries at hand [10,000]. */
  readonly entries?: number;
  /** Entries deferred [10,000]. Once as many are, nothing is handed out until one of them is due. */
  readonly deferred?: number;
  /** Up to where the spool is watched [2,000 files, 200 folders]. */
  readonly watch?: WatchLimits;
}

export type BacklogReport =
  | OddityReport
  /** Once per failure; scans go on. `spool-gone` is its code when the spool is no longer at its path. */
  | { readonly kind: 'scan-failed'; readonly fault: Fault }
  | { readonly kind: 'scan-recovered' }
  /** No watches left: files are found by scanning, up to `rescan` later. */
  | { readonly kind: 'watch-unavailable'; readonly code: string };

/** What became of an entry: removed from the spool, to be looked at again, or to be tried again later. */
export type Outcome = 'gone' | 'again' | { readonly deferForMs: number };

export interface BacklogCounts {
  /** All files in the spool that are not ignored: at hand, in flight, deferred, unsettled, or only counted. */
  readonly files: number;
  readonly bytes: number;
  /** Wall clock; null when there is none. */
  readonly oldestModifiedMs: number | null;
  readonly inFlight: number;
  readonly deferred: number;
  /** As of the last scan. */
  readonly unsettled: number;
  readonly arrivedFiles: number;
  readonly arrivedBytes: number;
  /** A scan has succeeded since the start. */
  readonly known: boolean;
  readonly watching: boolean;
  /** Too much to watch: counts are of the last scan, corrected by what was removed since. */
  readonly deep: boolean;
  /** Why the last scan failed, if it did. */
  readonly fault: Fault | null;
}

export interface BacklogParts {
  readonly spool: { readonly path: string; scan(request: ScanRequest): Promise<ScanResult> };
  readonly clock: Clock;
  readonly options: BacklogOptions;
  readonly limits?: BacklogLimits;
  /** take() may have something to give. */
  readonly onWork: () => void;
  readonly onReport: (report: BacklogReport) => void;
  /** Where hints come from; absent: chokidar on real directories. */
  readonly watch?: (path: string, events: WatcherEvents) => HintSource;
}

const ENTRIES_MAX = 10_000;
const DEFERRED_MAX = 10_000;
const FAILED_RETRY_MS = 5_000;
// A new scan is due when this much of what was at hand after the last one is left.
const LOW_SHARE = 0.25;

export class Backlog {
  readonly #parts: BacklogParts;
  readonly #clock: Clock;
  #options: BacklogOptions;
  #ignore: IgnoreRules;
  readonly #settle: Settle;
  readonly #ready: ReadyEntries;
  readonly #inFlight = new Map<string, Entry>();
  readonly #deferrals = new Deferrals();
  readonly #count = new BacklogCount();
  readonly #schedule = new ScanSchedule();
  readonly #oddities = new OddityReports();
  readonly #watch: WatchWhenShallow;
  /** Removed, deferred or become due while a scan runs, which may have looked at them before. */
  readonly #goneInScan = new Set<string>();
  readonly #dueInScan: Entry[] = [];
  #lastScan: { readonly result: ScanResult; readonly kept: number } | undefined;
  #fault: Fault | null = null;
  #running: AbortController | undefined;
  #scan: Promise<void> | undefined;
  #cancelScanTimer = () => {};
  #cancelDeferralTimer = () => {};
  #deferralTimerMs = Number.POSITIVE_INFINITY;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#options = parts.options;
    this.#ignore = new IgnoreRules(parts.options.ignore);
    this.#settle = new Settle(parts.options.settleMs);
    this.#ready = new ReadyEntries(parts.options.order);
    this.#watch = new WatchWhenShallow(parts.spool.path, parts.limits?.watch, parts.watch, {
      onHint: (path) => this.hint(path),
      onReady: () => this.#want(0),
      onUnavailable: (code) => parts.onReport({ kind: 'watch-unavailable', code }),
    });
  }

  /** Scans at once, and goes on until stop(). */
  start(): void {
    this.#running = new AbortController();
    this.#want(0);
  }

  /** Resolves when no scan runs and nothing is watched. take() gives nothing from the call on; release() still counts. */
  async stop(): Promise<void> {
    this.#running?.abort(new Error('the backlog has been stopped'));
    this.#running = undefined;
    this.#cancelScanTimer();
    this.#cancelDeferralTimer();
    await this.#scan;
    await this.#watch.stop();
  }

  /** The best entry that is neither in flight nor deferred. Must be given back by release(). */
  take(): Entry | undefined {
    if (this.#running === undefined || this.#fault !== null) return undefined;
    if (this.#deferrals.size >= (this.#parts.limits?.deferred ?? DEFERRED_MAX)) return undefined;
    const entry = this.#ready.takeBest();
    if (entry !== undefined) this.#inFlight.set(entry.path.id, entry);
    this.#wantMoreWhenLow();
    return entry;
  }

  /** Ends what take() began. Does nothing for a path that is not in flight. */
  release(path: SpoolPath, outcome: Outcome): void {
    const entry = this.#inFlight.get(path.id);
    if (entry === undefined) return;
    this.#inFlight.delete(path.id);
    if (outcome === 'gone') {
      this.#count.removed(path.id, entry.identity.sizeBytes);
      if (this.#scan !== undefined) this.#goneInScan.add(path.id);
    } else if (outcome === 'again') this.#want(0);
    else this.#defer(entry, outcome.deferForMs);
  }

  /** Something may have happened in the spool, perhaps to `path`. Hints about files in flight are our own echo. */
  hint(path?: SpoolPath): void {
    if (path !== undefined && this.#inFlight.has(path.id)) return;
    this.#want(0);
  }

  /** Takes effect at once; entries in flight are not affected. */
  setOptions(options: BacklogOptions): void {
    this.#options = options;
    this.#ignore = new IgnoreRules(options.ignore);
    this.#settle.setSettleMs(options.settleMs);
    // What is at hand was chosen by the old rules.
    this.#ready.clear();
    this.#want(0);
  }

  view(): BacklogCounts {
    const { files, bytes, unsettled, arrivedFiles, arrivedBytes, known } = this.#count;
    return {
      ...{ files, bytes, unsettled, arrivedFiles, arrivedBytes, known },
      oldestModifiedMs: files === 0 ? null : this.#oldestModifiedMs(),
      inFlight: this.#inFlight.size,
      deferred: this.#deferrals.size,
      watching: this.#watch.watching,
      deep: this.#watch.deep,
      fault: this.#fault,
    };
  }

  #defer(entry: Entry, forMs: number): void {
    const dueMs = this.#clock.monotonicMs() + forMs;
    this.#deferrals.add(entry, dueMs);
    if (dueMs < this.#deferralTimerMs) this.#armDeferrals(dueMs);
  }

  #armDeferrals(dueMs: number): void {
    this.#cancelDeferralTimer();
    this.#deferralTimerMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY || this.#running === undefined) return;
    const waitMs = Math.max(0, dueMs - this.#clock.monotonicMs());
    this.#cancelDeferralTimer = this.#clock.schedule(waitMs, () => {
      const due = this.#deferrals.takeDue(this.#clock.monotonicMs());
      this.#ready.add(due);
      // The scan that runs was told to leave them out.
      if (this.#scan !== undefined) this.#dueInScan.push(...due);
      this.#armDeferrals(this.#deferrals.nextDueMs());
      if (due.length > 0) this.#parts.onWork();
    });
  }

  #want(inMs: number): void {
    this.#schedule.want('routine', this.#clock.monotonicMs() + inMs);
    this.#armScan();
  }

  #wantMoreWhenLow(): void {
    const last = this.#lastScan;
    if (last === undefined || last.result.eligible <= last.kept || this.#ready.size > last.kept * LOW_SHARE)
      return;
    this.#schedule.want(this.#ready.size === 0 ? 'starved' : 'low', this.#clock.monotonicMs());
    this.#armScan();
  }

  #armScan(): void {
    if (this.#running === undefined || this.#scan !== undefined) return;
    this.#cancelScanTimer();
    const waitMs = Math.max(0, this.#schedule.dueMs() - this.#clock.monotonicMs());
    if (waitMs === Number.POSITIVE_INFINITY) return;
    const { signal } = this.#running;
    this.#cancelScanTimer = this.#clock.schedule(waitMs, () => {
      this.#scan = this.#scanOnce(signal).finally(() => {
        this.#scan = undefined;
        this.#armScan();
      });
    });
  }

  async #scanOnce(signal: AbortSignal): Promise<void> {
    const now = { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
    this.#schedule.began();
    this.#count.scanBegan();
    this.#goneInScan.clear();
    this.#dueInScan.length = 0;
    try {
      const result = await this.#parts.spool.scan({
        order: this.#options.order,
        capacity: this.#parts.limits?.entries ?? ENTRIES_MAX,
        ignore: this.#ignore,
        settle: this.#settle,
        now,
        wants: (path) => this.#wants(path),
        onOddity: (path, oddity) => {
          const report = this.#oddities.sighted(path, oddity);
          if (report !== undefined) this.#parts.onReport(report);
        },
        signal,
      });
      this.#scanned(result, now.monotonicMs);
    } catch (error) {
      this.#scanFailed(error, signal);
    } finally {
      const endMs = this.#clock.monotonicMs();
      this.#schedule.ended(endMs, endMs - now.monotonicMs);
    }
  }

  /** The scan counts a file: shall it be among its entries? */
  #wants({ id }: SpoolPath): boolean {
    const isHeld = this.#inFlight.has(id) || this.#deferrals.has(id);
    if (isHeld || this.#ready.has(id)) this.#count.saw(id);
    return !isHeld;
  }

  #scanned(result: ScanResult, beganMs: number): void {
    this.#count.scanEnded(result);
    this.#ready.clear();
    this.#ready.reorder(this.#options.order);
    this.#ready.add(this.#dueInScan.filter(({ path }) => this.#isFree(path.id)));
    this.#ready.add(result.entries.filter(({ path }) => this.#isFree(path.id)));
    this.#lastScan = { result, kept: result.entries.length };
    this.#schedule.want('routine', beganMs + this.#options.rescanMs);
    if (result.settlesInMs !== null) this.#schedule.want('routine', beganMs + Math.ceil(result.settlesInMs));
    this.#watch.adapt(result.files, result.folders);
    if (this.#fault !== null) {
      this.#fault = null;
      this.#parts.onReport({ kind: 'scan-recovered' });
    }
    this.#wantMoreWhenLow();
    if (this.#ready.size > 0) this.#parts.onWork();
  }

  #isFree(id: string): boolean {
    return !this.#inFlight.has(id) && !this.#deferrals.has(id) && !this.#goneInScan.has(id);
  }

  #scanFailed(error: unknown, signal: AbortSignal): void {
    this.#count.scanFailed();
    if (signal.aborted) return;
    const fault = spoolFault(error, 'scan', this.#parts.spool.path);
    const isNews = this.#fault === null || this.#fault.message !== fault.message;
    this.#fault = fault;
    this.#schedule.want(
      'routine',
      this.#clock.monotonicMs() + Math.min(this.#options.rescanMs, FAILED_RETRY_MS),
    );
    if (isNews) this.#parts.onReport({ kind: 'scan-failed', fault });
  }

  /** Of what is held, when the oldest is always held; else as of the last scan. */
  #oldestModifiedMs(): number | null {
    const scanned = this.#lastScan?.result.oldestModifiedMs ?? null;
    if (this.#options.order !== 'oldest-first') return scanned;
    let oldestMs = this.#ready.best()?.modifiedMs ?? Number.POSITIVE_INFINITY;
    for (const { modifiedMs } of this.#inFlight.values()) oldestMs = Math.min(oldestMs, modifiedMs);
    for (const { modifiedMs } of this.#deferrals.entries()) oldestMs = Math.min(oldestMs, modifiedMs);
    return oldestMs === Number.POSITIVE_INFINITY ? scanned : oldestMs;
  }
}
