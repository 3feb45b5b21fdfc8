// Scans one after another: at the rescan interval, on hints, when a file settles, and when the
// backlog runs low.

import type { FileIdentity, SpoolOrder, SpoolPath } from '../spool/entry.ts';
import { SPOOL_GONE, spoolFault } from '../spool/spool-fault.ts';
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { Repeat } from '../system/repeat.ts';
import { Arrivals } from './arrivals.ts';
import type { BacklogEvent } from './backlog-event.ts';
import type { FileIndex } from './file-index.ts';
import { IgnoreRules } from './ignore-rules.ts';
import type { SkippedCount, SkippedPath } from './oddity.ts';
import { OddityReports } from './oddity-reports.ts';
import type { Patience } from './patience.ts';
import { type ScanReason, ScanSchedule } from './scan-schedule.ts';
import type { ScannedSpool, ScanRequest, ScanResult, Verdict } from './scanner.ts';
import { Settle } from './settle.ts';
import { NoAnswer, SilentFolders } from './silent-folders.ts';
import { type WatchBounds, type WatcherFactory, WatchWhenShallow } from './watch-when-shallow.ts';

export interface ScanOptions {
  readonly order: SpoolOrder;
  /** Glob patterns; see IgnoreRules. */
  readonly ignore: readonly string[];
  readonly settleMs: number;
  /**
   * Longest time from the beginning of one scan to the next, and longest rest after a scan that
   * took longer. While 200,000 files or more wait, the rest is longer: see ScanSchedule.
   */
  readonly rescanMs: number;
}

export interface ScanLoopPorts {
  readonly spool: ScannedSpool;
  readonly clock: Clock;
  readonly options: ScanOptions;
  readonly index: FileIndex;
  readonly watchBounds?: WatchBounds;
  readonly watch?: WatcherFactory;
  /** These three: see ScanRequest. judgesAll() is called when a scan begins. */
  readonly judge: (path: SpoolPath, identity: FileIdentity) => Verdict;
  readonly judgesAll: () => boolean;
  readonly onProgress: () => void;
  readonly onBegin: () => void;
  readonly onScanned: (result: ScanResult) => void;
  readonly onHint: (path?: SpoolPath) => void;
  /** The spool is no longer at its path. */
  readonly onGone: () => void;
  readonly onEvent: (event: BacklogEvent) => void;
}

const FAILED_RETRY_MS = 5_000;
/** The interval for a shallow spool that cannot be watched. A scan of it takes a few ms. */
const UNWATCHED_RESCAN_MS = 2_000;
const LOOK_MS = 2_000;
/** A longer settle time does not delay the first count beyond this. */
const FIRST_SCAN_MAX_MS = 5_000;

/**
 * Runs the scans until stop(). A failed scan is reported once and repeated; its partial result is
 * never used.
 * Due times use the monotonic clock. Nothing rejects: failures go to `onEvent`.
 */
export class ScanLoop {
  readonly #ports: ScanLoopPorts;
  readonly #clock: Clock;
  #options: ScanOptions;
  #ignore: IgnoreRules;
  readonly #settle: Settle;
  readonly #arrivals = new Arrivals();
  readonly #schedule: ScanSchedule;
  readonly #oddities = new OddityReports();
  readonly #watch: WatchWhenShallow;
  readonly #silent: SilentFolders;
  #fault: Fault | null = null;
  #told: string | undefined;
  #hasNoThread = false;
  readonly #scans: Repeat;
  /** During a scan. */
  readonly #looks: Repeat;

