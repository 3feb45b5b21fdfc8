// Folders of a disk or a server that does not answer: a call that does not return is waited for so
// long, then the scan goes on without the folder, until the call does return.

import type { SpoolPath } from '../spool/entry.ts';
import type { Clock } from '../system/clock.ts';

/**
 * A disk that spins up takes 10 s at the most; a server that is restarted takes longer, and is
 * found again.
 */
const SILENT_AFTER_MS = 12_000;
/**
 * Each call that does not return holds a thread of the pool, of which there are 4 (16 in the unit):
 * files have to be read, too. Beyond that the scan waits, and says for what.
 */
const GIVEN_UP_MAX = 2;
/** A stop waits this long for a call: one that is only slow closes what it opened. */
const STOP_GRACE_MS = 1_000;

const ignore = () => undefined;

/** What is waited for at this moment. */
export interface Waiting {
  readonly path: SpoolPath;
  readonly sinceMs: number;
}

export interface Closable {
  close(): Promise<void>;
}

export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export class SilentFolders {
  readonly #clock: Clock;
  readonly #onAnswer: () => void;
  /** By path, with the end of the call that has not returned. */
  readonly #givenUp = new Map<string, Promise<void>>();
  #waiting: Waiting | undefined;
  #isStopping = false;
  #end: () => void = () => undefined;

  /** `onAnswer`: a folder that had been given up answers again. */
  constructor(clock: Clock, onAnswer: () => void) {
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  /** The folder that is being read and has been silent for too long, if any. */
  get overdue(): SpoolPath | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    return this.#clock.monotonicMs() - waiting.sinceMs >= SILENT_AFTER_MS ? waiting.path : undefined;
  }

  /** Given up, and not to be touched. */
  has({ id }: SpoolPath): boolean {
    return this.#givenUp.has(id);
  }

  /**
   * From now on no call is waited for longer than a second, not even one that reads the spool
   * itself. Call what it returns when the last scan has ended.
   */
  stop(): () => void {
    this.#isStopping = true;
    const waitedMs = this.#clock.monotonicMs() - (this.#waiting?.sinceMs ?? 0);
    return this.#clock.schedule(Math.max(0, STOP_GRACE_MS - waitedMs), () => this.#end());
  }

  /**
   * The result of `call`, which reads the folder `path`. Rejects with NoAnswer when that takes too
   * long and the folder can be given up; `late` is then given what comes after all.
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
   * Closes what calls on the folder `path` use. A call that has not returned still uses it: then it
   * is closed in the background when the call does return.
   */
  async close({ id }: SpoolPath, opened: Closable): Promise<void> {
    const unanswered = this.#givenUp.get(id);
    if (unanswered === undefined) return opened.close();
    void unanswered.then(() => opened.close()).catch(ignore);
  }

  /** The spool itself cannot be done without. */
  #canGiveUp({ id }: SpoolPath): boolean {
    return id !== '' && this.#givenUp.size < GIVEN_UP_MAX;
  }

  #answered({ id }: SpoolPath): void {
    this.#givenUp.delete(id);
    this.#onAnswer();
  }
}
