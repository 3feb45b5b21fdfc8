// Moves files: takes entries from the backlog while there is room, and decides what a failure means for the file and
// for the rest. Invariant: an entry taken is released exactly once, whatever happens to it.
import type { Entry } from '../spool/entry.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Fault } from '../system/fault.ts';
import { asFault, isSlowDown, noAnswer } from './drain-faults.ts';
import type { DrainOptions, DrainPorts } from './drain-ports.ts';
import { FailedFiles } from './failed-files.ts';
import { BLOCKED_RETRY_MS, retryDelayMs } from './retry.ts';
import { transfer } from './transfer.ts';

interface Transfer {
  readonly entry: Entry;
  readonly memoryBytes: number;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** The breaker, the limit and the watchdog are looked at this often, whatever else happens. */
const TURN_MS = 1_000;
const PROBE_TIMEOUT_MS = 60_000;

export class Drain {
  readonly #ports: DrainPorts;
  readonly #transfers = new Set<Transfer>();
  readonly #failed = new FailedFiles();
  #options: DrainOptions;
  #store: ObjectStore;
  #memoryBytes = 0;
  #running = false;
  #probe: AbortController | undefined;
  #starved = false;
  #cancelTurn: (() => void) | undefined;
  #answered: () => void = () => undefined;
  /** Resolves when the store has answered for the first time, or has turned out to be out of reach. */
  readonly firstAnswer = new Promise<void>((resolve) => {
    this.#answered = resolve;
  });

  constructor(ports: DrainPorts, store: ObjectStore, options: DrainOptions) {
    this.#ports = ports;
    this.#store = store;
    this.#options = options;
  }

  /** The store of new uploads. */
  get store(): ObjectStore {
    return this.#store;
  }

  get active(): number {
    return this.#transfers.size;
  }

  /** The last look found no entry that could have been started. */
  get starved(): boolean {
    return this.#starved;
  }

  start(): void {
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
    this.#endProbe();
    const stopping = new DOMException('halfpipe is stopping', 'AbortError');
    for (const { entry, abort } of this.#transfers)
      if (entry.identity.sizeBytes >= this.#options.resumableFromBytes) abort.abort(stopping);
    const cancel = this.#ports.clock.schedule(timeoutMs, () => {
      for (const { abort } of this.#transfers) abort.abort(stopping);
    });
    await Promise.all([...this.#transfers].map(({ ended }) => ended));
    cancel();
  }

  /** For new uploads; those in flight end with what they started with. */
  reconfigure(store: ObjectStore, options: DrainOptions): void {
    this.#store = store;
    this.#options = options;
    this.#endProbe();
    this.#ports.breaker.retryNow(this.#ports.clock.monotonicMs());
    this.pump();
  }

  /** Starts whatever may be started now. Call when there is new work or more room. */
  pump(): void {
    if (!this.#running) return;
    const allowed = this.#ports.breaker.allows(this.#ports.clock.monotonicMs());
    if (allowed === 'none') return;
    if (allowed === 'one') return this.#try();
    while (this.#transfers.size < this.#ports.limit() && this.#startNext());
  }

  #turn(): void {
    this.pump();
    this.#cancelTurn = this.#ports.clock.schedule(TURN_MS, () => this.#turn());
  }

  /** The store has to answer; after a pause one upload has to pass, too, before the others follow. */
  #try(): void {
    if (this.#probe !== undefined || this.#transfers.size > 0) return;
    const probe = new AbortController();
    this.#probe = probe;
    void this.#trial(probe).finally(() => {
      if (this.#probe === probe) this.#probe = undefined;
      this.pump();
    });
  }

  async #trial(probe: AbortController): Promise<void> {
    const isCurrent = () => this.#probe === probe;
    const cancel = this.#ports.clock.schedule(PROBE_TIMEOUT_MS, () =>
      probe.abort(noAnswer(PROBE_TIMEOUT_MS)),
    );
    try {
      await this.#store.probe(probe.signal);
    } catch (error) {
      if (isCurrent()) this.#pause(asFault(error));
      return;
    } finally {
      cancel();
      this.#answered();
    }
    if (!isCurrent()) return;
    // At a start nothing speaks against the store: the others need not wait for what may be a large file.
    const started = this.#ports.breaker.reason === undefined ? undefined : this.#startNext();
    if (started === undefined) this.#succeed();
    else await started.ended;
  }

  /** What an earlier store answers, or any store after a stop, decides nothing. */
  #endProbe(): void {
    this.#probe?.abort();
    this.#probe = undefined;
  }

