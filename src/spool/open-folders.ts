// Keeps folders of the spool open from one of their files to the next.
import { openFilesMax } from '../system/capabilities.ts';
import type { SpoolPath } from './entry.ts';
import { componentsOf, type OpenDirectory } from './open-directory.ts';

/** Each holds a descriptor. Beyond this, the folder that was used longest ago is closed. */
const KEPT_MAX = 64;

interface OpenFolder {
  readonly folder: OpenDirectory;
  users: number;
  isKept: boolean;
}

/**
 * The folders below a root, on the way to its files.
 * Invariant: a folder that is used was at its path, without a link on the way, when its use began.
 * An open folder keeps its inode, so device and inode tell whether it is still the same.
 */
export class OpenFolders {
  readonly #root: OpenDirectory;
  readonly #keptMax = Math.min(KEPT_MAX, Math.floor(openFilesMax() / 16));
  /** By path, the one used longest ago first. */
  readonly #kept = new Map<string, OpenFolder>();

  constructor(root: OpenDirectory) {
    this.#root = root;
  }

  /** Does what inParent() does, without opening folders anew for each file. */
  async inParent<T>(path: SpoolPath, use: (parent: OpenDirectory, name: Buffer) => Promise<T>): Promise<T> {
    const components = componentsOf(path);
    if (components.length === 1) return use(this.#root, path.bytes);
    const name = components.pop() ?? Buffer.alloc(0);
    const entered: OpenFolder[] = [];
    try {
      let parent = this.#root;
      let id = '';
      for (const component of components) {
        id += `${component.toString('latin1')}/`;
        const opened = await this.#enter(parent, component, id);
        entered.push(opened);
        parent = opened.folder;
      }
      return await use(parent, name);
    } finally {
      for (const opened of entered) await this.#leave(opened);
    }
  }

  /** Call when the folder has been removed, so that the kernel can forget it. */
  async forget(path: SpoolPath): Promise<void> {
    await this.#drop(`${path.id}/`);
  }

  /** Call when no file is on its way any more. */
  async close(): Promise<void> {
    for (const id of this.#kept.keys()) await this.#drop(id);
  }

  async #enter(parent: OpenDirectory, name: Buffer, id: string): Promise<OpenFolder> {
    return (await this.#enterKept(parent, name, id)) ?? this.#open(parent, name, id);
  }

  async #enterKept(parent: OpenDirectory, name: Buffer, id: string): Promise<OpenFolder | undefined> {
    const opened = this.#kept.get(id);
    if (opened === undefined) return undefined;
    opened.users += 1;
    try {
      const present = parent.lookUpNow(name);
      if (present?.ino === opened.folder.ino && present.dev === opened.folder.dev) {
        if (opened.isKept) this.#noteUse(id, opened);
        return opened;
      }
      if (opened.isKept) await this.#drop(id);
    } catch (error) {
      await this.#leave(opened);
      throw error;
    }
    await this.#leave(opened);
    return undefined;
  }

  async #open(parent: OpenDirectory, name: Buffer, id: string): Promise<OpenFolder> {
    const folder = await parent.openDirectory(name);
    const opened = { folder, users: 1, isKept: false };
    // On another file system, which may be unmounted at any time, nothing can be removed.
    if (folder.dev !== this.#root.dev) return opened;
    const dropped = this.#drop(id);
    opened.isKept = true;
    this.#noteUse(id, opened);
    await dropped;
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#keptMax && oldest !== undefined) await this.#drop(oldest);
    return opened;
  }

  #noteUse(id: string, opened: OpenFolder): void {
    this.#kept.delete(id);
    this.#kept.set(id, opened);
  }

  async #drop(id: string): Promise<void> {
    const opened = this.#kept.get(id);
    if (opened === undefined) return;
    this.#kept.delete(id);
    opened.isKept = false;
    if (opened.users === 0) await opened.folder.close();
  }

  async #leave(opened: OpenFolder): Promise<void> {
    opened.users -= 1;
    if (opened.users === 0 && !opened.isKept) await opened.folder.close();
  }
}
