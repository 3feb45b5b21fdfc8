// Takes entries from the backlog and moves them to the store.
import { type Entry, foldersOf, type SpoolPath } from '../spool/entry.ts';
import { Repeat } from '../system/repeat.ts';
import { Blame } from './blame.ts';
import { Destination, type DestinationOptions } from './destination.ts';
import type { DrainOptions, DrainPorts, Transfer, TransferView, WaitingFiles } from './drain-ports.ts';
import type { FailedFile } from './failed-files.ts';
import { FailurePolicy } from './failure-policy.ts';
import { Pipeline } from './pipeline.ts';
import { ReadAheadLimit } from './read-ahead-limit.ts';
import { Reopening } from './reopening.ts';
import { Transfers } from './transfers.ts';
import { type LinkUse, UploadLimit } from './upload-limit.ts';
import { UploadMemory } from './upload-memory.ts';

/** The breaker, the limit and the watchdog are looked at this often, in addition to events. */
const TICK_MS = 1_000;
/** The line is to be free soon after an operator has paused the drain. */
const PAUSE_MS = 10_000;
/**
 * Takes entries while there is room, and holds back while the store cannot be used. Each transfer's
 * failure goes to the FailurePolicy, so nothing here rejects except stop(), and nothing throws
 * except on a broken invariant.
 */
export class Drain {
  /** Where files are uploaded to. */
  readonly destination: Destination;
  /** How many files may be sent at once. */
  readonly uploadLimit: UploadLimit;
  readonly #ports: DrainPorts;
  readonly #transfers: Transfers;
  readonly #readAhead = new ReadAheadLimit();
  readonly #pipeline: Pipeline;
  readonly #failures: FailurePolicy;
  readonly #memory: UploadMemory;
  readonly #blame: Blame;
  readonly #reopening: Reopening;
  readonly #ticks: Repeat;
  /** The pause that holds now: a later one is another. */
  #pause: symbol | undefined;

