// Moves files: takes entries from the backlog while there is room, and holds back when the store cannot be used.
// Invariant: an entry taken is released exactly once, whatever happens to it.
import type { Entry, SpoolPath } from '../spool/entry.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { DescriptorLimit } from './descriptor-limit.ts';
import { asFault, isOutOfDescriptors, tooLarge } from './drain-faults.ts';
import type { DrainOptions, DrainPorts } from './drain-ports.ts';
import { type Passage, Pipeline } from './pipeline.ts';
import { Setbacks } from './setbacks.ts';
import { SlowSyncs } from './slow-syncs.ts';
import { StoreProbe } from './store-probe.ts';
import { transfer } from './transfer.ts';
import { Undisposed } from './undisposed.ts';
import { UploadMemory } from './upload-memory.ts';

interface Transfer {
  readonly entry: Entry;
  readonly passage: Passage;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** The breaker, the limit and the watchdog are looked at this often, whatever else happens. */
const TURN_MS = 1_000;
/** Between attempts to save what was written to a file in the moment of its removal. */
const HOLD_ON_MS = 1_000;

export class Drain {
  readonly #ports: DrainPorts;
  readonly #transfers = new Set<Transfer>();
  readonly #pipeline: Pipeline;
  readonly #setbacks: Setbacks;
  readonly #memory: UploadMemory;
  readonly #probe: StoreProbe;
  readonly #syncs: SlowSyncs;
  #undisposed = new Undisposed();
  #options: DrainOptions;
  #store: ObjectStore;
  #descriptors = new DescriptorLimit();
  #running = false;
  #cancelTurn: (() => void) | undefined;

  constructor(ports: DrainPorts, store: ObjectStore, options: DrainOptions) {
    this.#ports = ports;
    this.#pipeline = new Pipeline(ports, () => this.pump());
    this.#setbacks = new Setbacks(ports, options);
    this.#probe = new StoreProbe(ports.clock);
    this.#syncs = new SlowSyncs(ports.clock);
    this.#store = store;
    this.#options = options;
    this.#memory = new UploadMemory(options);
  }

  /** Resolves when the store has answered for the first time, or has turned out to be out of reach. */
  get firstAnswer(): Promise<void> {
    return this.#probe.firstAnswer;
  }

  /** The store of new uploads. */
  get store(): ObjectStore {
    return this.#store;
  }

  /** Files being read, sent, or disposed of. */
  get active(): number {
    return this.#transfers.size;
  }

