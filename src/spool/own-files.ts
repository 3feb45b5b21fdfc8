// Larger files of our own, in a folder of the private folder. They are of no use to anyone before
// they are complete.
import { lstat, open, readdir } from 'node:fs/promises';
import type { FileIdentity } from './entry.ts';
import type { PinnedDirectories } from './pinned-directories.ts';
import { inSubfolders } from './private-folder.ts';
import { identityOf } from './spool-file.ts';
import { syncToDisk } from './sync-to-disk.ts';

/** A file that is being written. Call close() in any case. */
export interface OwnFile {
  /** Appends all of `bytes`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves with the file's identity when its content is durable. */
  end(): Promise<FileIdentity>;
  close(): Promise<void>;
}

/** Runs `use` on the open folders, and turns an error into a Fault. */
export type RunOnFolders = <T>(
  operation: string,
  name: string,
  use: (held: PinnedDirectories) => Promise<T>,
) => Promise<T>;

/** Methods reject with a Fault, and cannot be cancelled. */
export class OwnFiles {
  readonly #folder: string;
  readonly #run: RunOnFolders;

  constructor(folder: string, run: RunOnFolders) {
    this.#folder = folder;
    this.#run = run;
  }

  /**
   * The number of the file system that the file is in. A start of the machine may change it. For a
   * folder overlayfs tells another one.
   */
  dev(name: string): Promise<bigint> {
    return this.#run('look at', name, async ({ privateFolder }) => {
      const file = privateFolder.at(`${this.#folder}/${name}`);
      return (await lstat(file, { bigint: true })).dev;
    });
  }

  names(): Promise<string[]> {
    return this.#run('list', this.#folder, ({ privateFolder }) =>
      inSubfolders(privateFolder, () => readdir(privateFolder.at(this.#folder).toString())),
    );
  }

  /** Rejects with Fault `EEXIST` if there is such a file. */
  create(name: string): Promise<OwnFile> {
    return this.#run('create', name, async ({ privateFolder }) => {
      const at = () => open(privateFolder.at(`${this.#folder}/${name}`), 'wx', 0o600);
      const handle = await inSubfolders(privateFolder, at);
      return {
        write: (bytes) => this.#run('write', name, () => handle.writeFile(bytes)),
        end: () =>
          this.#run('write', name, async () => {
            await syncToDisk(handle);
            return identityOf(await handle.stat({ bigint: true }));
          }),
        close: () => handle.close(),
      };
    });
  }

  /** Resolves also if there is no such file. The removal is durable after sync(). */
  discard(name: string): Promise<void> {
    return this.#run('remove', name, async ({ privateFolder }) => {
      const place = `${this.#folder}/${name}`;
      if ((await privateFolder.lookUp(place)) !== undefined) await privateFolder.unlink(place);
    });
  }

  sync(): Promise<void> {
    return this.#run('sync', this.#folder, ({ privateFolder }) => privateFolder.syncDirectory(this.#folder));
  }
}