  constructor(ports: DrainPorts, destination: DestinationOptions, options: DrainOptions) {
    this.#ports = ports;
    this.destination = new Destination(ports.clock, destination);
    this.uploadLimit = new UploadLimit(options);
    // While the store is being asked, nothing new is sent.
    const limit = () => (this.destination.trial.isAsking ? 0 : this.uploadLimit.current);
    const ahead = () => this.#readAhead.current;
    this.#pipeline = new Pipeline({ ...ports, limit, ahead }, () => this.#fill());
    this.#blame = new Blame(ports, this.destination, {
      entries: () => this.#transfers.entries(),
      returnBest: () => this.#transfers.returnUnsent('the files before it fail', ({ place }) => place === 0),
      returnUnsent: (accepts) =>
        this.#transfers.returnUnsent('its folder is held', ({ entry }) => accepts(entry)),
      onFolderHeld: (folder) => this.#failures.folderHeld(folder),
      onSlowDown: () => this.uploadLimit.slowDown(),
    });
    this.#reopening = new Reopening(this.destination, this.#blame, () => ports.manifest.trouble());
    this.#failures = new FailurePolicy(ports, this.#blame, options);
    this.#memory = new UploadMemory(options.maxMemoryBytes);
    this.#transfers = new Transfers({
      ...ports,
      destination: this.destination,
      pipeline: this.#pipeline,
      memory: this.#memory,
      failures: this.#failures,
      blame: this.#blame,
      onEnded: (isGone) => (isGone ? this.#fill() : this.pump()),
    });
    this.#ticks = new Repeat(ports.clock, () => this.#tick(), TICK_MS);
  }

  /**
   * Resolves when the store has answered for the first time or has proved to be out of reach. Never
   * rejects.
   */
  get firstAnswer(): Promise<void> {
    return this.destination.trial.firstAnswer;
  }

  /** How many files are being read, sent or removed. */
  get active(): number {
    return this.#transfers.size;
  }

  get waiting(): WaitingFiles[] {
    const running = new Set([...this.#transfers.entries()].map(({ path }) => path.id));
    return this.#failures.waitingAt(this.#ports.clock.monotonicMs(), (id) => running.has(id));
  }

  /** What is being read, sent or removed. */
  transfers(): Iterable<TransferView> {
    return this.#transfers.views();
  }

  /** What is remembered of a file that failed; undefined if it has not. */
  failureOf(path: SpoolPath): Readonly<FailedFile> | undefined {
    return this.#failures.of(path);
  }

  /** Tries everything again that an operator may have mended: held folders, the store. */
  tryAgain(): void {
    this.#blame.forgive();
    this.destination.retryNow();
    this.pump();
  }

  /** True if a file of this path is being read, sent or removed. */
  isTransferring(path: SpoolPath): boolean {
    return this.#transfers.has(path);
  }

  /** Memory that is not in use is left to the garbage collector. */
  forgetMemory(): void {
    this.#transfers.forgetMemory();
  }

  get sending(): number {
    return this.#pipeline.sending;
  }

  /** Uploads that wait only because of the limit. */
  get ready(): number {
    return this.#pipeline.ready;
  }

  /** Call once the link is known. Further calls change nothing. */
  start(): void {
    this.#ticks.startNow();
  }

  /**
   * Takes no more work. Uploads that can resume are aborted at once; others may finish within
   * `timeoutMs` and are then aborted. Resolves when none is left.
   */
  async stop(timeoutMs: number): Promise<void> {
    void this.#ticks.stop();
    this.destination.trial.stop();
    await this.#transfers.end('halfpipe is stopping', timeoutMs);
  }

  /**
   * Takes no more work until resume(). Uploads that can resume are aborted at once; others may
   * finish within 10 s. Resolves when none of them is left.
   */
  async pause(): Promise<void> {
    const pause = Symbol('pause');
    this.#pause = pause;
    const isOver = () => this.#pause !== pause;
    await this.#transfers.giveBack('the operator has paused halfpipe', PAUSE_MS, isOver);
  }

  /** Ends pause(). */
  resume(): void {
    this.#pause = undefined;
    this.pump();
  }

  /** Applies to new uploads. Uploads in flight keep what they started with. */
  reconfigure(destination: DestinationOptions, options: DrainOptions): void {
    const goesElsewhere = this.destination.reconfigure(destination);
    this.#failures.reconfigure(options);
    this.#memory.setMax(options.maxMemoryBytes);
    this.uploadLimit.configure(options);
    this.#transfers.forget();
    this.#blame.forgive();
    if (goesElsewhere) this.#transfers.returnUnsent('new settings');
    this.pump();
  }

  /** Starts whatever can be started now. Call it when there is new work or more room. */
  pump(): void {
    this.#memory.forgetSearch();
    this.#fill();
  }

  /** Like pump(), if nothing new waits. */
  #fill(): void {
    if (!this.#ticks.isStarted || this.#pause !== undefined) return;
    const allowed = this.destination.allows();
    if (allowed === 'none') return;
    if (allowed === 'trial')
      return void this.#reopening.attempt(
        (place) => this.#sendOne(place),
        () => this.pump(),
      );
    this.#pipeline.grant();
    const hasRoom = () => this.#transfers.hasRoom && this.#pipeline.hasRoom && this.#memory.mayFit;
    if (hasRoom()) this.#tryHeldFolder();
    while (hasRoom() && this.#startBest());
  }

  /**
   * Takes how the link and our threads were used in the last `elapsedMs`, and starts more uploads
   * if that left the link idle. `busyShare`: see UploadDemand.
   */
  observe(use: LinkUse, elapsedMs: number, busyShare: number): void {
    const demand = { active: this.sending, workWaiting: this.ready > 0, busyShare };
    const mayRunMore = this.uploadLimit.observe(use, elapsedMs, demand);
    this.#readAhead.observe(use, elapsedMs, demand, this.uploadLimit.current);
    if (mayRunMore) this.pump();
  }

  /** The network changed, so a pause because of it may be over. */
  retryNow(): void {
    if (this.destination.breaker.reason === undefined) return;
    this.destination.retryNow();
    this.pump();
  }

  #tick(): void {
    this.pump();
    if (this.#transfers.areSyncing) this.#ports.onRead();
  }

  async #sendOne(place: number): Promise<void> {
    if (this.#pause !== undefined || !this.#ticks.isStarted || this.#transfers.size > 0) return;
    const isWhole = (entry: Entry) => this.destination.planOf(entry).isWhole;
    await (this.#startNext(isWhole, place) ?? this.#startNext(() => true, place))?.ended;
  }

  #tryHeldFolder(): void {
    const folder = this.#blame.takeDueFolder();
    if (folder === undefined) return;
    const isBelow = ({ path }: Entry) => foldersOf(path).includes(folder);
    if (this.#startNext(isBelow) === undefined) void this.#blame.askHeldFolder(folder);
  }

  /**
   * After failures for which files are to blame, first takes a file from elsewhere in the order
   * that has not failed.
   */
  #startBest(): boolean {
    const { detour } = this.#blame;
    const isFree = ({ path }: Entry) => !this.#blame.isHeld(path);
    const isNew = (entry: Entry) => isFree(entry) && !this.#failures.hasFailed(entry);
    const place = detour.next();
    if (place > 0 && this.#startNext(isNew, place) !== undefined) return true;
    if (this.#memory.search(() => this.#startNext(isFree)) !== undefined) return true;
    detour.gaveBack(place);
    return false;
  }

  /** Starts the best entry that fits into memory and is accepted. */
  #startNext(accepts: (entry: Entry) => boolean, place = 0): Transfer | undefined {
    const { parts } = this.destination;
    // A file too large to upload is rejected at once, without waiting for memory.
    const fits = (entry: Entry) =>
      entry.identity.sizeBytes > parts.largestBytes || this.#memory.fits(this.destination.planOf(entry));
    const entry = this.#ports.backlog.take((best) => fits(best) && accepts(best), place);
    return entry === undefined ? undefined : this.#transfers.begin(entry, place);
  }
}
