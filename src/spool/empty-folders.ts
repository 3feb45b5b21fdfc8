// Removes folders that draining has emptied.
import type { Clock } from '../system/clock.ts';
import type { RecurringFault } from '../system/fault.ts';
import { Repeat } from '../system/repeat.ts';
import { SpoolPath } from './entry.ts';
import { spoolFault } from './spool-fault.ts';

export interface EmptyFoldersPorts {
  readonly spool: {
    removeFolder(
      path: SpoolPath,
      quietMs: number,
      wallMs: number,
    ): Promise<'removed' | 'in-use' | 'too-young'>;
  };
  readonly clock: Clock;
  /**
   * How long, in milliseconds, nothing must have happened in a folder before it is removed; ≥ 0.
   */
  readonly quietMs: number;
  /** A folder cannot be removed. It is left alone until another file is removed from it. */
  readonly onEvent: (event: RecurringFault) => void;
}

// Beyond this, folders are not remembered and stay. Removing another file from one adds it again.
const FOLDERS_MAX = 10_000;
// Also the shortest wait, so that with a settle time of 0 a producer can still make a folder and
// then its files.
const INTERVAL_MS = 2_000;

/**
 * Removes folders that draining has emptied, and their parents upwards, but never the root of the
 * spool. It waits until a folder has been quiet for `quietMs`, because a producer may be about to
 * write the next file.
 * Due times use the monotonic clock; a folder's age uses the wall clock. A restart forgets the
 * folders. Nothing rejects: faults go to `onEvent`.
 */
export class EmptyFolders {
  readonly #ports: EmptyFoldersPorts;
  readonly #dueMsByFolder = new Map<string, { readonly path: SpoolPath; readonly dueAtMs: number }>();
  readonly #rounds: Repeat;

  constructor(ports: EmptyFoldersPorts) {
    this.#ports = ports;
    this.#rounds = new Repeat(
      ports.clock,
      (signal) => this.#removeDue(signal),
      () => (this.#dueMsByFolder.size > 0 ? INTERVAL_MS : Number.POSITIVE_INFINITY),
    );
  }

  start(): void {
    this.#rounds.start();
  }

  /** Resolves when no removal is running any more. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** The file at `path` has been removed from the spool. */
  fileRemoved(path: SpoolPath): void {
    const slash = path.bytes.lastIndexOf('/');
    if (slash > 0) this.#note(new SpoolPath(path.bytes.subarray(0, slash)));
  }

  #note(path: SpoolPath): void {
    if (this.#dueMsByFolder.size >= FOLDERS_MAX && !this.#dueMsByFolder.has(path.id)) return;
    const dueAtMs = this.#ports.clock.monotonicMs() + Math.max(INTERVAL_MS, this.#ports.quietMs);
    this.#dueMsByFolder.set(path.id, { path, dueAtMs });
    this.#rounds.soon();
  }

  async #removeDue(signal: AbortSignal): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const [id, { path, dueAtMs }] of this.#dueMsByFolder) {
      if (dueAtMs > nowMs || signal.aborted) continue;
      this.#dueMsByFolder.delete(id);
      await this.#remove(path);
    }
  }

  async #remove(path: SpoolPath): Promise<void> {
    const { spool, clock, quietMs, onEvent } = this.#ports;
    try {
      const outcome = await spool.removeFolder(path, quietMs, clock.wallMs());
      if (outcome === 'too-young') this.#note(path);
      else if (outcome === 'removed') this.fileRemoved(path);
    } catch (error) {
      const fault = spoolFault(error, 'remove folder', path.toString());
      // The folder is gone, or something else has its name. There is nothing to remove.
      if (fault.faultClass === 'changed') return;
      onEvent({ kind: 'fault', operation: 'prune empty folders', error: fault });
    }
  }
}
