// Set aside, look again, remove: the last steps of a file's life, each one undone when the file is
// not the one that was uploaded. Files wait in `.halfpipe/aside/N/<their path>`; N counts up when
// an older one still waits there.
import { rename } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import { AsideSlots } from './aside-slots.ts';
import { type FileIdentity, type KnownContent, SpoolPath, sameContentIdentity } from './entry.ts';
import { inParent, type OpenDirectory } from './open-directory.ts';
import { isProofOf, type RemovalProof } from './proof.ts';
import { type PutBackOutcome, putBack } from './put-back.ts';
import { type HoldOn, salvage } from './salvage.ts';
import { changedFault, spoolFault, stillWrittenFault, unprovenFault } from './spool-fault.ts';
import { identityOf, type SpoolFile } from './spool-file.ts';
import { requireUnchanged } from './unchanged.ts';

/**
 * A file out of its producers' sight, proven to be the one that was opened. One of the two must be
 * called, once.
 */
export interface SetAside {
  /**
   * Deletes the file that `proof` is for, and puts any other back with a Fault `unknown`. Raises
   * Fault `changed` when it is no longer the one set aside, is open for writing, or was written to
   * in the very moment of its removal; its content is back in the spool then. `holdOn` is asked
   * while there is no room to bring that content back. Resolves with the identity of a file that
   * may still be open for writing, for a late look.
   */
  remove(proof: RemovalProof, holdOn: HoldOn): Promise<FileIdentity | undefined>;
  /**
   * Returns the file to its place; if the name is taken, it waits for recoverAside(), or is
   * superseded.
   */
  putBack(): Promise<void>;
}

/**
 * What happened to a file: set aside, removed for good, back in its place, or not, because its name
 * is taken.
 */
export type AsideStep = 'aside' | 'removed' | 'back' | 'waits' | 'superseded';
export type OnAsideStep = (path: SpoolPath, step: AsideStep) => void;

/**
 * What becomes of a file in `slot` whose name a newer one has. True when it is taken care of for
 * good: it must not come back once the newer one is gone where the last to be uploaded is the one
 * that stays.
 */
export type Supersede = (slot: Buffer, path: SpoolPath) => Promise<boolean>;

export interface AsideListeners {
  readonly onStep?: OnAsideStep | undefined;
  readonly supersede?: Supersede | undefined;
}

export interface AsideRecovery {
  readonly restored: number;
  /** Still in the private folder, because their name is taken. */
  readonly waiting: number;
}

export class Aside {
  readonly #root: OpenDirectory;
  readonly #home: OpenDirectory;
  readonly #slots: AsideSlots;
  readonly #onStep: OnAsideStep;
  readonly #supersede: Supersede;
  /** Paths whose name was taken when a file of theirs was to come back. */
  readonly #waiting = new Set<string>();
  #recovery: Promise<unknown> = Promise.resolve();

  constructor(root: OpenDirectory, home: OpenDirectory, { onStep, supersede }: AsideListeners = {}) {
    this.#root = root;
    this.#home = home;
    this.#onStep = onStep ?? (() => undefined);
    this.#supersede = supersede ?? (async () => false);
    this.#slots = new AsideSlots(home);
  }

