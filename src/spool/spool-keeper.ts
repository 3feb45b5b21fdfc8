// Holds the spool for this instance, and returns to it after it was removed or unmounted.
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';
import type { InstanceLock, LockableSpool } from './instance-lock.ts';
import type { SpoolDirectory } from './spool-directory.ts';
import type { SpoolEvent } from './spool-event.ts';

type Lock = Pick<InstanceLock, 'isOf' | 'release'>;

export interface SpoolKeeperPorts {
  readonly spool: SpoolDirectory;
  readonly clock: Clock;
  /** Takes the lock of the folder that is at the spool's path now. */
  readonly lock: (spool: LockableSpool) => Promise<Lock>;
  /** The spool is back. It may be another folder with other files. */
  readonly onReattached: () => void;
  readonly onEvent: (event: SpoolEvent) => void;
}

const REATTACH_MS = 3_000;
/**
 * A file waits aside while another file has its name. No event tells us when another program
 * removes that file.
 */
const RECOVER_MS = 10 * 60_000;

/**
 * Holds the instance lock, puts files back that a crash left aside, and reattaches when the spool
 * was gone and is there again.
 * Invariant: nothing is drained from a folder whose lock is not held. Delays use the monotonic
 * clock. Stop it after everything that uses the spool.
 */
export class SpoolKeeper {
  readonly #ports: SpoolKeeperPorts;
  #lock: Lock | undefined;
  #lost = false;
  readonly #visits: Repeat;

  constructor(ports: SpoolKeeperPorts) {
    this.#ports = ports;
    this.#visits = new Repeat(
      ports.clock,
      () => this.#attend(),
      () => (this.#lost ? REATTACH_MS : RECOVER_MS),
    );
  }

  /**
   * Takes the lock and puts back files that were left aside. Rejects with a Fault when another
   * instance has the spool.
   */
  async start(): Promise<void> {
    this.#lock = await this.#ports.lock(this.#ports.spool);
    const recovery = await this.#ports.spool.recoverAside();
    this.#visits.start();
    this.#ports.onEvent({ kind: 'putBack', recovery });
  }

  /** Gives the spool free for another instance. May also be called after start() has failed. */
  async stop(): Promise<void> {
    await this.#visits.stop();
    await this.#lock?.release();
  }

  /** Call when a scan has found that the spool is no longer at its path. */
  lost(): void {
    this.#lost = true;
    this.#visits.soon(0);
  }

  /** Never rejects. */
  async #attend(): Promise<void> {
    const { spool, onReattached, onEvent } = this.#ports;
    const wasLost = this.#lost;
    try {
      if (wasLost) await this.#reattach();
      const recovery = await spool.recoverAside();
      if (recovery.restored > 0) onEvent({ kind: 'putBack', recovery });
      if (!wasLost) return;
      onReattached();
      onEvent({ kind: 'spoolBack' });
    } catch (error) {
      const operation = wasLost ? 'return to the spool' : 'put back what was set aside';
      onEvent({ kind: 'fault', operation, error });
    }
  }

  async #reattach(): Promise<void> {
    const { spool, lock } = this.#ports;
    const before = this.#lock;
    await spool.reattach(async (candidate) => {
      // This is the same folder, moved away and back. No other instance has held its lock.
      if (await before?.isOf(candidate)) return;
      this.#lock = await lock(candidate);
    });
    this.#lost = false;
    if (this.#lock !== before) await before?.release();
  }
}
