// One file on its way into the spool: received under a private name, brought to the disk, and only
// then given its name.
//
// It runs in a thread of its own, where calls that block are cheaper than calls through the pool:
// opening, writing, linking and unlinking a file of 20 KB costs a third less CPU. A writer that the
// kernel slows down, because the disk is behind, then holds its own thread and none of the pool's,
// which the drain needs. Only a sync, which may wait long for the disk, goes through the pool.
import { randomUUID } from 'node:crypto';
import { closeSync, constants, fsync, openSync, writeSync } from 'node:fs';
import { errnoOf } from '../system/fault.ts';
import { brokenInvariant } from '../system/invariant.ts';
import type { ContentSync } from './content-sync.ts';
import type { DepositContent } from './deposit-content.ts';
import { type DepositMode, type DepositOutcome, place } from './deposit-place.ts';
import type { SpoolPath } from './entry.ts';
import type { FolderSyncs } from './folder-syncs.ts';
import { refuseGone } from './in-place.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { DEPOSIT_PREFIX, inSubfolders } from './private-folder.ts';
import { spoolFault } from './spool-fault.ts';
import type { SyncTurns } from './sync-turns.ts';

const CREATE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

export interface DepositPorts {
  readonly spoolPath: string;
  readonly turns: SyncTurns;
  readonly folderSyncs: FolderSyncs;
  readonly contentSync: ContentSync;
}

/**
 * A file that is being received. Methods reject with a Fault and cannot be cancelled.
 * Invariant: a name in the spool never leads to a part of the content, not even after a power cut.
 */
export class Deposit {
  readonly #held: PinnedDirectories;
  readonly #ports: DepositPorts;
  /** Below the private folder. */
  readonly #privateName: string;
  readonly #release: () => void;
  #fd: number | undefined;
  #writtenBytes = 0;
  #durable: Promise<void> | undefined;
  #publishing: Promise<unknown> = Promise.resolve();
  #hasPrivateName = true;
  #ended: Promise<void> | undefined;

  private constructor(held: PinnedDirectories, release: () => void, name: string, ports: DepositPorts) {
    this.#held = held;
    this.#release = release;
    this.#privateName = name;
    this.#ports = ports;
  }

  /** Only Deposits calls this. Rejects with a Fault or the system error. */
  static async begin(held: PinnedDirectories, ports: DepositPorts): Promise<Deposit> {
    const name = `tmp/${DEPOSIT_PREFIX}${randomUUID()}`;
    const deposit = new Deposit(held, held.hold(), name, ports);
    const { privateFolder } = held;
    try {
      await inSubfolders(privateFolder, async () => {
        deposit.#fd = openSync(privateFolder.at(name), CREATE_FLAGS, 0o600);
      });
      return deposit;
    } catch (error) {
      await deposit.discard();
      throw error;
    }
  }

  /** Adds `chunk` to the content. After a failure, only discard() makes sense. */
  async write(chunk: Buffer): Promise<void> {
    const fd = this.#fd ?? brokenInvariant('a deposit is written before it is published or discarded');
    try {
      // A disk that is nearly full accepts a part of the chunk and refuses the rest.
      for (let at = 0; at < chunk.length; ) {
        const bytes = writeSync(fd, chunk, at, chunk.length - at, this.#writtenBytes);
        at += bytes;
        this.#writtenBytes += bytes;
      }
    } catch (error) {
      throw spoolFault(error, 'receive a file into', this.#ports.spoolPath);
    }
  }

  /**
   * Gives the file its name. Makes missing folders. `content` is what was written.
   * Once it has resolved with anything but `taken`, a power cut takes neither the content nor the
   * name. After `taken`, it may be called again, with another path.
   * Rejects with Fault `not-a-folder` if the path leads through a file or a symbolic link, with
   * `spool-gone` if the spool is no longer at its path; the file may have its name after a failure.
   */
  publish(path: SpoolPath, content: DepositContent, mode: DepositMode): Promise<DepositOutcome> {
    const publishing = this.#publish(path, content, mode);
    this.#publishing = publishing.catch(() => undefined);
    return publishing;
  }

  async #publish(path: SpoolPath, content: DepositContent, mode: DepositMode): Promise<DepositOutcome> {
    const { root, privateFolder } = this.#held;
    const { spoolPath, folderSyncs, contentSync } = this.#ports;
    if (content.sizeBytes !== this.#writtenBytes)
      brokenInvariant(`a deposit of ${content.sizeBytes} bytes is published when all of them are written`);
    if (this.#ended !== undefined) brokenInvariant('a deposit is published before it has ended');
    try {
      this.#durable ??= this.#makeDurable();
      await this.#durable;
      const source = { privateFolder, name: this.#privateName, content };
      const outcome = await place(source, { root, spoolPath, path, mode, folderSyncs, contentSync });
      this.#hasPrivateName = outcome === 'same' || outcome === 'taken';
      await refuseGone(spoolPath, root);
      if (outcome !== 'taken') await this.#end();
      return outcome;
    } catch (error) {
      throw spoolFault(error, 'deposit', `${path}`);
    }
  }

  /**
   * Brings the content to the disk and closes the file: an open writer would look like a producer
   * at work. A sync that failed is not repeated; see ContentSync.
   */
  async #makeDurable(): Promise<void> {
    const fd = this.#fd ?? brokenInvariant('a deposit is published before it is discarded');
    await this.#ports.turns.run({ sync: () => synced(fd) });
    this.#fd = undefined;
    closeSync(fd);
  }

  /**
   * Removes the private name and what is open. Waits for publish(); never rejects. May be called
   * after anything, and again.
   */
  async discard(): Promise<void> {
    await this.#publishing;
    await this.#end();
  }

  #end(): Promise<void> {
    this.#ended ??= this.#leaveNothing();
    return this.#ended;
  }

  async #leaveNothing(): Promise<void> {
    const fd = this.#fd;
    this.#fd = undefined;
    try {
      if (fd !== undefined) closeSync(fd);
      if (this.#hasPrivateName) await this.#held.privateFolder.unlink(this.#privateName);
    } catch (error) {
      // The next start removes what a broken disk keeps.
      if (errnoOf(error) === undefined) throw error;
    } finally {
      this.#release();
    }
  }
}

/** Cheaper than promisify(), which makes a function anew for each file. */
function synced(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => (error === null ? resolve() : reject(error)));
  });
}
