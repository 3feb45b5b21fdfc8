// Hands out the files that are to be uploaded, in order.

import type { Entry, FileIdentity, SpoolPath } from '../spool/entry.ts';
import type { Clock } from '../system/clock.ts';
import { DEFERRED_MAX } from './backlog-bounds.ts';
import { BacklogCount, type BacklogCounts } from './backlog-count.ts';
import type { BacklogOptions, BacklogPorts } from './backlog-ports.ts';
import { type Deferral, Deferrals, type Delay } from './deferrals.ts';
import { FileIndex } from './file-index.ts';
import { HeldFolders } from './held-folders.ts';
import { InFlight } from './in-flight.ts';
import type { SkippedPath } from './oddity.ts';
import { PostponedPaths } from './postponed-paths.ts';
import { ScanLoop } from './scan-loop.ts';
import type { ScanResult, Verdict } from './scanner.ts';

/**
 * What happened to an entry. `gone`: removed from the spool. `returned`: give it out again as it
 * was. `again`: a scan has to look at it first. A Delay: try it again later.
 */
export type Outcome = 'gone' | 'returned' | 'again' | Delay;

const NO_OLDEST = { oldestModifiedAtMs: null, oldestPath: null };

/**
 * Where scans have left files out of the index, the next one is due when at most this share of the
 * others is left.
 */
const LOW_SHARE = 0.25;
/** After a scan that found so many files, the next one may be long in coming. */
const DEEP_FILES = 100_000;
/**
 * The first scan of a deep spool takes longer than this. From then on, the best files that it has
 * found so far are handed out.
 */
const FIRST_SCAN_MS = 250;

/**
 * Holds the settled files that scans have found, and scans again when there may be others. The
 * directory is the truth: nothing is saved, and a restart loses nothing.
 * Invariant: a path is handed out to one caller at a time, and not before its deferral has ended.
 * Delays use the monotonic clock. Methods do not throw, except that release() of an entry that is
 * not in flight throws an Error (a bug in halfpipe). Nothing is handed out while the last scan has
 * failed.
 */
export class Backlog {
  readonly #clock: Clock;
  readonly #onWork: () => void;
  readonly #deferredMax: number;
  readonly #indexed: number | undefined;
  readonly #loop: ScanLoop;
  #options: BacklogOptions;
  readonly #index: FileIndex;
  readonly #inFlight = new InFlight();
  readonly #deferrals: Deferrals;
  readonly #postponed = new PostponedPaths();
  readonly #held = new HeldFolders();
  readonly #count = new BacklogCount();
  /** Files removed since the running scan began. The scan may have seen them before. */
  readonly #goneInScan = new Set<string>();
  #lastScan: ScanResult | undefined;
  #scanBeganAtMs = 0;
  /** How many files waited after the last scan. */
  #waitedAfterScan = 0;
  #isRunning = false;

