// Aborts our multipart uploads whose files are gone or changed, because these can never be
// completed.
import type { FileIdentity, SpoolPath } from '../spool/entry.ts';
import { isStillThere, type OpenedFile } from '../spool/still-there.ts';
import type { JournaledUpload, ObjectStore, UploadJournal } from '../store/object-store.ts';
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';
import type { SweepEvent } from './drain-event.ts';

interface JournaledFile {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
}

export interface SweptSpool {
  journals<T>(): AsyncIterable<JournaledFile & { readonly value: T }>;
  journal(file: JournaledFile): Pick<UploadJournal, 'load' | 'save' | 'clear'>;
  openFile(path: SpoolPath): Promise<OpenedFile>;
}

/** Uploads in progress belong to the drain. */
export interface SweptDrain {
  readonly destination: { readonly store: Pick<ObjectStore, 'abandon'> };
  isTransferring(path: SpoolPath): boolean;
}

export interface SweepPorts {
  readonly spool: SweptSpool;
  readonly drain: SweptDrain;
  readonly clock: Clock;
  readonly onEvent: (event: SweepEvent) => void;
}

const SWEEP_MS = 60 * 60_000;
/** The pause after a failed sweep. Most likely the store was out of reach. */
const AGAIN_MS = 5 * 60_000;

/**
 * Sweeps at startup and every hour. It knows uploads only from the spool's journals: an upload that
 * no journal names belongs to another program, and is not touched. Monotonic clock. Nothing
 * rejects.
 */
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

  /** Sweeps now in the background, and then every hour. */
  start(): void {
    this.#sweeps.startNow();
  }

  /** Resolves when a running sweep has ended. */
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
 * Resolves with the number of aborted uploads. An upload that cannot be aborted keeps its journal
 * and does not keep others from being swept. At the end it rejects with the first such failure;
 * after an abort it rejects at once.
 */
export async function sweepOrphans(
  spool: SweptSpool,
  drain: SweptDrain,
  signal: AbortSignal,
): Promise<number> {
  let swept = 0;
  let failure: { readonly error: unknown } | undefined;
  for await (const { path, identity, value } of spool.journals<JournaledUpload>()) {
    if (drain.isTransferring(path) || (await isStillThere(spool, { path, identity }))) continue;
    try {
      const left = await drain.destination.store.abandon(value, signal);
      const journal = spool.journal({ path, identity });
      // The drain may have begun to upload the file's new content. That record must not be changed
      // here.
      if (drain.isTransferring(path) || (await journal.load()) === undefined) continue;
      await (left === undefined ? journal.clear() : journal.save(left));
      // An upload that is left is at another place.
      if (left === undefined) swept += 1;
    } catch (error) {
      signal.throwIfAborted();
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return swept;
}
