// Hands out the files that are to be uploaded, in order.

import type { Entry, FileIdentity, SpoolPath } from '../spool/entry.ts';
import type { Clock } from '../system/clock.ts';
import { DEFERRED_MAX, ENTRIES_MAX } from './backlog-bounds.ts';
import { BacklogCount, type BacklogCounts } from './backlog-count.ts';
import type { BacklogOptions, BacklogPorts } from './backlog-ports.ts';
import { type Deferral, Deferrals, type Delay } from './deferrals.ts';
import { HeldFolders } from './held-folders.ts';
import { InFlight } from './in-flight.ts';
import type { SkippedPath } from './oddity.ts';
import { PostponedPaths } from './postponed-paths.ts';
import { ReadyEntries } from './ready-entries.ts';
import { ScanLoop } from './scan-loop.ts';
import type { ScanResult } from './scanner.ts';

/**
 * What happened to an entry. `gone`: removed from the spool. `returned`: give it out again as it
 * was. `again`: a scan has to look at it first. A Delay: try it again later.
 */
export type Outcome = 'gone' | 'returned' | 'again' | Delay;

const NO_OLDEST = { oldestModifiedAtMs: null, oldestPath: null };

// The next scan is due when at most this share of the entries of the last scan is left.
const LOW_SHARE = 0.25;

/**
 * Holds the best entries of the last scan and scans again before they run out. The directory is the
 * truth: nothing is saved, and a restart loses nothing.
 * Invariant: a path is handed out to one caller at a time, and not before its deferral has ended.
 * Delays use the monotonic clock. Methods do not throw, except that release() of an entry that is
 * not in flight throws an Error (a bug in halfpipe). Nothing is handed out while the last scan has
 * failed.
 */
export class Backlog {
  readonly #clock: Clock;
  readonly #onWork: () => void;
  readonly #deferredMax: number;
  readonly #loop: ScanLoop;
  #options: BacklogOptions;
  readonly #ready: ReadyEntries;
  readonly #inFlight = new InFlight();
  readonly #deferrals: Deferrals;
  readonly #postponed = new PostponedPaths();
  readonly #held = new HeldFolders();
  readonly #count = new BacklogCount();
  /** Files removed since the running scan began. The scan may have seen them before. */
  readonly #goneInScan = new Set<string>();
  readonly #dueInScan: Entry[] = [];
  #lastScan: ScanResult | undefined;
  #isRunning = false;

