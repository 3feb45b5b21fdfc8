// The spool folder. All access to its files goes through here, relative to descriptors opened once.
import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '../system/clock.ts';
import type { AsideRecovery } from './aside.ts';
import { ContentSync, syncsAtOnce } from './content-sync.ts';
import type { KnownContent, SpoolPath } from './entry.ts';
import { refuseGone } from './in-place.ts';
import type { LockableSpool } from './instance-lock.ts';
import { Journal, type JournaledFile, type JournalRecord, journalRecords } from './journal.ts';
import { type Keeping, type KeepingOptions, keepingIn } from './keeping.ts';
import type { LateLook } from './late-look.ts';
import { inFolder, type OpenDirectory } from './open-directory.ts';
import { NO_VIEW, type WriterView } from './open-writers.ts';
import { OwnFiles } from './own-files.ts';
import { PinnedDirectories } from './pinned-directories.ts';
import { clearTemporaries, PRIVATE_FOLDER } from './private-folder.ts';
import type { RemovalProof } from './proof.ts';
import type { PutBackOutcome } from './put-back.ts';
import type { Quarantined, QuarantineReason } from './quarantine.ts';
import { Removability } from './removability.ts';
import { RemovedNames } from './removed-names.ts';
import type { WaitForRoom } from './salvage.ts';
import { goneFault, readOnlyFault, spoolFault } from './spool-fault.ts';
import { SpoolFile, type SpoolFilePorts } from './spool-file.ts';
import { SyncTurns } from './sync-turns.ts';
import { writeDurably } from './write-durably.ts';

export interface SpoolOptions extends KeepingOptions {
  /** The variable UV_THREADPOOL_SIZE; see syncsAtOnce(). */
  readonly threads?: string | undefined;
  /**
   * Answers whether files are open for writing [`NO_VIEW`]. Used where the file system answers
   * truthfully.
   */
  readonly writers?: WriterView | undefined;
  /** Watches removed files whose writers are unknown. */
  readonly lateLook?: LateLook | undefined;
  readonly clock?: Pick<Clock, 'monotonicMs' | 'wallMs'>;
}

interface SpoolPorts extends Pick<SpoolFilePorts, 'contentSync' | 'writers'>, KeepingOptions {
  readonly lateLook?: LateLook | undefined;
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly removability: Removability;
}

/** What a walk over the spool gets to work with. */
export interface WalkedSpool {
  readonly root: OpenDirectory;
  /** The private folder, which the walk leaves out. */
  readonly privateFolder: Pick<OpenDirectory, 'dev' | 'ino'>;
  readonly writers: WriterView;
  /** Removes from the folder `path` the probes that a crash left there. Never rejects. */
  clearProbes(path: SpoolPath): Promise<void>;
}

type Ask = (look: () => Promise<void>) => Promise<void>;
const askAtOnce: Ask = (look) => look();

/**
 * The spool folder: opens files, sets them aside, puts them back, quarantines them and keeps
 * journals. It decides nothing about when.
 * Methods reject with a Fault. They cannot be cancelled; close() waits for those that are running.
 */
export class SpoolDirectory {
  /** The path as configured, for messages and for watching. */
  readonly path: string;
  readonly #ports: SpoolPorts;
  readonly #removedNames = new RemovedNames();
  #held: PinnedDirectories;
  #kept: Keeping;

  private constructor(path: string, held: PinnedDirectories, ports: SpoolPorts) {
    this.path = path;
    this.#ports = ports;
    this.#held = held;
    this.#kept = keepingIn(held, ports, ports.clock);
  }

  /**
   * Opens the spool, makes its private folder and tries out what removal needs. Rejects with a
   * Fault `breaker` whose message names the path and what to do.
   */
  static async open(
    path: string,
    { threads, writers = NO_VIEW, clock = systemClock, ...options }: SpoolOptions = {},
  ): Promise<SpoolDirectory> {
    const contentSync = new ContentSync(new SyncTurns(syncsAtOnce(threads).drain));
    const ports = { ...options, contentSync, writers, clock, removability: new Removability(clock) };
    return new SpoolDirectory(path, await PinnedDirectories.attach(path, writers, clock), ports);
  }

