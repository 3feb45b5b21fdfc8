// A look at a spool that leaves it as it is: no lock is taken, no folder is made, nothing is tried
// out. A daemon may drain the spool meanwhile.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../system/fault.ts';
import type { SpoolPath } from './entry.ts';
import { inParent, type OpenDirectory } from './open-directory.ts';
import { NO_VIEW, type WriterView } from './open-writers.ts';
import { openRoot, PRIVATE_FOLDER } from './private-folder.ts';
import type { WalkedSpool } from './spool-directory.ts';

/** The unit lets the daemon ask about the writers of any file. */
const ASSUMED_VIEW: WriterView = { ...NO_VIEW, tells: () => true };

/** A spool that is looked at. Methods reject with a Fault or the system error. */
export class SpoolGlance {
  readonly #root: OpenDirectory;
  readonly #walked: WalkedSpool;

  private constructor(root: OpenDirectory, walked: WalkedSpool) {
    this.#root = root;
    this.#walked = walked;
  }

  /** Rejects with Fault `breaker` if there is no such folder. */
  static async open(path: string): Promise<SpoolGlance> {
    const root = await openRoot(path);
    // Without a private folder, none is met on the way. The root is not met either.
    const found = await root.lookUp(PRIVATE_FOLDER);
    const privateFolder = found ?? root;
    const clearProbes = () => Promise.resolve();
    return new SpoolGlance(root, { root, privateFolder, writers: ASSUMED_VIEW, clearProbes });
  }

  /** Runs `walk` over the folders of the spool. */
  whileThere<T>(walk: (spool: WalkedSpool) => Promise<T>): Promise<T> {
    return walk(this.#walked);
  }

  /** The errno with which the file cannot be read by this user; undefined if it can be. */
  async unreadable(path: SpoolPath): Promise<string | undefined> {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    try {
      await inParent(this.#root, path, async (parent, name) => (await open(parent.at(name), flags)).close());
      return undefined;
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      return code;
    }
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}
