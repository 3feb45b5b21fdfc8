// The way into the spool for files that do not come by a producer's own writes. It runs in a thread
// of its own, beside the drain's, and knows the drain only by what is in the folder.
import { readdir } from 'node:fs/promises';
import { atMost } from '../system/at-most.ts';
import { type Clock, systemClock } from '../system/clock.ts';
import { errnoOf } from '../system/fault.ts';
import { ContentSync } from './content-sync.ts';
import { Deposit, type DepositPorts } from './deposit.ts';
import { type DepositContent, sha256Of } from './deposit-content.ts';
import type { SpoolPath } from './entry.ts';
import { POOLED } from './file-calls.ts';
import { FolderSyncs } from './folder-syncs.ts';
import { refuseGone } from './in-place.ts';
import { isPrivateInPlace, joinSpool } from './joined-spool.ts';
import { inParent } from './open-directory.ts';
import { NO_VIEW } from './open-writers.ts';
import { closedFault, PinnedDirectories } from './pinned-directories.ts';
import { DEPOSIT_PREFIX } from './private-folder.ts';
import { goneFault, SPOOL_GONE, spoolFault } from './spool-fault.ts';
import { SpoolFile } from './spool-file.ts';
import { SyncTurns } from './sync-turns.ts';

export interface DepositsOptions {
  /** How many threads of the pool may wait for a sync at once; ≥ 1. */
  readonly syncsAtOnce: number;
  readonly clock?: Clock;
}

/** A network mount that works answers sooner. Producers then learn that they have to wait. */
const LOOK_MS = 5_000;

/** What says that no regular file has a name. */
const NOT_THERE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);

/**
 * Takes files into the spool, each under its name only when it is whole and on the disk.
 * It uses the folder that is at the spool's path at that moment, and only with the private folder
 * that the drain has made there. Methods reject with a Fault and cannot be cancelled.
 */
export class Deposits {
  readonly #path: string;
  readonly #ports: DepositPorts;
  readonly #clock: Clock;
  #held: PinnedDirectories;
  #look: Promise<PinnedDirectories> | undefined;
  #formerClosed: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(path: string, held: PinnedDirectories, ports: DepositPorts, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#held = held;
    this.#ports = ports;
  }

  /**
   * Opens the spool and removes half-received files that a crash or an earlier thread left. Rejects
   * with Fault `spool-gone` while there is no spool that a drain has opened. One at a time for a
   * spool.
   */
  static async open(path: string, { syncsAtOnce, clock = systemClock }: DepositsOptions): Promise<Deposits> {
    const turns = new SyncTurns(syncsAtOnce);
    const [folderSyncs, contentSync] = [new FolderSyncs(turns), new ContentSync(turns)];
    try {
      const held = PinnedDirectories.of(await joinSpool(path));
      const deposits = new Deposits(path, held, { spoolPath: path, turns, folderSyncs, contentSync }, clock);
      await deposits.#clear().catch(async (error: unknown) => {
        await held.close();
        throw error;
      });
      return deposits;
    } catch (error) {
      throw spoolFault(error, 'open', path);
    }
  }

  /** A new file without content and without a name in the spool. Call its discard() in any case. */
  async begin(): Promise<Deposit> {
    try {
      return await Deposit.begin(await this.#inPlace(), this.#ports);
    } catch (error) {
      throw spoolFault(error, 'receive a file into', this.#path);
    }
  }

  /** See OpenDirectory. */
  async freeSpace() {
    try {
      const held = await this.#inPlace();
      return await held.run(() => held.root.freeSpace());
    } catch (error) {
      throw spoolFault(error, 'find the free space of', this.#path);
    }
  }

  /**
   * Resolves with what the regular file at `path` holds, or with undefined if there is none. Reads
   * the file until `signal` is aborted. Rejects with Fault `changed` if the file is written to
   * meanwhile.
   */
  async find(path: SpoolPath, signal: AbortSignal): Promise<DepositContent | undefined> {
    try {
      const held = await this.#inPlace();
      return await held.run(() =>
        inParent(held.root, path, async (parent, name) => {
          if ((await parent.lookUp(name))?.isFile() !== true) return undefined;
          const { contentSync } = this.#ports;
          const file = await SpoolFile.open(parent.at(name), path, {
            calls: POOLED,
            contentSync,
            writers: NO_VIEW,
          });
          try {
            return await sha256Of(file, signal);
          } finally {
            await file.close();
          }
        }),
      );
    } catch (error) {
      if (NOT_THERE.has(errnoOf(error))) return undefined;
      throw spoolFault(error, 'read', `${path}`);
    }
  }

  /** Resolves when every deposit has ended. No other one can begin. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#look?.catch(() => undefined);
    await Promise.all([this.#held.close(), this.#formerClosed]);
  }

  /**
   * Calls share one look at the path: a dead mount never answers it, and would otherwise hold a
   * thread of the pool for each call. Rejects with Fault `spool-gone` when it takes too long.
   */
  async #inPlace(): Promise<PinnedDirectories> {
    if (this.#isClosed) throw closedFault();
    this.#look ??= this.#lookAtPath().finally(() => {
      this.#look = undefined;
    });
    const look = this.#look;
    let held: PinnedDirectories | undefined;
    const seen = look.then((found) => {
      held = found;
    });
    await atMost(LOOK_MS, seen, this.#clock);
    return held ?? Promise.reject(goneFault(this.#path, 'it does not answer'));
  }

  async #lookAtPath(): Promise<PinnedDirectories> {
    const before = this.#held;
    if (await this.#isInPlace(before)) return before;
    this.#held = PinnedDirectories.of(await joinSpool(this.#path));
    // Deposits in the former folder keep it open until they have ended.
    this.#formerClosed = Promise.allSettled([this.#formerClosed, before.close()]);
    return this.#held;
  }

  async #isInPlace(held: PinnedDirectories): Promise<boolean> {
    try {
      await refuseGone(this.#path, held.root);
      return await isPrivateInPlace(held);
    } catch (error) {
      if (errnoOf(error) === SPOOL_GONE) return false;
      throw error;
    }
  }

  async #clear(): Promise<void> {
    const { privateFolder } = this.#held;
    const names = await readdir(privateFolder.at('tmp').toString()).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    });
    for (const name of names) if (name.startsWith(DEPOSIT_PREFIX)) await privateFolder.unlink(`tmp/${name}`);
  }
}
