// The transfers in progress, from the backlog to the removal of their files.
import type { Entry, SpoolPath } from '../spool/entry.ts';
import { ContentMemory } from '../system/content-memory.ts';
import { Fault } from '../system/fault.ts';
import type { Blame, Failed } from './blame.ts';
import { DescriptorLimit } from './descriptor-limit.ts';
import type { Destination, EntryPlan } from './destination.ts';
import { asFault, isOutOfDescriptors, tooLargeFault } from './drain-faults.ts';
import type { DrainPorts, Transfer, TransferView } from './drain-ports.ts';
import type { FailurePolicy } from './failure-policy.ts';
import type { Pipeline } from './pipeline.ts';
import { SlowSyncs } from './slow-syncs.ts';
import { type Transferred, transfer } from './transfer.ts';
import { UnremovedUploads } from './unremoved-uploads.ts';
import type { UploadMemory } from './upload-memory.ts';

/** The pause between attempts to save what was written to a file during its removal. */
const WAIT_FOR_ROOM_MS = 1_000;
/** What the parts of one large file take: beyond it, memory that is not in use is freed. */
const KEPT_BYTES_MAX = 40 * 1024 ** 2;

export interface TransfersPorts
  extends Pick<DrainPorts, 'clock' | 'spool' | 'backlog' | 'manifest' | 'onEvent' | 'onRead'> {
  readonly onStored: DrainPorts['onStored'];
  readonly onRemoved: DrainPorts['onRemoved'];
  readonly destination: Destination;
  readonly pipeline: Pipeline;
  readonly memory: UploadMemory;
  readonly failures: FailurePolicy;
  readonly blame: Blame;
  /**
   * A transfer has ended, so there may be room for another one. `isGone`: its file has left the
   * spool.
   */
  readonly onEnded: (isGone: boolean) => void;
}

/** A transfer whose end is known once it has begun. */
type Begun = Omit<Transfer, 'ended'> & { ended: Promise<void> };

const NOT_YET = Promise.resolve();
/** Where no manifest is kept. */
const RECORDED = Promise.resolve();

/**
 * Runs them. What fails goes to the FailurePolicy, so a transfer's `ended` never rejects.
 * Invariant: an entry that was taken is released exactly once, whatever happens to it.
 */
export class Transfers {
  readonly #ports: TransfersPorts;
  readonly #running = new Set<Transfer>();
  readonly #syncs: SlowSyncs;
  readonly #content = new ContentMemory(KEPT_BYTES_MAX);
  #unremoved = new UnremovedUploads();
  #descriptors = new DescriptorLimit();

  constructor(ports: TransfersPorts) {
    this.#ports = ports;
    this.#syncs = new SlowSyncs(ports.clock);
  }

  get size(): number {
    return this.#running.size;
  }

  /** False while the process has no descriptors for another transfer. */
  get hasRoom(): boolean {
    return this.#running.size < this.#descriptors.transfers;
  }

  /** True while content is being brought to the disk. */
  get areSyncing(): boolean {
    return this.#syncs.areUnderWay;
  }

  *[Symbol.iterator](): Generator<Transfer> {
    yield* this.#running;
  }

  *views(): Generator<TransferView> {
    for (const { entry, slot, startedAtMs, progress } of this.#running)
      yield {
        entry,
        key: this.#keyOf(entry),
        stage: slot.stage,
        startedAtMs,
        readBytes: Math.min(progress.readBytes, entry.identity.sizeBytes),
      };
  }

  *entries(): Generator<Entry> {
    for (const { entry } of this.#running) yield entry;
  }

  has({ id }: SpoolPath): boolean {
    for (const { path } of this.entries()) if (path.id === id) return true;
    return false;
  }

  /** `place`: see Detour. */
  begin(entry: Entry, place: number): Transfer {
    const { clock, destination, memory, pipeline, onEnded } = this.#ports;
    const plan = destination.planOf(entry);
    const release = memory.reserve(plan);
    const abort = new AbortController();
    const slot = pipeline.enter(entry.identity.sizeBytes, plan.isWhole);
    const progress = { readBytes: 0 };
    const startedAtMs = clock.monotonicMs();
    const begun: Begun = { entry, plan, slot, abort, place, startedAtMs, progress, ended: NOT_YET };
    this.#running.add(begun);
    begun.ended = this.#run(begun).then((isGone) => {
      release();
      this.#running.delete(begun);
      pipeline.leave(slot);
      onEnded(isGone);
    });
    return begun;
  }