  /**
   * `known` is what was uploaded; without it a change of ctime alone counts as one of the content.
   */
  async setAside(file: SpoolFile, known: KnownContent = opened(file)): Promise<SetAside> {
    const subject = file.path.toString();
    const slot = await this.#slots.claim(file.path);
    try {
      await inParent(this.#root, file.path, async (parent, name) => {
        const look = async () => {
          const present = await parent.lookUp(name);
          if (present === undefined) throw changedFault('set aside', subject, 'is gone');
          return identityOf(present);
        };
        await requireUnchanged(look, known, 'set aside', subject);
        await this.#moveIn(parent.at(name), slot);
      });
      const moved = await this.#requireMoved(file, slot, known).catch(async (error: unknown) => {
        await this.#putBack(slot, file.path);
        throw error;
      });
      this.#onStep(file.path, 'aside');
      return this.#guardRemoval(file, slot, { ...known, identity: moved });
    } catch (error) {
      this.#slots.free(slot);
      throw spoolFault(error, 'set aside', subject);
    }
  }

  /** What is in `slot` now; Fault `changed` when that is not the file. */
  async #requireMoved(file: SpoolFile, slot: Buffer, known: KnownContent): Promise<FileIdentity> {
    const moved = await this.#identityOf(slot);
    const held = await file.currentIdentity();
    if (sameContentIdentity(moved, known.identity) && sameContentIdentity(moved, held)) return moved;
    throw changedFault('set aside', `${file.path}`, 'changed while it was set aside');
  }

  /**
   * Returns what a crash or a taken name left behind. Files being disposed of at this moment are
   * left alone.
   */
  recover(): Promise<AsideRecovery> {
    const recovery = this.#recovery.then(() => this.#recover());
    this.#recovery = recovery.catch(() => undefined);
    return recovery;
  }

  async #recover(): Promise<AsideRecovery> {
    let restored = 0;
    let waiting = 0;
    for await (const { slot, path } of this.#slots.leftovers()) {
      const outcome = await this.#tryPutBack(slot, path);
      if (outcome === 'restored') restored++;
      else if (outcome === 'taken') waiting++;
    }
    return { restored, waiting };
  }

  /**
   * What was written to the file after it was removed, and all before it, gets its place in the
   * spool again.
   */
  async bringBack(file: SpoolFile): Promise<void> {
    const slot = await this.#slots.claim(file.path);
    try {
      await salvage(file, this.#home, slot, (fault) => Promise.reject(fault));
      await this.#putBack(slot, file.path);
    } finally {
      this.#slots.free(slot);
    }
  }

  #guardRemoval(file: SpoolFile, slot: Buffer, moved: KnownContent): SetAside {
    const subject = file.path.toString();
    const finish = async <T>(operation: string, act: () => Promise<T>) => {
      try {
        return await act();
      } catch (error) {
        throw spoolFault(error, operation, subject);
      } finally {
        this.#slots.free(slot);
      }
    };
    return {
      remove: (proof, holdOn) =>
        finish('remove', async () => {
          if (!isProofOf(proof, moved.identity)) {
            await this.#putBack(slot, file.path);
            throw unprovenFault('remove', subject);
          }
          // Asked before the last look at the file: a process that opened it before it was set
          // aside may still have it, and has it no more once the answer is no, because the file has
          // no name any more by which to open it.
          const writers = await file.writers();
          if (writers === 'some') {
            await this.#putBack(slot, file.path);
            throw stillWrittenFault('remove', subject);
          }
          // The file is known to be what the slot holds, and nothing else reaches into the private
          // folder.
          try {
            await requireUnchanged(() => file.currentIdentity(), moved, 'remove', subject);
          } catch (error) {
            await this.#putBack(slot, file.path);
            throw error;
          }
          await this.#home.unlink(slot);
          this.#onStep(file.path, 'removed');
          // The removal itself changes ctime. Size and mtime change only by a write. When that
          // cannot be known, the content comes back: sending it again loses nothing.
          const untouched = await file.currentIdentity().then(
            (now) => sameContentIdentity(now, moved.identity),
            () => false,
          );
          if (untouched) {
            await this.#returnWaiting(file.path);
            return writers === 'unknown' ? moved.identity : undefined;
          }
          await salvage(file, this.#home, slot, holdOn);
          await this.#putBack(slot, file.path);
          throw changedFault('remove', subject, 'was written to while it was removed; its content is back');
        }),
      putBack: () => finish('put back', async () => void (await this.#putBack(slot, file.path))),
    };
  }

  /** The name is free now. What fails here is tried again by recover(). */
  async #returnWaiting({ id }: SpoolPath): Promise<void> {
    if (this.#waiting.has(id)) await this.recover().catch(() => undefined);
  }

  async #moveIn(from: Buffer, slot: Buffer): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await rename(from, this.#home.at(slot));
      } catch (error) {
        // Either the source is gone or the folders in the private folder are missing.
        if (errnoOf(error) !== 'ENOENT' || attempt === 2) throw error;
        await this.#slots.makeFolders(slot);
      }
    }
  }

  async #identityOf(slot: Buffer): Promise<FileIdentity> {
    const stats = await this.#home.lookUp(slot);
    if (stats === undefined) throw changedFault('look at', new SpoolPath(slot).toString(), 'is gone');
    return identityOf(stats);
  }

  /**
   * A name that is taken is fine: the file waits, and recover() tries again, or it is superseded.
   */
  async #putBack(slot: Buffer, path: SpoolPath): Promise<PutBackOutcome | 'superseded'> {
    const returned = await putBack(this.#home, slot, this.#root, path);
    const outcome = returned === 'taken' && (await this.#supersede(slot, path)) ? 'superseded' : returned;
    if (outcome === 'taken') this.#waiting.add(path.id);
    else this.#waiting.delete(path.id);
    this.#onStep(path, STEP_OF[outcome]);
    return outcome;
  }

  /**
   * As seen from recovery, a place that cannot be reached (a parent is a link now, no access) is
   * taken too.
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

function opened({ identity }: SpoolFile): KnownContent {
  return { identity, isUnchanged: async () => false };
}