  /** Whether a file of this path is one of these. */
  holds({ id }: SpoolPath): boolean {
    return [...this.#transfers].some(({ entry }) => entry.path.id === id);
  }

  get sending(): number {
    return this.#pipeline.sending;
  }

  /** Uploads that only the limit keeps waiting. */
  get ready(): number {
    return this.#pipeline.ready;
  }

  /** Once the link is known; again when there is another one, which changes nothing. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#turn();
  }

  /**
   * Takes no more work. Uploads in flight may finish until `timeoutMs` have passed; those that can resume are aborted
   * at once, the others then. Resolves when none is left.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#running = false;
    this.#cancelTurn?.();
    this.#probe.end();
    const stopping = new DOMException('halfpipe is stopping', 'AbortError');
    this.#holdBack(stopping);
    // What is on its way out may have to be held on to.
    for (const { passage, abort } of this.#transfers)
      if (!passage.isWhole && passage.stage !== 'disposing') abort.abort(stopping);
    const cancel = this.#ports.clock.schedule(timeoutMs, () => {
      for (const { abort } of this.#transfers) abort.abort(stopping);
    });
    await Promise.all([...this.#transfers].map(({ ended }) => ended));
    cancel();
  }

  /** For new uploads; those in flight end with what they started with. */
  reconfigure(store: ObjectStore, options: DrainOptions): void {
    const goesElsewhere = store !== this.#store || options.prefix !== this.#options.prefix;
    this.#store = store;
    this.#options = options;
    this.#setbacks.reconfigure(options);
    this.#memory.setOptions(options);
    this.#descriptors = new DescriptorLimit();
    this.#undisposed = new Undisposed();
    this.#probe.end();
    if (goesElsewhere) this.#holdBack(new DOMException('new settings', 'AbortError'));
    this.#ports.breaker.retryNow(this.#ports.clock.monotonicMs());
    this.pump();
  }

  /** Starts whatever may be started now. Call when there is new work or more room. */
  pump(): void {
    if (!this.#running) return;
    const allowed = this.#ports.breaker.allows(this.#ports.clock.monotonicMs());
    if (allowed === 'none') return;
    if (allowed === 'one') return this.#try();
    this.#pipeline.grant();
    while (this.#transfers.size < this.#descriptors.transfers && this.#pipeline.hasRoom && this.#startNext());
  }

  /** The network changed: a pause for its sake may be over. */
  retryNow(): void {
    if (this.#ports.breaker.reason === undefined) return;
    this.#ports.breaker.retryNow(this.#ports.clock.monotonicMs());
    this.pump();
  }

  #turn(): void {
    this.pump();
    if (this.#syncs.areUnderWay) this.#ports.onRead();
    this.#cancelTurn = this.#ports.clock.schedule(TURN_MS, () => this.#turn());
  }

  /**
   * The store has to answer; after a pause one upload has to pass, too, or the first part of a large one, before the
   * others follow. Large ones that are under way say nothing for hours, and are not waited for.
   */
  #try(): void {
    if (this.#probe.isUnderWay || [...this.#transfers].some(({ passage }) => passage.isWhole)) return;
    const ended = this.#probe.run(this.#store, {
      onFailure: (fault) => this.#setbacks.pause(fault),
      onAnswer: async () => {
        // At a start nothing speaks against the store: the others need not wait for what may be a large file.
        const passed = this.#ports.breaker.reason === undefined ? undefined : this.#startTrial();
        if (passed !== undefined) await passed;
        else if (!this.#setbacks.pauseForRefused()) this.#succeed();
      },
    });
    void ended.then(() => this.pump());
  }

  /**
   * With a file that has not failed, if there is one, or one bad file after the other would be the trial; and with one
   * that is sent whole: it tells sooner. Resolves when the trial has passed or ended.
   */
  #startTrial(): Promise<void> | undefined {
    let pass: () => void = () => undefined;
    const accepted = new Promise<void>((resolve) => {
      pass = resolve;
    });
    const onAccepted = () => {
      this.#resume();
      pass();
    };
    const isWhole = ({ identity }: Entry) => identity.sizeBytes < this.#options.resumableFromBytes;
    const hasNotFailed = (entry: Entry) => !this.#setbacks.hasFailed(entry);
    const started =
      this.#startNext((entry) => isWhole(entry) && hasNotFailed(entry)) ??
      this.#startNext(hasNotFailed, onAccepted) ??
      this.#startNext(isWhole) ??
      this.#startNext(() => true, onAccepted);
    return started && Promise.race([started.ended, accepted]);
  }

  /** The best that fits into memory and is accepted. */
  #startNext(accepts: (entry: Entry) => boolean = () => true, onAccepted?: () => void): Transfer | undefined {
    // What is too large for any upload is refused without one, and waits for nobody's memory.
    const fits = ({ identity: { sizeBytes } }: Entry) =>
      sizeBytes > this.#options.largestBytes || this.#memory.fits(sizeBytes);
    const entry = this.#ports.backlog.take((best) => fits(best) && accepts(best));
    if (entry === undefined) return undefined;
    const { sizeBytes } = entry.identity;
    const release = this.#memory.hold(sizeBytes);
    const abort = new AbortController();
    const passage = this.#pipeline.enter(sizeBytes, sizeBytes < this.#options.resumableFromBytes);
    const ended = this.#run(entry, passage, abort.signal, onAccepted);
    const started: Transfer = { entry, passage, abort, ended };
    this.#transfers.add(started);
    void ended.then(() => {
      release();
      this.#transfers.delete(started);
      this.#pipeline.leave(passage);
      this.pump();
    });
    return started;
  }

  async #run(entry: Entry, passage: Passage, signal: AbortSignal, onAccepted?: () => void): Promise<void> {
    const { clock, spool, backlog, events, onRead } = this.#ports;
    const startedMs = clock.monotonicMs();
    try {
      const { prefix, resumableFromBytes, largestBytes } = this.#options;
      if (entry.identity.sizeBytes > largestBytes) throw tooLarge(entry, largestBytes);
      const transferred = await transfer(entry, {
        ...{ spool, prefix, resumableFromBytes, signal, onAccepted, onRead },
        store: this.#store,
        undisposed: this.#undisposed,
        whileSyncing: (sync) => this.#syncs.run(sync),
        whileSending: (send) => this.#pipeline.whileSending(passage, signal, send),
        holdOn: async (fault) => {
          // Or the watchdog would end the one process that has the content.
          onRead();
          events.onUnsaved(entry, fault);
          await clock.sleep(HOLD_ON_MS, signal);
        },
      });
      this.#setbacks.gone(entry);
      this.#ports.onRemoved(entry);
      this.#succeed();
      this.#descriptors.sufficed(clock.monotonicMs());
      events.onUploaded(entry, transferred, clock.monotonicMs() - startedMs);
    } catch (error) {
      if (signal.aborted) return backlog.release(entry.path, 'again');
      const fault = asFault(error);
      if (isOutOfDescriptors(fault)) this.#descriptors.ranOut(this.#transfers.size, clock.monotonicMs());
      await this.#setbacks.fail(entry, fault);
      if (this.#ports.breaker.reason !== undefined)
        this.#holdBack(new DOMException('draining is paused', 'AbortError'));
    }
  }

  /** Nothing of these has been sent: they go back, to be taken when it is their time. */
  #holdBack(reason: DOMException): void {
    for (const { passage, abort } of this.#transfers) if (passage.stage === 'ahead') abort.abort(reason);
  }

  #succeed(): void {
    this.#setbacks.trustStore();
    this.#resume();
  }

  #resume(): void {
    if (this.#ports.breaker.succeed()) this.#ports.events.onResumed();
  }
}
