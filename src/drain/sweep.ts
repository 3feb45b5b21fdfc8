// At the start and now and then: multipart uploads of ours whose files are gone or changed can
// never be completed, and are aborted, unless they are under way. They are known by the spool's
// journals alone: an upload that no journal names belongs to others, and is not touched.
import { type FileIdentity, type SpoolPath, sameContentIdentity } from '../spool/entry.ts';
import type { JournaledUpload, ObjectStore, UploadJournal } from '../store/object-store.ts';
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { Repeat } from '../system/repeat.ts';
import type { SweepEvent } from './drain-event.ts';

interface JournaledFile {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
}

export interface SweptSpool {
  journals<T>(): AsyncIterable<JournaledFile & { readonly value: T }>;
  journal(file: JournaledFile): Pick<UploadJournal, 'load' | 'save' | 'clear'>;
  openFile(path: SpoolPath): Promise<{ readonly identity: FileIdentity; close(): Promise<void> }>;
}

/** What is under way is the drain's. */
export interface SweptDrain {
  readonly destination: { readonly store: Pick<ObjectStore, 'abandon'> };
  holds(path: SpoolPath): boolean;
}

export interface SweepPorts {
  readonly spool: SweptSpool;
  readonly drain: SweptDrain;
  readonly clock: Clock;
  readonly onEvent: (event: SweepEvent) => void;
}

const SWEEP_MS = 60 * 60_000;
/** After a sweep that failed: the store was away, most likely. */
const AGAIN_MS = 5 * 60_000;

export class Sweep {
  readonly #ports: SweepPorts;
  readonly #sweeps: Repeat;
  #pauseMs = SWEEP_MS;

  constructor(ports: SweepPorts) {
    this.#ports = ports;
    this.#sweeps = new Repeat(
      ports.clock,
      (signal) => this.#sweep(signal),
      () => this.#pauseMs,
    );
  }

  /** Sweeps at once, in the background, and then now and then. */
  start(): void {
    this.#sweeps.startNow();
  }

  /** Resolves when a sweep under way has ended. */
  stop(): Promise<void> {
    return this.#sweeps.stop();
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { spool, drain, onEvent } = this.#ports;
    try {
      onEvent({ kind: 'swept', uploads: await sweepOrphans(spool, drain, signal) });
      this.#pauseMs = SWEEP_MS;
    } catch (error) {
      if (!signal.aborted) onEvent({ kind: 'fault', operation: 'abort orphaned multipart uploads', error });
      this.#pauseMs = AGAIN_MS;
    }
  }
}

/**
 * Resolves with how many were aborted. An upload that cannot be keeps its journal for the next time
 * and no other from being swept; the first such failure rejects in the end, and an abort at once.
 */
export async function sweepOrphans(
  spool: SweptSpool,
  drain: SweptDrain,
  signal: AbortSignal,
): Promise<number> {
  let swept = 0;
  let failure: { readonly error: unknown } | undefined;
  for await (const { path, identity, value } of spool.journals<JournaledUpload>()) {
    if (drain.holds(path) || (await isStillThere(spool, path, identity))) continue;
    try {
      const left = await drain.destination.store.abandon(value, signal);
      const journal = spool.journal({ path, identity });
      // By now the drain may have begun to upload the file's new content: that record is not ours
      // to change.
      if (drain.holds(path) || (await journal.load()) === undefined) continue;
      await (left === undefined ? journal.clear() : journal.save(left));
      // One that is left is elsewhere.
      if (left === undefined) swept += 1;
    } catch (error) {
      signal.throwIfAborted();
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return swept;
}

/**
 * In doubt (no permission, say) the file counts as there: its upload can still be resumed. So does
 * one with another ctime, as the journal has it.
 */
async function isStillThere(spool: SweptSpool, path: SpoolPath, identity: FileIdentity): Promise<boolean> {
  try {
    const file = await spool.openFile(path);
    await file.close();
    return sameContentIdentity(file.identity, identity);
  } catch (error) {
    return !(error instanceof Fault && error.faultClass === 'changed');
  }
}
