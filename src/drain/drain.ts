// Takes entries from the backlog and moves them to the store.
import { type Entry, foldersOf, type SpoolPath } from '../spool/entry.ts';
import { Repeat } from '../system/repeat.ts';
import { Blame } from './blame.ts';
import { DescriptorLimit } from './descriptor-limit.ts';
import { Destination, type DestinationOptions } from './destination.ts';
import { asFault, isOutOfDescriptors, tooLargeFault } from './drain-faults.ts';
import type { DrainOptions, DrainPorts, Transfer, WaitingFiles } from './drain-ports.ts';
import { FailurePolicy } from './failure-policy.ts';
import { Pipeline, type PipelineSlot } from './pipeline.ts';
import { Reopening } from './reopening.ts';
import { type Shipment, singleFile } from './shipment.ts';
import { SlowSyncs } from './slow-syncs.ts';
import { type Delivery, transfer } from './transfer.ts';
import { UnremovedUploads } from './unremoved-uploads.ts';
import { type LinkUse, UploadLimit } from './upload-limit.ts';
import { UploadMemory } from './upload-memory.ts';

/** The breaker, the limit and the watchdog are looked at this often, in addition to events. */
const TICK_MS = 1_000;
/** The pause between attempts to save what was written to a file during its removal. */
const WAIT_FOR_ROOM_MS = 1_000;

/**
 * Takes entries while there is room, and holds back while the store cannot be used. Each transfer's
 * failure goes to the FailurePolicy, so nothing here rejects except stop(), and nothing throws
 * except on a broken invariant.
 * Invariant: an entry that was taken is released exactly once, whatever happens to it.
 */
export class Drain {
  /** Where files are uploaded to. */
  readonly destination: Destination;
  /** How many files may be sent at once. */
  readonly uploadLimit: UploadLimit;
  readonly #ports: DrainPorts;
  readonly #transfers = new Set<Transfer>();
  readonly #pipeline: Pipeline;
  readonly #failures: FailurePolicy;
  readonly #memory: UploadMemory;
  readonly #blame: Blame;
  readonly #reopening: Reopening;
  readonly #syncs: SlowSyncs;
  readonly #ticks: Repeat;
  #unremoved = new UnremovedUploads();
  #descriptors = new DescriptorLimit();