  /**
   * Opens a regular file. Rejects with Fault `changed` when the file is gone or is not a regular
   * file; with `blocked` when it may not be read or could not be removed.
   */
  openFile(path: SpoolPath): Promise<SpoolFile> {
    const held = this.#held;
    return this.#run('open', path, () =>
      held.folders.inParent(path, async (parent, name) => {
        await this.#removedNames.settle(path, parent);
        const ports = { contentSync: this.#ports.contentSync, calls: held.calls, writers: held.writers };
        const file = await SpoolFile.open(parent.at(name), path, ports);
        try {
          if (!isOwn(path)) await this.#ports.removability.require(held, parent, name, path);
          return file;
        } catch (error) {
          await file.close();
          throw error;
        }
      }),
    );
  }

  /**
   * Takes the file out of the spool if it still has the known content, else rejects with Fault
   * `changed`. For drain/dispose only.
   */
  async setAside(file: SpoolFile, known?: KnownContent) {
    const held = this.#held;
    this.#removedNames.add(file.path);
    const aside = await this.#run('set aside', file.path, () => this.#kept.aside.setAside(file, known));
    return {
      remove: async (proof: RemovalProof, waitForRoom: WaitForRoom) => {
        const doubtful = await held.run(() => aside.remove(proof, waitForRoom));
        if (doubtful !== undefined)
          await this.#ports.lateLook?.keep(file, doubtful, () => this.#bringBack(file));
      },
      putBack: () => held.run(() => aside.putBack()),
    };
  }