  /** Returns transfers that have sent nothing yet to the backlog. */
  returnUnsent(why: string, accepts: (transfer: Transfer) => boolean = () => true): void {
    for (const transfer of this.#running)
      if (transfer.slot.stage === 'ahead' && accepts(transfer)) this.#abort(transfer, why);
  }

  /**
   * Returns transfers to the backlog: at once those that have sent nothing or can resume, and after
   * `timeoutMs` those that are still sending. Files that are being removed are left alone, because
   * a late write may have to be saved. Resolves when all have ended that were running. If `isOver`
   * returns true after `timeoutMs`, uploads that are still sending go on.
   */
  async giveBack(why: string, timeoutMs: number, isOver: () => boolean): Promise<void> {
    await this.#end(why, timeoutMs, ({ slot }) => slot.stage !== 'disposing' && !isOver());
  }

  /** Like giveBack(), but after `timeoutMs` also ends the removals. */
  async end(why: string, timeoutMs: number): Promise<void> {
    await this.#end(why, timeoutMs, () => true);
  }

  async #end(why: string, timeoutMs: number, isLate: (transfer: Transfer) => boolean): Promise<void> {
    this.returnUnsent(why);
    const running = [...this.#running];
    for (const transfer of running)
      if (!transfer.slot.isWhole && transfer.slot.stage !== 'disposing') this.#abort(transfer, why);
    const cancel = this.#ports.clock.schedule(timeoutMs, () => {
      for (const transfer of running) if (isLate(transfer)) this.#abort(transfer, why);
    });
    await Promise.all(running.map(({ ended }) => ended));
    cancel();
  }

  #abort({ abort, slot }: Transfer, why: string): void {
    abort.abort(new DOMException(why, 'AbortError'));
    this.#ports.pipeline.giveUp(slot, abort.signal.reason);
  }

  /** Content memory that is not in use is freed. */
  forgetMemory(): void {
    this.#content.forget();
  }

  /** New settings: what was learned under the old ones is forgotten. */
  forget(): void {
    this.#descriptors = new DescriptorLimit();
    this.#unremoved = new UnremovedUploads();
  }

  /** Resolves with true if the file has left the spool. */
  async #run(begun: Begun): Promise<boolean> {
    const { clock, backlog, blame, failures, onEvent, onRemoved } = this.#ports;
    const { entry, plan, place, startedAtMs } = begun;
    const { signal } = begun.abort;
    try {
      const transferred = await this.#transfer(begun);
      failures.gone(entry);
      onRemoved(entry);
      blame.passed(entry, place);
      blame.resume();
      const nowMs = clock.monotonicMs();
      this.#descriptors.sufficed(nowMs);
      onEvent({ kind: 'uploaded', entry, transferred, durationMs: nowMs - startedAtMs });
      return true;
    } catch (error) {
      if (signal.aborted) {
        blame.detour.gaveBack(place);
        backlog.release(entry.path, 'returned');
      } else await this.#fail(entry, plan, place, error);
      return false;
    }
  }

  async #transfer({ entry, plan, slot, startedAtMs, progress, abort }: Begun): Promise<Transferred> {
    const { signal } = abort;
    const { clock, spool, manifest, pipeline, onEvent, onRead, onStored } = this.#ports;
    const { destination } = this.#ports;
    const { store, bucket, parts } = destination;
    if (entry.identity.sizeBytes > parts.largestBytes) throw tooLargeFault(entry, parts.largestBytes);
    const key = destination.keyOf(entry);
    return transfer(
      { entry, plan, key },
      {
        ...{ spool, store, signal, memory: this.#content },
        onRead: (bytes) => {
          progress.readBytes += bytes;
          onRead();
        },
        onStored: () => onStored(entry),
        unremoved: this.#unremoved,
        whileSyncing: (sync) => this.#syncs.run(sync),
        whileSending: (send) => pipeline.whileSending(slot, signal, send),
        record: ({ path, identity: { mtimeNs } }, upload, proof) => {
          if (!manifest.isKept) return RECORDED;
          const durationMs = clock.monotonicMs() - startedAtMs;
          const stored = { path, mtimeNs, bucket, upload, verifiedBy: proof.by, durationMs };
          return this.#syncs.run(() => manifest.record(stored));
        },
        waitForRoom: async (path, fault) => {
          // Without this, the watchdog would end the one process that has the content.
          onRead();
          onEvent({ kind: 'unsaved', path, fault });
          await clock.sleep(WAIT_FOR_ROOM_MS, signal);
        },
      },
    );
  }

  async #fail(entry: Entry, plan: EntryPlan, place: number, error: unknown): Promise<void> {
    const { sizeBytes } = entry.identity;
    const fault: Fault = asFault(error);
    // A large file loses at most one part.
    const sentBytes: Failed['sentBytes'] = plan.isWhole ? sizeBytes : Math.min(sizeBytes, plan.partSizeBytes);
    if (isOutOfDescriptors(fault))
      this.#descriptors.ranOut(this.#running.size, this.#ports.clock.monotonicMs());
    await this.#ports.failures.fail({ entry, place, sentBytes }, fault);
    if (this.#ports.destination.breaker.reason !== undefined) this.returnUnsent('draining is paused');
  }

  #keyOf(entry: Entry): string | undefined {
    try {
      return this.#ports.destination.keyOf(entry);
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  }
}
