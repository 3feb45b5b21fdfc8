// The last steps of a file: set aside, look once more, remove. Each step is undone if the file is
// not the one that was uploaded.
import { renameSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import { AsideSlots } from './aside-slots.ts';
import { type FileIdentity, type KnownContent, SpoolPath, sameContentIdentity } from './entry.ts';
import type { OpenDirectory } from './open-directory.ts';
import type { Writers } from './open-writers.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { isProofOf, type RemovalProof } from './proof.ts';
import { type PutBackOutcome, putBack } from './put-back.ts';
import { salvage, type WaitForRoom } from './salvage.ts';
import { changedFault, spoolFault, stillWrittenFault, unprovenFault } from './spool-fault.ts';
import { identityOf, type SpoolFile } from './spool-file.ts';
import { requireUnchanged } from './unchanged.ts';

/**
 * A file that was moved out of its producers' sight and is proven to be the one that was opened.
 * Call exactly one of the two methods, once.
 */
export interface SetAside {
  /**
   * Deletes the file that `proof` is for.
   * Rejects with Fault `unknown` when the proof is for another file; the file is back in the spool
   * then. Rejects with Fault `changed` when the file is no longer the one set aside, is open for
   * writing, or was written to during its removal; its content is back in the spool then. Asks
   * `waitForRoom` while there is no room to bring that content back.
   * Resolves with the identity of a file that may still be open for writing and needs a late look,
   * else with undefined.
   */
  remove(proof: RemovalProof, waitForRoom: WaitForRoom): Promise<FileIdentity | undefined>;
  /**
   * Returns the file to its place. If its name is taken, the file waits for recover(), or is
   * superseded.
   */
  putBack(): Promise<void>;
}

/**
 * `aside`: set aside. `removed`: deleted. `back`: in its place again. `waits`: it stays aside,
 * because its name is taken. `superseded`: a newer file has its name, and this file is in
 * quarantine.
 */
export type AsideStep = 'aside' | 'removed' | 'back' | 'waits' | 'superseded';
export type OnAsideStep = (path: SpoolPath, step: AsideStep) => void;

/**
 * Decides about the file in `slot` when a newer file has its name. Resolves with true if the file
 * has been moved elsewhere and must not return. That is necessary where the last upload of a name
 * replaces the earlier ones.
 */
export type Supersede = (slot: Buffer, path: SpoolPath) => Promise<boolean>;

export interface AsideListeners {
  readonly onStep?: OnAsideStep | undefined;
  readonly supersede?: Supersede | undefined;
}

export interface AsideRecovery {
  readonly restored: number;
  /** Files that stay in the private folder because their names are taken. */
  readonly waiting: number;
}

/**
 * Sets files aside in `.halfpipe/aside/N/<path>` and puts them back. N counts up when an older
 * version of the path still waits there.
 * Methods reject with a Fault and cannot be cancelled. A removal is not synced to the disk: a power
 * cut may bring the file back, whole.
 */
export class Aside {
  readonly #held: PinnedDirectories;
  readonly #privateFolder: OpenDirectory;
  readonly #slots: AsideSlots;
  readonly #onStep: OnAsideStep;
  readonly #supersede: Supersede;
  /** Paths of files that could not return: their names were taken, or the disk failed. */
  readonly #waiting = new Set<string>();
  #recovery: Promise<unknown> = Promise.resolve();

  constructor(held: PinnedDirectories, { onStep, supersede }: AsideListeners = {}) {
    this.#held = held;
    this.#privateFolder = held.privateFolder;
    this.#onStep = onStep ?? (() => undefined);
    this.#supersede = supersede ?? (async () => false);
    this.#slots = new AsideSlots(held.privateFolder);
  }

  /**
   * Moves the file aside if it still has the content `known`, which is what was uploaded. Rejects
   * with Fault `changed` if it has not. Without `known`, a change of ctime alone counts as a change
   * of content.
   */
  async setAside(file: SpoolFile, known: KnownContent = opened(file)): Promise<SetAside> {
    if (this.#waiting.has(file.path.id)) await this.#inTurn(() => this.#supersedeOlder(file.path));
    const slot = this.#slots.claim(file.path);
    try {
      await this.#held.folders.inParent(file.path, async (parent, name) => {
        const look = () => {
          const present = parent.lookUpNow(name);
          if (present === undefined) throw changedFault('set aside', `${file.path}`, 'is gone');
          return identityOf(present);
        };
        await requireUnchanged(look, known, 'set aside', file.path);
        await this.#moveIn(parent.at(name), slot);
      });
      const moved = await this.#requireMoved(file, slot, known);
      this.#onStep(file.path, 'aside');
      return this.#guardRemoval(file, slot, { identity: moved, isUnchanged: known.isUnchanged });
    } catch (error) {
      this.#slots.free(slot);
      throw spoolFault(error, 'set aside', `${file.path}`);
    }
  }

  /**
   * Resolves with the identity of what is in `slot`. If that is not the file, puts it back and
   * rejects with Fault `changed`.
   */
  async #requireMoved(file: SpoolFile, slot: Buffer, known: KnownContent): Promise<FileIdentity> {
    try {
      const moved = this.#identityOf(slot);
      const held = await file.currentIdentity();
      if (sameContentIdentity(moved, known.identity) && sameContentIdentity(moved, held)) return moved;
      throw changedFault('set aside', `${file.path}`, 'changed while it was set aside');
    } catch (error) {
      await this.#putBack(slot, file.path);
      throw error;
    }
  }

  /**
   * Returns files that a crash or a taken name left aside. Leaves alone files whose removal is
   * running. Calls run one after another.
   */
  recover(): Promise<AsideRecovery> {
    return this.#inTurn(() => this.#recover());
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const acted = this.#recovery.then(act);
    this.#recovery = acted.catch(() => undefined);
    return acted;
  }

  /**
   * A newer file has the name, and is about to give it up. The older ones that wait for the name
   * must not return then, because their objects would replace the newer one's.
   */
  async #supersedeOlder(newer: SpoolPath): Promise<void> {
    for await (const older of this.#slots.leftovers()) {
      if (older.path.id !== newer.id || !(await this.#supersede(older.slot, older.path))) continue;
      this.#waiting.delete(newer.id);
      this.#onStep(newer, 'superseded');
    }
  }

  async #recover(): Promise<AsideRecovery> {
    let restored = 0;
    let waiting = 0;
    for await (const { slot, path } of this.#slots.leftovers()) {
      const outcome = await this.#tryPutBack(slot, path);
      if (outcome === 'restored') restored += 1;
      else if (outcome === 'taken') waiting += 1;
    }
    return { restored, waiting };
  }

  /**
   * Copies everything that the descriptor of `file` holds back to the file's place in the spool.
   * Called when a process wrote to the file after its removal.
   */
  async bringBack(file: SpoolFile): Promise<void> {
    const slot = this.#slots.claim(file.path);
    try {
      await salvage(file, this.#privateFolder, slot, (fault) => Promise.reject(fault));
      await this.#putBack(slot, file.path);
    } finally {
      this.#slots.free(slot);
    }
  }

  #guardRemoval(file: SpoolFile, slot: Buffer, moved: KnownContent): SetAside {
    const finish = async <T>(operation: string, act: () => Promise<T>) => {
      try {
        return await act();
      } catch (error) {
        throw spoolFault(error, operation, `${file.path}`);
      } finally {
        this.#slots.free(slot);
      }
    };
    return {
      remove: (proof, waitForRoom) =>
        finish('remove', () => this.#remove(file, slot, moved, proof, waitForRoom)),
      putBack: () => finish('put back', async () => void (await this.#putBack(slot, file.path))),
    };
  }

  /** See SetAside. */
  async #remove(
    file: SpoolFile,
    slot: Buffer,
    moved: KnownContent,
    proof: RemovalProof,
    waitForRoom: WaitForRoom,
  ): Promise<FileIdentity | undefined> {
    const writers = await this.#requireUnwritten(file, slot, moved, proof);
    try {
      await this.#unlink(slot);
    } catch (error) {
      await this.#putBack(slot, file.path).catch(() => undefined);
      throw error;
    }
    this.#onStep(file.path, 'removed');
    if (await isUntouched(file, moved.identity)) {
      if (this.#waiting.has(file.path.id)) await this.#returnWaiting();
      return writers === 'unknown' ? moved.identity : undefined;
    }
    await salvage(file, this.#privateFolder, slot, waitForRoom);
    await this.#putBack(slot, file.path);
    throw changedFault('remove', `${file.path}`, 'was written to while it was removed; its content is back');
  }

  /** Puts the file back, and rejects with a Fault, unless `proof` allows its removal now. */
  async #requireUnwritten(
    file: SpoolFile,
    slot: Buffer,
    moved: KnownContent,
    proof: RemovalProof,
  ): Promise<Writers> {
    try {
      if (!isProofOf(proof, moved.identity)) throw unprovenFault('remove', `${file.path}`);
      // Ask before the last look at the file. A process that opened the file before it was set
      // aside may still have it open. After the answer `none`, no process can open the file again,
      // because its name is gone.
      const writers = await file.writers();
      if (writers === 'some') throw stillWrittenFault('remove', `${file.path}`);
      // The slot holds this file, and nothing else reaches into the private folder.
      await requireUnchanged(() => file.currentIdentity(), moved, 'remove', file.path);
      return writers;
    } catch (error) {
      await this.#putBack(slot, file.path);
      throw error;
    }
  }

  /** Called when the name has become free. recover() repeats what fails here. */
  async #returnWaiting(): Promise<void> {
    await this.recover().catch(() => undefined);
  }

  async #moveIn(from: Buffer, slot: Buffer): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const to = this.#privateFolder.at(slot);
        return await this.#held.calls.run(
          'change',
          () => renameSync(from, to),
          () => rename(from, to),
        );
      } catch (error) {
        // Either the source is gone, or folders in the private folder are missing.
        if (errnoOf(error) !== 'ENOENT' || attempt === 2) throw error;
        await this.#slots.makeFolders(slot);
      }
    }
  }

  #unlink(slot: Buffer): void | Promise<void> {
    return this.#held.calls.run(
      'change',
      () => this.#privateFolder.unlinkNow(slot),
      () => this.#privateFolder.unlink(slot),
    );
  }

  #identityOf(slot: Buffer): FileIdentity {
    const stats = this.#privateFolder.lookUpNow(slot);
    if (stats === undefined) throw changedFault('look at', new SpoolPath(slot).toString(), 'is gone');
    return identityOf(stats);
  }

  /** A taken name is not an error: the file waits for recover(), or is superseded. */
  async #putBack(slot: Buffer, path: SpoolPath): Promise<PutBackOutcome | 'superseded'> {
    // Until the outcome is known, the file waits: what fails here is repeated by recover().
    this.#waiting.add(path.id);
    const returned = await putBack(this.#privateFolder, slot, this.#held.root, path);
    const outcome = returned === 'taken' && (await this.#supersede(slot, path)) ? 'superseded' : returned;
    if (outcome !== 'taken') this.#waiting.delete(path.id);
    this.#onStep(path, STEP_OF[outcome]);
    return outcome;
  }

  /**
   * During recovery, a place that cannot be reached (no access, or a parent is now a link) counts
   * as taken.
   */
  async #tryPutBack(slot: Buffer, path: SpoolPath) {
    try {
      return await this.#putBack(slot, path);
    } catch (error) {
      const fault = spoolFault(error, 'put back', path.toString());
      if (fault.faultClass === 'unknown' || fault.faultClass === 'breaker') throw fault;
      return 'taken';
    }
  }
}

const STEP_OF = { restored: 'back', taken: 'waits', superseded: 'superseded' } as const;

/**
 * Removal itself changes ctime; only a write changes size or mtime. If the identity cannot be read,
 * the content comes back: uploading it again loses nothing.
 */
async function isUntouched(file: SpoolFile, before: FileIdentity): Promise<boolean> {
  try {
    return sameContentIdentity(await file.currentIdentity(), before);
  } catch {
    return false;
  }
}

function opened({ identity }: SpoolFile): KnownContent {
  return { identity, isUnchanged: async () => false };
}