  constructor(ports: DrainPorts, destination: DestinationOptions, options: DrainOptions) {
    this.#ports = ports;
    this.destination = new Destination(ports.clock, destination);
    this.uploadLimit = new UploadLimit(options);
    // While the store is being asked, nothing new is sent.
    const limit = () => (this.destination.trial.isAsking ? 0 : this.uploadLimit.current);
    this.#pipeline = new Pipeline({ ...ports, limit }, () => this.pump());
    this.#blame = new Blame(ports, this.destination, {
      entries: () => [...this.#transfers].flatMap(({ shipment }) => shipment.entries),
      returnBest: () => this.#returnUnsent('the files before it fail', ({ place }) => place === 0),
      returnUnsent: (accepts) =>
        this.#returnUnsent('its folder is held', ({ shipment }) => shipment.entries.some(accepts)),
      onFolderHeld: (folder) => this.#failures.folderHeld(folder),
      onSlowDown: () => this.uploadLimit.slowDown(),
    });
    this.#reopening = new Reopening(this.destination, this.#blame);
    this.#failures = new FailurePolicy(ports, this.#blame, options);
    this.#syncs = new SlowSyncs(ports.clock);
    this.#ticks = new Repeat(ports.clock, () => this.#tick(), TICK_MS);
    this.#memory = new UploadMemory(options.maxMemoryBytes);
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
    return this.#failures.waiting;
  }

  /** True if a file of this path is being read, sent or removed. */
  isTransferring({ id }: SpoolPath): boolean {
    return [...this.#transfers].some(({ shipment }) => shipment.entries.some(({ path }) => path.id === id));
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
    const stopping = new DOMException('halfpipe is stopping', 'AbortError');
    this.#returnUnsent('halfpipe is stopping');
    // Files that are being removed are left alone: a late write may have to be saved.
    for (const { slot, abort } of this.#transfers)
      if (!slot.isWhole && slot.stage !== 'disposing') abort.abort(stopping);
    const cancel = this.#ports.clock.schedule(timeoutMs, () => {
      for (const { abort } of this.#transfers) abort.abort(stopping);
    });
    await Promise.all([...this.#transfers].map(({ ended }) => ended));
    cancel();
  }

  /** Applies to new uploads. Uploads in flight keep what they started with. */
  reconfigure(destination: DestinationOptions, options: DrainOptions): void {
    const goesElsewhere = this.destination.reconfigure(destination);
    this.#failures.reconfigure(options);
    this.#memory.setMax(options.maxMemoryBytes);
    this.uploadLimit.configure(options);
    this.#descriptors = new DescriptorLimit();
    this.#unremoved = new UnremovedUploads();
    this.#blame.forgive();
    if (goesElsewhere) this.#returnUnsent('new settings');
    this.pump();
  }

  /** Starts whatever can be started now. Call it when there is new work or more room. */
  pump(): void {
    if (!this.#ticks.isStarted) return;
    const allowed = this.destination.allows();
    if (allowed === 'none') return;
    if (allowed === 'trial')
      return void this.#reopening.attempt(
        (place) => this.#sendOne(place),
        () => this.pump(),
      );
    this.#pipeline.grant();
    const hasRoom = () => this.#transfers.size < this.#descriptors.transfers && this.#pipeline.hasRoom;
    if (hasRoom()) this.#tryHeldFolder();
    while (hasRoom() && this.#startBest());
  }

  /**
   * Takes how the link was used in the last `elapsedMs`, and starts more uploads if that left the
   * link idle.
   */
  observe(use: LinkUse, elapsedMs: number): void {
    const demand = { active: this.sending, workWaiting: this.ready > 0 };
    if (this.uploadLimit.observe(use, elapsedMs, demand)) this.pump();
  }

  /** The network changed, so a pause because of it may be over. */
  retryNow(): void {
    if (this.destination.breaker.reason === undefined) return;
    this.destination.retryNow();
    this.pump();
  }

  #tick(): void {
    this.pump();
    if (this.#syncs.areUnderWay) this.#ports.onRead();
  }

  async #sendOne(place: number): Promise<void> {
    if (this.#transfers.size > 0) return;
    const isWhole = ({ identity }: Entry) => this.destination.parts.plan(identity.sizeBytes).isWhole;
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
    if (this.#startNext(place > 0 ? isNew : isFree, place) !== undefined) return true;
    detour.gaveBack(place);
    return this.#startNext(isFree) !== undefined;
  }

  /** Starts the best entry that fits into memory and is accepted. */
  #startNext(accepts: (entry: Entry) => boolean, place = 0): Transfer | undefined {
    const { parts } = this.destination;
    // A file too large to upload is rejected at once, without waiting for memory.
    const fits = ({ identity: { sizeBytes } }: Entry) =>
      sizeBytes > parts.largestBytes || this.#memory.fits(parts.plan(sizeBytes));
    const entry = this.#ports.backlog.take((best) => fits(best) && accepts(best), place);
    return entry === undefined ? undefined : this.#start(singleFile(entry, this.destination), place);
  }

  #start(shipment: Shipment, place: number): Transfer {
    const release = this.#memory.reserve(shipment.plan);
    const abort = new AbortController();
    const slot = this.#pipeline.enter(shipment.sizeBytes, shipment.plan.isWhole);
    const ended = this.#run(shipment, place, slot, abort.signal);
    const started: Transfer = { shipment, slot, abort, ended, place };
    this.#transfers.add(started);
    void ended.then(() => {
      release();
      this.#transfers.delete(started);
      this.#pipeline.leave(slot);
      this.pump();
    });
    return started;
  }

  async #run(shipment: Shipment, place: number, slot: PipelineSlot, signal: AbortSignal): Promise<void> {
    const { clock, onEvent } = this.#ports;
    const startedAtMs = clock.monotonicMs();
    try {
      const { transferred, kept } = await this.#transfer(shipment, slot, signal);
      const gone = shipment.entries.filter(({ path }) => !kept.has(path.id));
      for (const entry of gone) {
        this.#failures.gone(entry);
        this.#ports.onRemoved(entry);
        this.#blame.passed(entry, place);
      }
      this.#blame.resume();
      this.#descriptors.sufficed(clock.monotonicMs());
      for (const entry of gone)
        onEvent({ kind: 'uploaded', entry, transferred, durationMs: clock.monotonicMs() - startedAtMs });
      for (const entry of shipment.entries)
        if (kept.has(entry.path.id)) await this.#fail([entry], shipment, place, kept.get(entry.path.id));
    } catch (error) {
      if (!signal.aborted) return this.#fail(shipment.entries, shipment, place, error);
      this.#blame.detour.gaveBack(place);
      for (const { path } of shipment.entries) this.#ports.backlog.release(path, 'returned');
    }
  }

  async #transfer(shipment: Shipment, slot: PipelineSlot, signal: AbortSignal): Promise<Delivery> {
    const { clock, spool, onEvent, onRead } = this.#ports;
    const { store, parts } = this.destination;
    for (const entry of shipment.entries)
      if (entry.identity.sizeBytes > parts.largestBytes) throw tooLargeFault(entry, parts.largestBytes);
    return transfer(shipment, {
      ...{ spool, store, signal, onRead },
      unremoved: this.#unremoved,
      whileSyncing: (sync) => this.#syncs.run(sync),
      whileSending: (send) => this.#pipeline.whileSending(slot, signal, send),
      waitForRoom: async (path, fault) => {
        // Without this, the watchdog would end the one process that has the content.
        onRead();
        onEvent({ kind: 'unsaved', path, fault });
        await clock.sleep(WAIT_FOR_ROOM_MS, signal);
      },
    });
  }

  async #fail(
    entries: readonly Entry[],
    { plan, sizeBytes }: Shipment,
    place: number,
    error: unknown,
  ): Promise<void> {
    const fault = asFault(error);
    // A large file loses at most one part.
    const sentBytes = plan.isWhole ? sizeBytes : Math.min(sizeBytes, plan.partSizeBytes);
    if (isOutOfDescriptors(fault))
      this.#descriptors.ranOut(this.#transfers.size, this.#ports.clock.monotonicMs());
    for (const entry of entries) await this.#failures.fail({ entry, place, sentBytes }, fault);
    if (this.destination.breaker.reason !== undefined) this.#returnUnsent('draining is paused');
  }

  /** Returns transfers that have sent nothing yet to the backlog. */
  #returnUnsent(why: string, accepts: (transfer: Transfer) => boolean = () => true): void {
    for (const transfer of this.#transfers)
      if (transfer.slot.stage === 'ahead' && accepts(transfer))
        transfer.abort.abort(new DOMException(why, 'AbortError'));
  }
}