  constructor(ports: BacklogPorts) {
    this.#clock = ports.clock;
    this.#onWork = ports.onWork;
    this.#options = ports.options;
    this.#deferredMax = ports.bounds?.deferred ?? DEFERRED_MAX;
    this.#ready = new ReadyEntries(ports.options.order);
    this.#deferrals = new Deferrals(ports.clock, (due) => this.#due(due));
    this.#loop = new ScanLoop({
      spool: ports.spool,
      clock: ports.clock,
      options: ports.options,
      capacity: ports.bounds?.entries ?? ENTRIES_MAX,
      ...(ports.bounds?.watch === undefined ? {} : { watchBounds: ports.bounds.watch }),
      ...(ports.watch === undefined ? {} : { watch: ports.watch }),
      wants: (path, identity) => this.#wants(path, identity),
      onBegin: () => this.#scanBegan(),
      onScanned: (result) => this.#scanned(result),
      onNothing: () => this.#count.scanFailed(),
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
    if (!this.#isRunning || this.#loop.fault !== null) return undefined;
    const entry = this.#ready.take(accepts, place);
    if (entry !== undefined) this.#inFlight.begin(entry);
    this.#wantMoreWhenLow();
    return entry;
  }

  /** Like take(), but does not take the entry. */
  find(accepts: (entry: Entry) => boolean): Entry | undefined {
    return this.#ready.find(accepts);
  }

  /**
   * Keeps the files of `folder` back, except one that each scan leaves at hand: see HeldFolders.
   */
  hold(folder: string): void {
    this.#held.hold(folder, 0);
    const isHeld = ({ path }: Entry) => this.#held.covers(path);
    const others = [...this.#inFlight.entries(), ...this.#deferrals.entries()].filter(isHeld).length;
    this.#held.hold(folder, this.#ready.drop(isHeld) + others);
    this.#loop.want(this.#ready.size === 0 ? 'starved' : 'low');
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
      this.#count.removed(path.id, entry.identity.sizeBytes);
      if (this.#loop.isScanning) this.#goneInScan.add(path.id);
    } else if (outcome === 'returned' && isByTheRules && !this.#held.covers(path)) {
      this.#addReady([entry]);
    } else if (outcome === 'returned' || outcome === 'again') {
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
    return this.#ready.first(limit);
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
    this.#ready.clear();
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
    this.#addReady(entries);
    this.#onWork();
  }

  #addReady(entries: readonly Entry[]): void {
    this.#ready.add(entries);
    // The running scan was told to leave these entries out.
    if (this.#loop.isScanning) this.#dueInScan.push(...entries);
  }

  #boundDeferrals(): void {
    if (this.#deferrals.size <= this.#deferredMax) return;
    const last = this.#deferrals.takeLast();
    if (last !== undefined) this.#postponed.add(last.entry.path, last.dueAtMs);
  }

  #wantMoreWhenLow(): void {
    if (this.#lastScan === undefined) return;
    const kept = this.#lastScan.entries.length;
    if (this.#lastScan.eligible === kept || this.#ready.size > kept * LOW_SHARE) return;
    this.#loop.want(this.#ready.size === 0 ? 'starved' : 'low');
  }

  #deferred(): number {
    const byThemselves = [...this.#deferrals.entries()].filter(({ path }) => !this.#held.covers(path));
    return byThemselves.length + this.#postponed.size + this.#held.total;
  }

  #scanBegan(): void {
    this.#held.scanBegan();
    this.#count.scanBegan();
    this.#goneInScan.clear();
    this.#dueInScan.length = 0;
  }

  /** The running scan counts a file. Returns true if the file may be among its entries. */
  #wants(path: SpoolPath, identity: FileIdentity): boolean {
    const { id } = path;
    this.#deferrals.changed(id, identity);
    const isHeld = this.#inFlight.has(id) || this.#deferrals.has(id);
    if (isHeld || this.#ready.has(id)) this.#count.saw(id);
    return this.#held.wants(path, isHeld) && !isHeld && !this.#postponed.has(path);
  }

  #scanned(result: ScanResult): void {
    const isFree = ({ path }: Entry) =>
      !this.#inFlight.has(path.id) &&
      !this.#deferrals.has(path.id) &&
      !this.#goneInScan.has(path.id) &&
      !this.#postponed.has(path);
    // No other entry waits behind the skipped files any more.
    const isComplete = result.eligible === result.entries.length;
    if (isComplete && this.#postponed.areDue(this.#clock.monotonicMs())) this.#postponed.clear();
    this.#count.scanEnded(result);
    this.#held.scanEnded();
    this.#lastScan = result;
    this.#ready.reorder(this.#options.order);
    this.#ready.replace([...result.entries, ...this.#dueInScan].filter(isFree));
    this.#wantMoreWhenLow();
    if (this.#ready.size > 0) this.#onWork();
  }

  /** Exact when the oldest entry is in memory (oldest-first); otherwise from the last scan. */
  #oldest(): Pick<BacklogCounts, 'oldestModifiedAtMs' | 'oldestPath'> {
    const { oldestModifiedAtMs, oldestPath } = this.#lastScan ?? NO_OLDEST;
    const scanned = { oldestModifiedAtMs, oldestPath };
    if (this.#options.order !== 'oldest-first' || this.#postponed.size > 0) return scanned;
    let oldest = this.#ready.best();
    for (const entry of [...this.#inFlight.entries(), ...this.#deferrals.entries()])
      if (oldest === undefined || entry.modifiedAtMs < oldest.modifiedAtMs) oldest = entry;
    return oldest === undefined
      ? scanned
      : { oldestModifiedAtMs: oldest.modifiedAtMs, oldestPath: oldest.path };
  }
}
