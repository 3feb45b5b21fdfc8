// Asks the store with objects of our own whether it works.
import type { ObjectStore } from '../store/object-store.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import { asFault, noAnswerFault } from './drain-faults.ts';

/** `passed`, a Fault that says why not, or `ended`: a stop or a new store has ended the trial. */
export type TrialAnswer = 'passed' | 'ended' | Fault;

/**
 * Longer than a store should take. A file that waits for the answer keeps its slot for this time.
 */
const TIMEOUT_MS = 30_000;
/** How many folders are asked at most for one answer. */
const FOLDERS_MAX = 4;

/**
 * Runs trials, each with a time limit of 30 s. Answers of a replaced store, or after a stop, are
 * ignored. Nothing rejects: a failure is an answer.
 */
export class StoreTrial {
  readonly #clock: Clock;
  #store: ObjectStore;
  #ending = new AbortController();
  #asked: Promise<TrialAnswer> | undefined;
  #underWay = 0;
  /** The folder where an object of our own was accepted last. It is asked first. */
  #home = '';
  #answered: () => void = () => undefined;
  /** Resolves when a store has answered for the first time or has proved to be out of reach. */
  readonly firstAnswer = new Promise<void>((resolve) => {
    this.#answered = resolve;
  });

  constructor(clock: Clock, store: ObjectStore) {
    this.#clock = clock;
    this.#store = store;
  }

  /** True while an object of ours is being put. */
  get isAsking(): boolean {
    return this.#underWay > 0;
  }

  /** Ends running trials, and asks this store from now on. */
  setStore(store: ObjectStore): void {
    this.stop();
    this.#ending = new AbortController();
    this.#store = store;
    this.#home = '';
  }

  /** Ends running trials; nothing is asked any more. */
  stop(): void {
    this.#ending.abort();
    this.#asked = undefined;
  }

  /** Resolves with whether the store can be reached with these credentials. Puts nothing. */
  async reach(): Promise<TrialAnswer> {
    const answer = await this.#bounded((signal) => this.#store.probe(signal));
    this.#answered();
    return answer;
  }

  /**
   * Resolves with whether the store accepts an object of our own: below the prefix, or else in one
   * of the folders that `others` names, because credentials may be valid for some folders only.
   * Callers meanwhile get the same answer.
   */
  ask(others: () => readonly string[]): Promise<TrialAnswer> {
    if (this.#asked !== undefined) return this.#asked;
    const asked = this.#askAround(others).finally(() => {
      if (this.#asked === asked) this.#asked = undefined;
    });
    this.#asked = asked;
    return asked;
  }

  /** Resolves with whether the store accepts an object of our own in this folder. */
  async askFolder(folder: string): Promise<TrialAnswer> {
    this.#underWay += 1;
    const answer = await this.#bounded((signal) => this.#store.trial(Buffer.from(folder, 'latin1'), signal));
    this.#underWay -= 1;
    return answer;
  }

  async #askAround(others: () => readonly string[]): Promise<TrialAnswer> {
    const first = await this.#askHome(this.#home);
    // Without an answer, other folders would say no more.
    if (typeof first === 'string' || first.faultClass === 'transient') return first;
    const folders = new Set(['', ...others()]);
    folders.delete(this.#home);
    for (const folder of [...folders].slice(0, FOLDERS_MAX)) {
      const answer = await this.#askHome(folder);
      if (typeof answer === 'string') return answer;
    }
    return first;
  }

  async #askHome(folder: string): Promise<TrialAnswer> {
    const answer = await this.askFolder(folder);
    if (answer === 'passed') this.#home = folder;
    return answer;
  }

  async #bounded(run: (signal: AbortSignal) => Promise<void>): Promise<TrialAnswer> {
    const ending = this.#ending.signal;
    if (ending.aborted) return 'ended';
    const trial = new AbortController();
    const end = () => trial.abort(ending.reason);
    ending.addEventListener('abort', end, { once: true });
    const cancel = this.#clock.schedule(TIMEOUT_MS, () => trial.abort(noAnswerFault(TIMEOUT_MS)));
    const over = new Promise<never>((_, reject) => {
      trial.signal.addEventListener('abort', () => reject(trial.signal.reason), { once: true });
    });
    try {
      await Promise.race([run(trial.signal), over]);
      return 'passed';
    } catch (error) {
      return ending.aborted ? 'ended' : asFault(error);
    } finally {
      cancel();
      ending.removeEventListener('abort', end);
    }
  }
}
