// Makes sure that a power cut cannot bring back an older file after a newer one of the same name
// was uploaded.
//
// A removal becomes durable some time after it is done. Until then, a power cut may bring the file
// back, whole, and it is uploaded once more. That is harmless unless a newer file of the same name
// was uploaded meanwhile and `s3.conflict: overwrite` lets the old bytes replace the new ones. On
// ext4 and xfs, the fsync of the newer file also commits the older removal, because the journal
// keeps their order. On btrfs it does not: v1 was removed; v2 came, was synced and removed; a third
// file was synced; after the power cut, v1 was back. Syncing the folder helps on all of them.
import type { SpoolPath } from './entry.ts';

/** Beyond this many, all names are forgotten, and each folder is synced once more. */
const NAMES_MAX = 20_000;

interface Syncable {
  sync(): Promise<void>;
}

interface Folder {
  /**
   * True if `names` holds every removal that is not durable. False at first, because the removals
   * of an earlier process are not known.
   */
  isKnown: boolean;
  /** The removed names. The value is the counter at the removal. */
  readonly names: Map<string, number>;
  /** The last sync that was begun. */
  sync: { readonly begun: number; readonly ended: Promise<void> } | undefined;
}

/**
 * Remembers removals that may not be durable yet, by folder.
 * Invariant: a file is opened only after the removal of every earlier file of its name is durable.
 */
export class RemovedNames {
  readonly #folders = new Map<string, Folder>();
  #counter = 0;
  #kept = 0;

  /** Call before the file at `path` loses its name. */
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
   * Resolves when no earlier file can come back to `path`, which lies in `parent`. Returns
   * undefined if none could. Rejects with the system error. Cannot be cancelled.
   */
  settle(path: SpoolPath, parent: Syncable): Promise<void> | undefined {
    const folder = this.#folderOf(path);
    const removed = folder.names.get(path.id);
    if (folder.isKnown && removed === undefined) return undefined;
    // Files of one folder share a sync, unless it was begun before this file's removal.
    if (folder.sync === undefined || folder.sync.begun < (removed ?? 0)) this.#begin(folder, parent);
    return folder.sync?.ended;
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