  constructor(ports: ScanLoopPorts) {
    this.#ports = ports;
    this.#clock = ports.clock;
    this.#options = ports.options;
    this.#ignore = new IgnoreRules(ports.options.ignore);
    this.#settle = new Settle(ports.options.settleMs);
    this.#schedule = new ScanSchedule(ports.options.rescanMs);
    this.#scans = new Repeat(
      ports.clock,
      (signal) => this.#scanOnce(signal),
      () => this.#schedule.dueAtMs() - this.#clock.monotonicMs(),
    );
    this.#looks = new Repeat(ports.clock, () => this.#reportSilence(), LOOK_MS);
    this.#silent = new SilentFolders(ports.clock, () => this.want('routine'));
    this.#watch = new WatchWhenShallow(
      ports.spool.path,
      {
        onHint: (path, what) => {
          this.#arrivals.hinted(path, what);
          ports.onHint(path);
        },
        onReady: () => this.want('routine'),
        onUnavailable: (code) => ports.onEvent({ kind: 'watchUnavailable', code }),
      },
      ports.watchBounds,
      ports.watch,
    );
  }

  /** Why the last scan failed, or null. */
  get fault(): Fault | null {
    return this.#fault;
  }

  /** What the running scan has been waiting for too long. Known entries are still handed out. */
  get waitsFor(): Fault | null {
    const path = this.#silent.overdue;
    if (path === undefined) return null;
    const subject = path.id === '' ? this.#ports.spool.path : `${this.#ports.spool.path}/${path}`;
    const hint =
      'see the kernel log (journalctl -k) for the disk or the server; the scan continues by itself';
    const message = `the scan waits for ${subject}, which does not answer`;
    return new Fault('breaker', message, { operation: 'scan', subject, code: 'NoAnswer', hint });
  }

  /** What the last scan left out. */
  get skipped(): readonly SkippedCount[] {
    return this.#oddities.counts;
  }

  /** What the last scan left out, at most `limit` of it. */
  skippedPaths(limit: number): readonly SkippedPath[] {
    return this.#oddities.paths(limit);
  }

  /** Learns which files change after they were taken, or come back. */
  get patience(): Patience {
    return this.#settle.patience;
  }

  get isScanning(): boolean {
    return this.#scans.isRunning;
  }

  get watching(): boolean {
    return this.#watch.watching;
  }

  get deep(): boolean {
    return this.#watch.deep;
  }

  start(): void {
    const now = { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
    this.#settle.begin(now);
    // Earlier than that, no file would count as settled, and a second scan of a deep spool takes
    // longer.
    const waitMs = Math.min(this.#options.settleMs, FIRST_SCAN_MAX_MS);
    this.#schedule.want('routine', now.monotonicMs + waitMs);
    this.#scans.start();
  }

  /** Resolves when no scan runs and nothing is watched. */
  async stop(): Promise<void> {
    const stopped = this.#scans.stop();
    const ended = this.#silent.stop();
    await stopped;
    ended();
    await this.#watch.stop();
  }

  /** Requests a scan, as soon as the limit on the time spent scanning allows. */
  want(reason: ScanReason): void {
    this.#schedule.want(reason, this.#clock.monotonicMs());
    this.#scans.soon();
  }

  setOptions(options: ScanOptions): void {
    this.#options = options;
    this.#ignore = new IgnoreRules(options.ignore);
    this.#settle.setSettleMs(options.settleMs);
    this.#schedule.setRestMax(options.rescanMs);
    this.want('low');
  }

  /** Never rejects. */
  async #scanOnce(signal: AbortSignal): Promise<void> {
    const now = { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
    this.#schedule.began();
    this.#looks.start();
    const outcome = await this.#attempt({
      index: this.#ports.index,
      ignore: this.#ignore,
      settle: this.#settle,
      now,
      judge: this.#ports.judge,
      judgesAll: this.#ports.judgesAll(),
      onProgress: () => {
        if (!signal.aborted) this.#ports.onProgress();
      },
      wasRenamed: (id, identity) => this.#arrivals.wasRenamed(id, identity),
      onOddity: (path, oddity) => this.#oddities.sighted(path, oddity),
      onNoThread: (code) => this.#noThread(code),
      signal,
      silent: this.#silent,
    });
    void this.#looks.stop();
    const endAtMs = this.#clock.monotonicMs();
    const { size, leftOut } = this.#ports.index;
    this.#schedule.ended(endAtMs, endAtMs - now.monotonicMs, size + leftOut);
    if (signal.aborted) return;
    if ('fault' in outcome) this.#failed(outcome.fault, endAtMs);
    else this.#succeeded(outcome.result, now.monotonicMs, endAtMs);
  }

  /** Reports it once. */
  #noThread(code: string): void {
    if (!this.#hasNoThread) this.#ports.onEvent({ kind: 'scanThreadUnavailable', code });
    this.#hasNoThread = true;
  }

  /** Reports once what a scan waits for. */
  #reportSilence(): void {
    const fault = this.waitsFor;
    if (fault !== null && fault.message !== this.#told) this.#ports.onEvent({ kind: 'scanFailed', fault });
    this.#told = fault?.message ?? this.#told;
  }

  async #attempt(request: ScanRequest): Promise<{ result: ScanResult } | { fault: Fault }> {
    this.#oddities.scanBegan();
    this.#ports.onBegin();
    try {
      return { result: await this.#ports.spool.scan(request) };
    } catch (error) {
      // Another walk leaves the folder out.
      const isAnswered = !(error instanceof Fault && error.cause instanceof NoAnswer);
      if (!isAnswered && request.signal?.aborted !== true) return this.#attempt(request);
      return { fault: spoolFault(error, 'scan', this.#ports.spool.path) };
    }
  }

  #succeeded(result: ScanResult, beganAtMs: number, endAtMs: number): void {
    this.#schedule.want('routine', beganAtMs + this.#options.rescanMs);
    if (result.settlesInMs !== null)
      this.#schedule.want('routine', beganAtMs + Math.ceil(result.settlesInMs));
    // A watcher also looks at each folder. A folder that does not answer would block threads of the
    // pool.
    if (result.hasSilent) this.#watch.pause();
    else this.#watch.adapt(result.files, result.folders);
    if (result.hasSilent && !this.#watch.deep)
      this.#schedule.want('routine', beganAtMs + Math.min(this.#options.rescanMs, UNWATCHED_RESCAN_MS));
    if (!this.#watch.watching) this.#arrivals.unwatched();
    const isRecovery = this.#fault !== null || this.#told !== undefined;
    this.#fault = null;
    this.#told = undefined;
    if (isRecovery) this.#ports.onEvent({ kind: 'scanRecovered' });
    for (const event of this.#oddities.scanEnded(endAtMs)) this.#ports.onEvent(event);
    this.#ports.onScanned(result);
    this.#ports.onEvent({ kind: 'scanned', result, durationMs: endAtMs - beganAtMs });
  }

  #failed(fault: Fault, endAtMs: number): void {
    const isNews = this.#fault?.message !== fault.message;
    this.#fault = fault;
    this.#schedule.want('routine', endAtMs + Math.min(this.#options.rescanMs, FAILED_RETRY_MS));
    // Watches of a folder that was replaced get no events. The next successful scan sets new ones.
    this.#watch.pause();
    if (isNews) this.#ports.onEvent({ kind: 'scanFailed', fault });
    if (fault.code === SPOOL_GONE) this.#ports.onGone();
  }
}
