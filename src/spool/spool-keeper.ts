// Holds the spool for this instance: the lock, what a crash left aside, and the way back when the
// spool was removed or unmounted and is there again. Invariant: nothing is drained from a folder
// whose lock is not held.
import type { Clock } from '../system/clock.ts';
import type { AsideRecovery } from './aside.ts';
import { InstanceLock, type Serve } from './instance-lock.ts';
import type { SpoolDirectory } from './spool-directory.ts';

export interface SpoolKeeperParts {
  readonly spool: SpoolDirectory;
  readonly clock: Clock;
  readonly serve: Serve;
  /** The spool is there again, perhaps another folder with other files. */
  readonly onReattached: () => void;
  /** Something that was set aside is back in its place. */
  readonly onRecovered: (recovery: AsideRecovery) => void;
  /** Tried again by itself. */
  readonly onFault: (operation: string, fault: unknown) => void;
}

const REATTACH_MS = 3_000;
/**
 * A file waits aside while another has its name. When another program removes that one, no event
 * tells us.
 */
const RECOVER_MS = 10 * 60_000;

export class SpoolKeeper {
  readonly #parts: SpoolKeeperParts;
  #lock: InstanceLock | undefined;
  #lost = false;
  #running = false;
  #turn: Promise<void> | undefined;
  #cancel: () => void = () => undefined;

  constructor(parts: SpoolKeeperParts) {
    this.#parts = parts;
  }

  /**
   * Takes the lock and puts back what was left aside. Rejects with a Fault when another instance
   * has the spool.
   */
  async start(): Promise<AsideRecovery> {
    this.#lock = await InstanceLock.acquire(this.#parts.spool, this.#parts.serve);
    const recovery = await this.#parts.spool.recoverAside();
    this.#running = true;
    this.#schedule(RECOVER_MS);
    return recovery;
  }

  /** Lets another instance have the spool. May be called when start() has failed. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#cancel();
    await this.#turn;
    await this.#lock?.release();
  }

  /** A scan has found that the spool is no longer at its path. */
  lost(): void {
    this.#lost = true;
    if (this.#turn === undefined) this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    this.#cancel();
    if (!this.#running) return;
    this.#cancel = this.#parts.clock.schedule(delayMs, () => {
      this.#turn = this.#attend().finally(() => {
        this.#turn = undefined;
        this.#schedule(this.#lost ? REATTACH_MS : RECOVER_MS);
      });
    });
  }

  /** Never rejects. */
  async #attend(): Promise<void> {
    const { spool, onReattached, onRecovered, onFault } = this.#parts;
    const wasLost = this.#lost;
    try {
      if (wasLost) await this.#reattach();
      const recovery = await spool.recoverAside();
      if (recovery.restored > 0) onRecovered(recovery);
      if (wasLost) onReattached();
    } catch (fault) {
      onFault(wasLost ? 'return to the spool' : 'put back what was set aside', fault);
    }
  }

  async #reattach(): Promise<void> {
    const { spool, serve } = this.#parts;
    const before = this.#lock;
    await spool.reattach(async (candidate) => {
      // The very folder we had, moved away and back: its lock has never been anybody else's.
      if (await before?.isOf(candidate)) return;
      this.#lock = await InstanceLock.acquire(candidate, serve);
    });
    this.#lost = false;
    if (this.#lock !== before) await before?.release();
  }
}
