// A removal is durable some time after it is done. Until then a power cut may bring the file back,
// whole, and it goes up once more: harmless, unless a newer file of the same name went up
// meanwhile, and `s3.conflict: overwrite` has the old bytes replace the new ones. On ext4 and xfs
// the newer file's own fsync takes the older removal along, in the order of the journal. On btrfs
// it does not: seen after v1 was removed, v2 came, was synced and removed, and a third file was
// synced; v1 was back. The sync of their folder does it everywhere.
// Invariant: a file is opened only after the removal of every earlier file of its name is durable.
import type { SpoolPath } from './entry.ts';

/** After so many all are forgotten, and each folder is synced once more. */
const NAMES_MAX = 20_000;

interface Syncable {
  sync(): Promise<void>;
}

interface Folder {
  /**
   * All that was removed and is not durable is in `names`; of an earlier process that is not known
   * at first.
   */
  isKnown: boolean;
  /** What was removed, and when, counted in removals and syncs. */
  readonly names: Map<string, number>;
  /** The last sync that was begun. */
  sync: { readonly begun: number; readonly ended: Promise<void> } | undefined;
}

export class RemovedNames {
  readonly #folders = new Map<string, Folder>();
  #counter = 0;
  #kept = 0;

  /** The file at `path` is about to lose its name. */
  add(path: SpoolPath): void {
    if (this.#kept >= NAMES_MAX) {
      this.#folders.clear();
      this.#kept = 0;
    }
    this.#counter += 1;
    this.#kept += 1;
    this.#folderOf(path).names.set(path.id, this.#counter);
  }

  /**
   * Resolves when no earlier file can come back to `path`, which is in `parent`. Rejects with the
   * system error.
   */
  async settle(path: SpoolPath, parent: Syncable): Promise<void> {
    const folder = this.#folderOf(path);
    const removed = folder.names.get(path.id);
    if (folder.isKnown && removed === undefined) return;
    // Files of one folder share a sync, unless it was begun too early for this one.
    if (folder.sync === undefined || folder.sync.begun < (removed ?? 0)) this.#begin(folder, parent);
    await folder.sync?.ended;
  }

  #begin(folder: Folder, parent: Syncable): void {
    this.#counter += 1;
    const begun = this.#counter;
    const ended = parent.sync().then(() => {
      folder.isKnown = true;
      for (const [name, removed] of folder.names) {
        if (removed <= begun) folder.names.delete(name);
      }
    });
    const sync = { begun, ended };
    folder.sync = sync;
    const end = () => {
      if (folder.sync === sync) folder.sync = undefined;
    };
    ended.then(end, end);
  }

  #folderOf({ id }: SpoolPath): Folder {
    const key = id.slice(0, Math.max(0, id.lastIndexOf('/')));
    const known = this.#folders.get(key);
    if (known !== undefined) return known;
    const folder: Folder = { isKnown: false, names: new Map(), sync: undefined };
    this.#folders.set(key, folder);
    return folder;
  }
}