  #startNext(): Transfer | undefined {
    if (this.#memoryBytes >= this.#options.maxMemoryBytes) return undefined;
    const entry = this.#ports.backlog.take();
    this.#starved = entry === undefined;
    if (entry === undefined) return undefined;
    const memoryBytes = this.#options.memoryFor(entry.identity.sizeBytes);
    const abort = new AbortController();
    const started: Transfer = { entry, memoryBytes, abort, ended: this.#run(entry, abort.signal) };
    this.#memoryBytes += memoryBytes;
    this.#transfers.add(started);
    void started.ended.then(() => {
      this.#memoryBytes -= memoryBytes;
      this.#transfers.delete(started);
      this.pump();
    });
    return started;
  }

  async #run(entry: Entry, signal: AbortSignal): Promise<void> {
    const { clock, spool, backlog, events } = this.#ports;
    const startedMs = clock.monotonicMs();
    try {
      const { prefix } = this.#options;
      const store = this.#store;
      const transferred = await transfer(entry, { spool, store, prefix, signal });
      this.#gone(entry);
      this.#ports.onRemoved(entry);
      this.#succeed();
      events.onUploaded(entry, transferred, clock.monotonicMs() - startedMs);
    } catch (error) {
      if (signal.aborted) backlog.release(entry.path, 'again');
      else await this.#fail(entry, asFault(error));
    }
  }

  #succeed(): void {
    if (this.#ports.breaker.succeed()) this.#ports.events.onResumed();
  }

  #pause(fault: Fault): void {
    const { breaker, clock, events } = this.#ports;
    if (breaker.fail(fault.message, clock.monotonicMs(), fault.retryAfterMs)) events.onPaused(fault);
  }

  async #fail(entry: Entry, fault: Fault): Promise<void> {
    const { backlog } = this.#ports;
    switch (fault.faultClass) {
      case 'breaker':
        this.#pause(fault);
        return backlog.release(entry.path, 'again');
      case 'blocked':
        return this.#defer(entry, fault, BLOCKED_RETRY_MS);
      case 'file':
        return this.#quarantine(entry, fault);
      case 'changed':
        if (fault.code === 'ENOENT') return this.#gone(entry);
        // An entry that waited tells of an earlier state of its file: the next scan tells of the present one.
        if (this.#failed.endWait(entry.path)) return backlog.release(entry.path, 'again');
        return this.#retry(entry, fault);
      case 'transient':
        return this.#retryTransient(entry, fault);
      default:
        return this.#retry(entry, fault);
    }
  }

  #retryTransient(entry: Entry, fault: Fault): void {
    const { breaker, clock, events } = this.#ports;
    const { message, retryAfterMs } = fault;
    const asked = isSlowDown(fault);
    if (asked) events.onSlowDown();
    const pauses = asked
      ? breaker.slowDown(message, clock.monotonicMs(), retryAfterMs)
      : breaker.failTransiently(message, clock.monotonicMs(), retryAfterMs);
    if (pauses) events.onPaused(fault);
    this.#defer(entry, fault, this.#delayMs(this.#failed.fail(entry.path), fault));
  }

  /** What may never pass is tried so often, and then left to a human. */
  async #retry(entry: Entry, fault: Fault): Promise<void> {
    const attempts = this.#failed.fail(entry.path);
    if (attempts >= this.#options.retry.maxAttempts) await this.#quarantine(entry, fault);
    else this.#defer(entry, fault, this.#delayMs(attempts, fault));
  }

  #delayMs(attempts: number, { retryAfterMs }: Fault): number {
    return retryDelayMs(this.#options.retry, attempts, this.#ports.random(), retryAfterMs);
  }

  #gone({ path }: Entry): void {
    this.#failed.forget(path);
    this.#ports.backlog.release(path, 'gone');
  }

  #defer(entry: Entry, fault: Fault, delayMs: number): void {
    this.#failed.defer(entry.path);
    this.#ports.backlog.release(entry.path, { deferForMs: delayMs });
    this.#ports.events.onDeferred(entry, fault, delayMs);
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
    this.#gone(entry);
    events.onQuarantined(entry, fault);
  }
}
