// Asks a store whether it can be used. What an earlier store answers, or any store after a stop, decides nothing.
import type { ObjectStore } from '../store/object-store.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import { asFault, noAnswer } from './drain-faults.ts';

export interface ProbeOutcome {
  readonly onFailure: (fault: Fault) => void;
  /** The probe lasts until this has resolved, too. */
  readonly onAnswer: () => Promise<void>;
}

const PROBE_TIMEOUT_MS = 60_000;

export class StoreProbe {
  readonly #clock: Clock;
  #current: AbortController | undefined;
  #answered: () => void = () => undefined;
  /** Resolves when a store has answered for the first time, or has turned out to be out of reach. */
  readonly firstAnswer = new Promise<void>((resolve) => {
    this.#answered = resolve;
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  /** Resolves when the probe is over, whichever way; of one that was ended, nothing is heard. */
  async run(store: ObjectStore, { onFailure, onAnswer }: ProbeOutcome): Promise<void> {
    const probe = new AbortController();
    this.#current = probe;
    const fault = await this.#ask(store, probe);
    if (this.#current !== probe) return;
    if (fault === undefined) await onAnswer();
    else onFailure(fault);
    if (this.#current === probe) this.#current = undefined;
  }

  end(): void {
    this.#current?.abort();
    this.#current = undefined;
  }

  async #ask(store: ObjectStore, probe: AbortController): Promise<Fault | undefined> {
    const cancel = this.#clock.schedule(PROBE_TIMEOUT_MS, () => probe.abort(noAnswer(PROBE_TIMEOUT_MS)));
    try {
      await store.probe(probe.signal);
      return undefined;
    } catch (error) {
      return asFault(error);
    } finally {
      cancel();
      this.#answered();
    }
  }
}
