// Opens the drain at startup and after a pause.

import type { Fault } from '../system/fault.ts';
import type { Blame } from './blame.ts';
import type { Destination } from './destination.ts';
import { STEP } from './detour.ts';

/**
 * At startup, the store has to answer. After a pause, it has to accept an object of our own or, if
 * it refuses only ours, a file. In both cases, the manifest has to take lines. One attempt runs at
 * a time; nothing rejects.
 */
export class Reopening {
  readonly #destination: Destination;
  readonly #blame: Blame;
  readonly #trouble: () => Promise<Fault | undefined>;
  #isUnderWay = false;
  /** How many files were sent to end pauses. The next pause uses another file. */
  #sent = 0;

  /** `trouble` resolves with what keeps files from being removed; see DrainManifest. */
  constructor(destination: Destination, blame: Blame, trouble: () => Promise<Fault | undefined>) {
    this.#destination = destination;
    this.#blame = blame;
    this.#trouble = trouble;
  }

  /**
   * `sendOne` sends a file taken at a place of the order, if no transfer is running, and resolves
   * when it has succeeded or failed. `onEnd` is called at the end.
   */
  async attempt(sendOne: (place: number) => Promise<void>, onEnd: () => void): Promise<void> {
    // One attempt at a time.
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    if (this.#destination.breaker.reason === undefined) await this.#start();
    else await this.#endPause(sendOne);
    this.#isUnderWay = false;
    onEnd();
  }

  async #start(): Promise<void> {
    const answer = await this.#destination.trial.reach();
    if (answer === 'ended') return;
    const fault = answer === 'passed' ? await this.#trouble() : answer;
    if (fault === undefined) this.#blame.resume();
    else this.#blame.pause(fault);
  }

  async #endPause(sendOne: (place: number) => Promise<void>): Promise<void> {
    const trouble = await this.#trouble();
    if (trouble !== undefined) return this.#blame.pause(trouble);
    const answer = await this.#blame.askAgain();
    if (answer === 'ended') return;
    if (answer === 'passed') return this.#blame.resume();
    // A store that answers may refuse only our objects.
    if (answer.faultClass !== 'transient') {
      await sendOne((this.#sent * STEP) % 1);
      this.#sent += 1;
    }
    if (this.#destination.breaker.reason === undefined) this.#blame.tookFileOnly();
    else this.#blame.pause(answer);
  }
}