  constructor(ports: BacklogPorts) {
    this.#clock = ports.clock;
    this.#onWork = ports.onWork;
    this.#options = ports.options;
    this.#deferredMax = ports.bounds?.deferred ?? DEFERRED_MAX;
    this.#indexed = ports.bounds?.indexed;
    this.#index = new FileIndex(ports.options.order, this.#indexed ?? ports.options.maxIndexed);
    this.#deferrals = new Deferrals(ports.clock, (due) => this.#due(due));
    this.#loop = new ScanLoop({
      spool: ports.spool,
      clock: ports.clock,
      options: ports.options,
      index: this.#index,
      ...(ports.bounds?.watch === undefined ? {} : { watchBounds: ports.bounds.watch }),
      ...(ports.watch === undefined ? {} : { watch: ports.watch }),
      judge: (path, identity) => this.#judge(path, identity),
      judgesAll: () => this.#held.any,
      onProgress: () => this.#progressed(),
      onBegin: () => this.#scanBegan(),
      onScanned: (result) => this.#scanned(result),
      onHint: (path) => this.hint(path),
      onGone: ports.onGone ?? (() => undefined),
      onEvent: ports.onEvent,
    });
  }

  /** Starts scanning, until stop(). */
  start(): void {
    this.#isRunning = true;
    this.#deferrals.start();
    this.#loop.start();
  }

  /**
   * Resolves when no scan runs and nothing is watched. From the call on, take() returns nothing;
   * release() still counts.
   */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#deferrals.stop();
    await this.#loop.stop();
  }

  /**
   * Takes the best entry that `accepts` accepts and that is neither in flight nor deferred. `place`
   * in [0, 1) starts the search behind that share of the entries at hand. The caller must give the
   * entry back through release().
   */
  take(accepts: (entry: Entry) => boolean = () => true, place = 0): Entry | undefined {
    if (!this.#isRunning || this.#loop.fault !== null || !this.#hasEnough()) return undefined;
    const entry = this.#index.take(accepts, place);
    if (entry !== undefined) this.#inFlight.begin(entry);
    if (!this.#loop.isScanning) this.#wantMoreWhenLow();
    return entry;
  }

  /** Like take(), but does not take the entry. */
  find(accepts: (entry: Entry) => boolean): Entry | undefined {
    return this.#index.find(accepts);
  }

  /**
   * Keeps the files of `folder` back, except one that each scan leaves at hand: see HeldFolders.
   */
  hold(folder: string): void {
    this.#held.hold(folder, 0);
    const isHeld = ({ path }: Entry) => this.#held.covers(path);
    const others = [...this.#inFlight.entries(), ...this.#deferrals.entries()].filter(isHeld).length;
    this.#held.hold(folder, this.#index.dropBelow(folder) + others);
    this.#loop.want(this.#index.size === 0 ? 'starved' : 'low');
  }

  /** Ends hold(). */
  free(folder: string): void {
    this.#held.free(folder);
    this.#loop.want('starved');
  }

  /** Files in a held folder, as of the last scan. */
  heldFiles(folder: string): number {
    return this.#held.filesIn(folder);
  }

  /** Gives back an entry that take() returned. Call it once for each entry. */
  release(path: SpoolPath, outcome: Outcome): void {
    const { entry, isByTheRules } = this.#inFlight.end(path);
    if (outcome === 'gone') {
      this.#loop.patience.removed(path.id, this.#clock.monotonicMs());
      const isCounted = this.#index.forget(path) && this.#loop.isScanning;
      this.#count.removed(entry.identity.sizeBytes, isCounted);
      if (this.#loop.isScanning) this.#goneInScan.add(path.id);
    } else if (outcome === 'returned' && isByTheRules && !this.#held.covers(path)) {
      this.#index.put(entry);
    } else if (outcome === 'returned' || outcome === 'again') {
      this.#index.forget(path);
      this.#loop.want('routine');
    } else {
      this.#deferrals.add(entry, outcome);
      this.#boundDeferrals();
    }
  }

  /**
   * The file changed after it was taken. It must now be quiet for longer before it counts as
   * complete.
   */
  changed(path: SpoolPath): void {
    this.#loop.patience.changed(path.id);
  }

  /**
   * Something may have happened in the spool, perhaps to `path`. Hints about files in flight come
   * from our own work and are ignored.
   */
  hint(path?: SpoolPath): void {
    if (path !== undefined && this.#inFlight.has(path.id)) return;
    if (path !== undefined) this.#deferrals.changed(path.id);
    this.#loop.want('routine');
  }

  /** Makes everything deferred due at once, for example when the store answers again. */
  retryDeferred(): void {
    this.#postponed.clear();
    this.#deferrals.releaseAll();
    this.hint();
  }

  /** Makes accepted deferred files due, and all postponed ones. Returns how many were deferred. */
  retry(accepts: (path: SpoolPath) => boolean): number {
    this.#postponed.clear();
    this.hint();
    return this.#deferrals.release(accepts);
  }

  /** Requests a scan at once. */
  rescan(): void {
    this.#loop.want('starved');
  }

  /** The best entries at hand, in their order, at most `limit`. */
  waiting(limit: number): readonly Entry[] {
    return this.#index.first(limit);
  }

  /** The entries that wait for their next attempt, in no particular order. */
  deferred(): Iterable<Deferral> {
    return this.#deferrals;
  }

  /** What the last scan found and left alone, at most `limit` of it. */
  skipped(limit: number): readonly SkippedPath[] {
    return this.#loop.skippedPaths(limit);
  }

  /** Takes effect with the next scan, which it requests. Entries in flight are not affected. */
  setOptions(options: BacklogOptions): void {
    this.#options = options;
    // The entries at hand were chosen by the old rules.
    this.#index.clear(options.order, this.#indexed ?? options.maxIndexed);
    this.#deferrals.clear();
    this.#inFlight.newRules();
    this.#loop.setOptions(options);
  }

  view(): BacklogCounts {
    const { files, bytes, unsettled, arrivedFiles, arrivedBytes, known } = this.#count;
    const { removedFiles, removedBytes, scans } = this.#count;
    const { written } = this.#deferrals;
    return {
      ...{ files, bytes, unsettled, arrivedFiles, arrivedBytes, known },
      ...(files === 0 ? NO_OLDEST : this.#oldest()),
      ...{ removedFiles, removedBytes, scans },
      inFlight: this.#inFlight.size,
      inFlightBytes: this.#inFlight.sizeBytes,
      deferred: this.#deferred() - written,
      written,
      watching: this.#loop.watching,
      deep: this.#loop.deep,
      skipped: this.#loop.skipped,
      fault: this.#loop.fault ?? this.#loop.waitsFor,
    };
  }

  #due(entries: readonly Entry[]): void {
    for (const entry of entries) this.#index.put(entry);
    this.#onWork();
  }

  #boundDeferrals(): void {
    if (this.#deferrals.size <= this.#deferredMax) return;
    const last = this.#deferrals.takeLast();
    if (last === undefined) return;
    this.#postponed.add(last.entry.path, last.dueAtMs);
    this.#index.forget(last.entry.path);
  }

  #wantMoreWhenLow(): void {
    const { size, leftOut } = this.#index;
    const isLow = leftOut > 0 && size <= this.#waitedAfterScan * LOW_SHARE;
    if (isLow || (size === 0 && this.#waitedAfterScan >= DEEP_FILES))
      this.#loop.want(size === 0 ? 'starved' : 'low');
  }

  #deferred(): number {
    const byThemselves = [...this.#deferrals.entries()].filter(({ path }) => !this.#held.covers(path));
    return byThemselves.length + this.#postponed.size + this.#held.total;
  }

  #scanBegan(): void {
    this.#held.scanBegan();
    this.#count.scanBegan();
    this.#goneInScan.clear();
    this.#scanBeganAtMs = this.#clock.monotonicMs();
  }

  /** The running scan has found a file. */
  #judge(path: SpoolPath, identity: FileIdentity): Verdict {
    const { id } = path;
    if (this.#goneInScan.has(id)) return 'gone';
    this.#deferrals.changed(id, identity);
    const isOut = this.#inFlight.has(id) || this.#deferrals.has(id);
    const mayWait = this.#held.wants(path, isOut) && !this.#postponed.has(path);
    return isOut ? 'out' : mayWait ? 'waiting' : 'counted';
  }

  /** True unless the first scan has just begun. */
  #hasEnough(): boolean {
    return this.#count.known || this.#clock.monotonicMs() - this.#scanBeganAtMs >= FIRST_SCAN_MS;
  }

  /** The running scan has found more files. */
  #progressed(): void {
    if (this.#clock.monotonicMs() - this.#scanBeganAtMs >= FIRST_SCAN_MS) this.#onWork();
  }

  #scanned(result: ScanResult): void {
    // No other entry waits behind the skipped files any more.
    const isComplete = this.#index.leftOut === 0;
    if (isComplete && this.#postponed.areDue(this.#clock.monotonicMs())) this.#postponed.clear();
    this.#count.scanEnded(result);
    this.#held.scanEnded();
    this.#lastScan = result;
    this.#waitedAfterScan = this.#index.size;
    this.#wantMoreWhenLow();
    if (this.#index.size > 0) this.#onWork();
  }

  /** Exact when the oldest entry is in memory (oldest-first); otherwise from the last scan. */
  #oldest(): Pick<BacklogCounts, 'oldestModifiedAtMs' | 'oldestPath'> {
    const { oldestModifiedAtMs, oldestPath } = this.#lastScan ?? NO_OLDEST;
    const scanned = { oldestModifiedAtMs, oldestPath };
    if (this.#options.order !== 'oldest-first' || this.#postponed.size > 0) return scanned;
    let [oldest] = this.#index.first(1);
    for (const entry of [...this.#inFlight.entries(), ...this.#deferrals.entries()])
      if (oldest === undefined || entry.modifiedAtMs < oldest.modifiedAtMs) oldest = entry;
    return oldest === undefined
      ? scanned
      : { oldestModifiedAtMs: oldest.modifiedAtMs, oldestPath: oldest.path };
  }
}
