// The two descriptors a spool is worked through, kept open for as long as anything uses a path through them:
// a descriptor's number is given out again once closed, and the path would lead somewhere else.
import { Fault } from '../system/fault.ts';
import type { OpenDirectory } from './open-directory.ts';

export class HeldDirectories {
  readonly root: OpenDirectory;
  /** `.halfpipe/` */
  readonly home: OpenDirectory;
  #users = 0;
  #closing: { promise: Promise<void>; idle: () => void } | undefined;

  constructor(root: OpenDirectory, home: OpenDirectory) {
    this.root = root;
    this.home = home;
  }

  /** Runs `use`; close() waits for it. Raises Fault `changed` once close() has been called. */
  async run<T>(use: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      const subject = 'the spool';
      throw new Fault('changed', 'the spool has been closed', { operation: 'use', subject, code: 'closed' });
    }
    this.#users++;
    try {
      return await use();
    } finally {
      this.#users--;
      if (this.#users === 0) (this.#closing as { idle: () => void } | undefined)?.idle();
    }
  }

  /** Resolves when everything running has ended and both are closed. */
  async close(): Promise<void> {
    if (this.#closing === undefined) {
      let idle = () => {};
      const promise = new Promise<void>((resolve) => {
        idle = resolve;
      }).then(async () => {
        await this.home.close();
        await this.root.close();
      });
      this.#closing = { promise, idle };
      if (this.#users === 0) idle();
    }
    await this.#closing.promise;
  }
}
