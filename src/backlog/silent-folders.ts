// Keeps a scan going past folders whose disk or server does not answer.

import type { SpoolPath } from '../spool/entry.ts';
import type { Clock } from '../system/clock.ts';

/**
 * A disk spins up within 10 s. A server that restarts takes longer, and its folders are found again
 * later.
 */
const SILENT_AFTER_MS = 12_000;
/**
 * Each call that does not return blocks a thread of the pool, which has 4 (16 in the unit), and
 * files need threads as well. Beyond this limit, the scan waits and reports for what.
 */
const GIVEN_UP_MAX = 2;
/** How often it is looked whether a thread that reads folders goes on. */
const LOOK_MS = 1_000;
/** At a stop, a call gets this much time. A call that is only slow then closes what it opened. */
const STOP_GRACE_MS = 1_000;

const ignore = () => undefined;

/** What the scan waits for at this moment. */
export interface Waiting {
  readonly path: SpoolPath;
  readonly sinceMs: number;
}

/** Where a thread is that reads one folder after another. */
export interface Reading {
  /** Changes with every answer. */
  readonly steps: number;
  readonly path: SpoolPath;
}

export interface Closable {
  close(): Promise<void>;
}

/** A folder did not answer in time and was given up. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/**
 * Waits for each file system call for 12 s (monotonic clock). Then the scan continues without the
 * folder until the call returns. A call itself cannot be cancelled: it keeps its thread.
 */
export class SilentFolders {
  readonly #clock: Clock;
  readonly #onAnswer: () => void;
  /** By path: the end of the call that has not returned. */
  readonly #givenUp = new Map<string, Promise<void>>();
  #waiting: Waiting | undefined;
  #isStopping = false;
  #end: () => void = () => undefined;

  /** `onAnswer` is called when a folder that was given up answers again. */
  constructor(clock: Clock, onAnswer: () => void) {
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  /** The folder that is being read and has been silent for too long, if there is one. */
  get overdue(): SpoolPath | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    return this.#clock.monotonicMs() - waiting.sinceMs >= SILENT_AFTER_MS ? waiting.path : undefined;
  }

  /** True if the folder was given up and must not be touched. */
  has({ id }: Pick<SpoolPath, 'id'>): boolean {
    return this.#givenUp.has(id);
  }

  /** Names of the folders that were given up. */
  get givenUp(): Iterable<string> {
    return this.#givenUp.keys();
  }

  /**
   * From now on, no call is waited for longer than a second, not even one that reads the spool's
   * root. Call the returned function when the last scan has ended.
   */
  stop(): () => void {
    this.#isStopping = true;
    const waitedMs = this.#clock.monotonicMs() - (this.#waiting?.sinceMs ?? 0);
    return this.#clock.schedule(Math.max(0, STOP_GRACE_MS - waitedMs), () => this.#end());
  }

  /**
   * Resolves with the result of `call`, which reads the folder `path`. Rejects with NoAnswer when
   * the call takes too long and the folder can be given up; `late` then gets the result when it
   * comes. Also rejects as `call` does.
   */
  async within<T>(path: SpoolPath, call: () => Promise<T>, late: (result: T) => unknown): Promise<T> {
    this.#waiting = { path, sinceMs: this.#clock.monotonicMs() };
    const answer = call();
    let cancel: () => void = () => undefined;
    const silence = new Promise<never>((_, reject) => {
      const giveUp = () => {
        const ended = answer.then(late).then(ignore, ignore);
        this.#givenUp.set(path.id, ended);
        void ended.finally(() => this.#answered(path));
        reject(new NoAnswer(`${path} does not answer`));
      };
      this.#end = giveUp;
      cancel = this.#clock.schedule(this.#isStopping ? STOP_GRACE_MS : SILENT_AFTER_MS, () => {
        if (this.#isStopping || this.#canGiveUp(path)) giveUp();
      });
    });
    try {
      return await Promise.race([answer, silence]);
    } finally {
      cancel();
      this.#waiting = undefined;
      this.#end = () => undefined;
    }
  }

  /**
   * Like within(), for a thread that reads many folders and ends with `ended`. `reading` tells
   * where it is. After NoAnswer, the folder counts as given up until the thread has ended.
   */
  async follow<T>(reading: () => Reading, ended: Promise<T>): Promise<T> {
    let cancel: () => void = () => undefined;
    const silence = new Promise<never>((_, reject) => {
      let { steps, path } = reading();
      let sinceMs = this.#clock.monotonicMs();
      const giveUp = () => {
        this.#givenUp.set(path.id, ended.then(ignore, ignore));
        void ended.finally(() => this.#answered(path)).catch(ignore);
        reject(new NoAnswer(`${path} does not answer`));
      };
      const look = () => {
        const now = reading();
        if (now.steps !== steps) sinceMs = this.#clock.monotonicMs();
        ({ steps, path } = now);
        this.#waiting = { path, sinceMs };
        this.#end = giveUp;
        if (this.overdue !== undefined && this.#canGiveUp(path)) giveUp();
        else cancel = this.#clock.schedule(LOOK_MS, look);
      };
      look();
    });
    try {
      return await Promise.race([ended, silence]);
    } finally {
      cancel();
      this.#waiting = undefined;
      this.#end = () => undefined;
    }
  }

  /**
   * Closes what calls on the folder `path` use. If a call has not returned, it closes it in the
   * background when the call returns.
   */
  async close({ id }: SpoolPath, opened: Closable): Promise<void> {
    const unanswered = this.#givenUp.get(id);
    if (unanswered === undefined) return opened.close();
    void unanswered.then(() => opened.close()).catch(ignore);
  }

  /** The root of the spool cannot be given up. */
  #canGiveUp({ id }: SpoolPath): boolean {
    return id !== '' && this.#givenUp.size < GIVEN_UP_MAX;
  }

  #answered({ id }: SpoolPath): void {
    this.#givenUp.delete(id);
    this.#onAnswer();
  }
}
