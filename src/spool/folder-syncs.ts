// Makes names durable for many files at once: files that get their names in one folder at the same
// time share one fsync of that folder.
import { fstatSync } from 'node:fs';
import type { OpenDirectory } from './open-directory.ts';
import type { SyncTurns } from './sync-turns.ts';

/** About 100 bytes each. Beyond this, the oldest are forgotten, and their names synced again. */
const KEPT_MAX = 10_000;

type SyncedFolder = Pick<OpenDirectory, 'dev' | 'ino' | 'sync'>;

/**
 * Syncs folders, one sync of a folder at a time.
 * Invariant: a sync counts only for names that were made before it began.
 */
export class FolderSyncs {
  readonly #turns: Pick<SyncTurns, 'run'>;
  /** Syncs that others may join, by folder. */
  readonly #notBegun = new Map<string, Promise<void>>();
  /** The last sync of each folder that has one. Never rejects. */
  readonly #last = new Map<string, Promise<void>>();
  /** Folders whose own names are durable. */
  readonly #kept = new Set<string>();

  constructor(turns: Pick<SyncTurns, 'run'>) {
    this.#turns = turns;
  }

  /**
   * Resolves when all names that were made in `folder` before this call are durable. Rejects with
   * the system error. Keep `folder` open meanwhile.
   */
  sync(folder: SyncedFolder): Promise<void> {
    const id = `${folder.dev} ${folder.ino}`;
    return this.#notBegun.get(id) ?? this.#syncNext(id, folder);
  }

  #syncNext(id: string, folder: SyncedFolder): Promise<void> {
    const beginning = {
      sync: () => {
        this.#notBegun.delete(id);
        return folder.sync();
      },
    };
    const sync = (this.#last.get(id) ?? Promise.resolve()).then(() => this.#turns.run(beginning));
    const forget = () => {
      if (this.#last.get(id) === last) this.#last.delete(id);
    };
    const last: Promise<void> = sync.then(forget, forget);
    this.#notBegun.set(id, sync);
    this.#last.set(id, last);
    return sync;
  }

  /**
   * Resolves when the name of `child` in its folder `parent` is durable. A folder that another
   * process or another call has made may not be durable yet. Rejects with the system error.
   */
  async keepName(parent: SyncedFolder, child: SyncedFolder & Pick<OpenDirectory, 'fd'>): Promise<void> {
    // A folder that was removed and made again may have the same inode, but not the same birth.
    const { birthtimeNs } = fstatSync(child.fd, { bigint: true });
    // A file system that keeps no births says 0 (statx(2)).
    if (birthtimeNs === 0n) return this.sync(parent);
    const id = `${child.dev} ${child.ino} ${birthtimeNs}`;
    if (this.#kept.has(id)) return;
    await this.sync(parent);
    this.#kept.add(id);
    const [oldest] = this.#kept;
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }
}
