// The two descriptors through which all work in a spool is done.
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { FileCalls, POOLED } from './file-calls.ts';
import type { OpenDirectory } from './open-directory.ts';
import { OpenFolders } from './open-folders.ts';
import { NO_VIEW, type WriterView } from './open-writers.ts';
import { openPrivateFolder, openRoot, probe } from './private-folder.ts';
import { tellsWriters } from './writer-trial.ts';

/**
 * The spool's root and its private folder, held open for as long as anything uses a path through
 * them. The kernel reuses the number of a closed descriptor, so a path through it would lead
 * somewhere else.
 */
export class PinnedDirectories {
  readonly root: OpenDirectory;
  /** `.halfpipe/` */
  readonly privateFolder: OpenDirectory;
  /** Answers questions about open writers on this file system. */
  readonly writers: WriterView;
  readonly calls: FileCalls;
  readonly folders: OpenFolders;
  #users = 0;
  #onIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    root: OpenDirectory,
    privateFolder: OpenDirectory,
    writers: WriterView,
    calls: FileCalls,
  ) {
    this.root = root;
    this.privateFolder = privateFolder;
    this.writers = writers;
    this.calls = calls;
    this.folders = new OpenFolders(root);
  }

  /**
   * Opens both folders and tries out what removal needs. `vet` may refuse the root first. Rejects
   * with Fault `breaker`, or as `vet` does.
   */
  static async attach(
    path: string,
    writers: WriterView,
    clock: Pick<Clock, 'monotonicMs'>,
    vet?: (root: OpenDirectory) => Promise<void>,
  ): Promise<PinnedDirectories> {
    const root = await openRoot(path);
    try {
      await vet?.(root);
      const privateFolder = await openPrivateFolder(root, path);
      try {
        await probe(root, privateFolder, path);
        const tells = await tellsWriters(privateFolder, writers);
        if (!tells) writers.distrust();
        const calls = await FileCalls.on(root.at('.'), clock);
        return new PinnedDirectories(root, privateFolder, tells ? writers : NO_VIEW, calls);
      } catch (error) {
        await privateFolder.close();
        throw error;
      }
    } catch (error) {
      await root.close();
      throw error;
    }
  }

  /** Takes over two folders that are open, and answers no question about writers. */
  static of({ root, privateFolder }: Pick<PinnedDirectories, 'root' | 'privateFolder'>): PinnedDirectories {
    return new PinnedDirectories(root, privateFolder, NO_VIEW, POOLED);
  }

  /**
   * Runs `use`, and close() waits for it. Rejects with Fault `changed` once close() has been
   * called.
   */
  async run<T>(use: () => Promise<T>): Promise<T> {
    this.enter();
    try {
      return await use();
    } finally {
      this.leave();
    }
  }

  /**
   * close() waits until the returned function is called, once. Throws Fault `changed` once close()
   * has been called.
   */
  hold(): () => void {
    this.enter();
    return () => this.leave();
  }

  /** close() waits until leave() is called. Throws Fault `changed` once it has been called. */
  enter(): void {
    if (this.#closed !== undefined) throw closedFault();
    this.#users += 1;
  }

  /** Call once for each enter(). */
  leave(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#onIdle?.();
  }

  /** Resolves when all running work has ended and both folders are closed. */
  close(): Promise<void> {
    this.#closed ??= this.#closeWhenIdle();
    return this.#closed;
  }

  async #closeWhenIdle(): Promise<void> {
    if (this.#users > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.folders.close();
    await this.privateFolder.close();
    await this.root.close();
  }
}

export function closedFault(): Fault {
  const subject = 'the spool';
  return new Fault('changed', 'the spool has been closed', { operation: 'use', subject, code: 'closed' });
}