  #bringBack(file: SpoolFile): Promise<void> {
    return this.#run('put back', `${file.path}`, () => this.#kept.aside.bringBack(file));
  }

  /**
   * Puts files that a crash left aside back to their places, where those are free. Needs the
   * instance lock.
   */
  recoverAside(): Promise<AsideRecovery> {
    return this.#run('recover files set aside in', this.path, () => this.#kept.aside.recover());
  }

  /** Moves a file that needs a human to the quarantine, with the reason beside it. */
  quarantine(path: SpoolPath, reason: QuarantineReason): Promise<Quarantined> {
    return this.#run('quarantine', path.toString(), () => this.#kept.quarantine.admit(path, reason));
  }

  quarantinedCount(): Promise<number> {
    return this.#run('count the quarantine of', this.path, () => this.#kept.quarantine.count());
  }

  /** See OpenDirectory. */
  freeSpace() {
    const { root } = this.#held;
    return this.#run('find the free space of', this.path, () => root.freeSpace());
  }

  /** Read the generator to its end, or return it, before close(). */
  listQuarantine(): AsyncGenerator<Quarantined> {
    return this.#kept.quarantine.list();
  }

  /** Puts a quarantined file back under its name, never over another file. */
  retryQuarantined(quarantined: Quarantined): Promise<PutBackOutcome> {
    return this.#run('put back', quarantined.path.toString(), () =>
      this.#kept.quarantine.release(quarantined),
    );
  }

  /** Deletes a quarantined file for good. No proof is needed, because a human has asked for it. */
  dropQuarantined(quarantined: Quarantined): Promise<void> {
    return this.#run('drop', quarantined.path.toString(), () => this.#kept.quarantine.drop(quarantined));
  }

  /** Resolves with undefined if the file has been taken out of the quarantine. */
  quarantinedBytes(quarantined: Quarantined): Promise<number | undefined> {
    return this.#run('look at', quarantined.path.toString(), () =>
      this.#kept.quarantine.sizeBytes(quarantined),
    );
  }

  /** The record about `file` that survives a restart; see Journal. */
  journal<T>(file: JournaledFile): Journal<T> {
    return new Journal<T>(this.#held, this.#kept.journals, file);
  }

  /** Yields every record, for the sweep. Read it to its end, or return it, before close(). */
  journals<T>(): AsyncGenerator<JournalRecord<T>> {
    return journalRecords<T>(this.#held.privateFolder);
  }

  /** A small text of our own, in the file `name`, that survives a restart. Rejects with a Fault. */
  memory(name: string) {
    return {
      load: () =>
        this.#run('read', name, async () => {
          const { privateFolder } = this.#held;
          if ((await privateFolder.lookUp(name)) === undefined) return undefined;
          return readFile(privateFolder.at(name), 'utf8');
        }),
      save: (text: string) =>
        this.#run('write', name, () => writeDurably(this.#held.privateFolder, name, text)),
    };
  }

  /** The files in `folder` of the private folder, which has to be one of its subfolders. */
  ownFiles(folder: string): OwnFiles {
    return new OwnFiles(folder, (operation, name, use) => this.#run(operation, name, () => use(this.#held)));
  }

  /**
   * Runs `walk` over the folders of the spool. Rejects with Fault `spool-gone` if the spool is no
   * longer at its path, before or after the walk. `ask` runs each look at that path, which a dead
   * mount never answers.
   */
  whileThere<T>(walk: (spool: WalkedSpool) => Promise<T>, ask = askAtOnce): Promise<T> {
    const held = this.#held;
    const { root, privateFolder, writers } = held;
    return this.#run('scan', this.path, async () => {
      const look = () => ask(() => refuseGone(this.path, root));
      await look();
      const { removability } = this.#ports;
      // The walk may end first. A folder that is gone by now has no probe.
      const clearProbes = (folder: SpoolPath) =>
        held
          .run(() => inFolder(root, folder, (opened) => removability.clear(privateFolder, opened)))
          .catch(() => undefined);
      const result = await walk({ root, privateFolder, writers, clearProbes });
      await look();
      return result;
    });
  }

  /**
   * Removes the folder `path` if it is empty and has been quiet for `quietMs` by the wall clock.
   * Resolves with `in-use`, and leaves it alone, if it is gone or a link.
   */
  removeFolder(
    path: SpoolPath,
    quietMs: number,
    wallMs: number,
  ): Promise<'removed' | 'in-use' | 'too-young'> {
    const { folders } = this.#held;
    return this.#run('remove folder', path.toString(), () =>
      folders.inParent(path, async (parent, name) => {
        const stats = await parent.lookUp(name);
        if (stats === undefined || !stats.isDirectory()) return 'in-use';
        if (Math.abs(wallMs - Number(stats.mtimeNs / 1_000_000n)) < quietMs) return 'too-young';
        if (!(await parent.removeIfEmpty(name))) return 'in-use';
        await folders.forget(path);
        return 'removed';
      }),
    );
  }

  /**
   * Removes half-written files that a crash left. Needs the instance lock. Deposits may be under
   * way in a folder to which the drain returns.
   */
  clearTemporaries(deposits: 'removed' | 'kept' = 'removed'): Promise<void> {
    const { root, privateFolder } = this.#held;
    return this.#run('clear the private folder of', this.path, () =>
      clearTemporaries(root, privateFolder, deposits),
    );
  }

  /** Opens the private folder for the instance lock. The caller closes it. */
  openPrivate(): Promise<OpenDirectory> {
    const { privateFolder } = this.#held;
    return this.#run('open the private folder of', this.path, () => privateFolder.openDirectory('.'));
  }

  /**
   * Call after `spool-gone`: work continues in the folder that is at the path now. That folder is
   * accepted if it was re-created on the same file system, or if it holds our private folder
   * (mounted again). Any other folder is taken for the empty mount point of a spool that is not
   * mounted, and refused with Fault `breaker`.
   * `claim` gets that folder before anything else uses it and takes its instance lock. If `claim`
   * rejects, nothing changes.
   */
  async reattach(claim: (spool: LockableSpool) => Promise<void> = async () => undefined): Promise<void> {
    const before = this.#held;
    const { writers, clock } = this.#ports;
    const held = await PinnedDirectories.attach(this.path, writers, clock, async (root) => {
      if (root.dev === before.root.dev || (await root.lookUp(PRIVATE_FOLDER)) !== undefined) return;
      throw goneFault(
        this.path,
        'another file system is there now, without a .halfpipe folder: is the spool not mounted?',
      );
    });
    try {
      const there = new SpoolDirectory(this.path, held, this.#ports);
      await claim({
        path: this.path,
        openPrivate: () => there.openPrivate(),
        clearTemporaries: () => there.clearTemporaries('kept'),
      });
    } catch (error) {
      await held.close();
      throw error;
    }
    this.#held = held;
    this.#kept = keepingIn(held, this.#ports, this.#ports.clock);
    await before.close();
  }

  /**
   * Resolves when all running work has ended. Open files stay readable but can no longer be set
   * aside.
   */
  async close(): Promise<void> {
    await this.#ports.lateLook?.flush();
    await this.#held.close();
  }

  async #run<T>(operation: string, subject: string | SpoolPath, use: () => Promise<T>): Promise<T> {
    const held = this.#held;
    held.enter();
    try {
      return await use();
    } catch (error) {
      const fault = spoolFault(error, operation, `${subject}`);
      throw fault.code === 'EROFS' ? readOnlyFault(this.path, fault) : fault;
    } finally {
      held.leave();
    }
  }
}

/** What halfpipe wrote into its private folder, it can remove. */
function isOwn({ id }: SpoolPath): boolean {
  return id.startsWith(`${PRIVATE_FOLDER}/`);
}
