// The two descriptors a spool is worked through, kept open for as long as anything uses a path through them:
// a descriptor's number is given out again once closed, and the path would lead somewhere else.
import { Fault } from '../system/fault.ts';
import type { OpenDirectory } from './open-directory.ts';

export class HeldDirectories {
  readonly root: OpenDirectory;
  /** `.halfpipe/` */
  readonly home: OpenDirectory;
  #users = 0;
  #onIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(root: OpenDirectory, home: OpenDirectory) {
    this.root = root;
    this.home = home;
  }

  /** Runs `use`; close() waits for it. Raises Fault `changed` once close() has been called. */
  async run<T>(use: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      const subject = 'the spool';
      throw new Fault('changed', 'the spool has been closed', { operation: 'use', subject, code: 'closed' });
    }
    this.#users++;
    try {
      return await use();
    } finally {
      this.#users--;
      if (this.#users === 0) this.#onIdle?.();
    }
  }

  /** Resolves when everything running has ended and both are closed. */
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
    await this.home.close();
    await this.root.close();
  }
}
