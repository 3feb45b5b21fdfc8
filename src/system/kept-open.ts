// What the config opens, changes and closes, such as a listener, and what must not keep the rest of
// the daemon from its work when it fails.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from './clock.ts';
import type { Prepared } from './prepared.ts';
import { Repeat } from './repeat.ts';

export interface Openable<Options> {
  isOpen(): boolean;
  /**
   * Opens it, or changes it while it is open. Rejects, and what was in force before stays so if it
   * can.
   */
  serve(options: Options): Promise<void>;
  /** May be called at any time except during serve(). */
  close(): Promise<void>;
}

export interface KeptOpenEvents {
  /** It cannot be opened now. Not called for what prepare() rejects with. */
  onFailure(error: unknown): void;
  /** It has been opened, changed or closed. */
  onChange(): void;
}

/** The wait after a failure. It doubles with each further one. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;

/**
 * Keeps something open as the options say, `undefined` for off. start() and stop() pair up. In
 * between, one prepare() at a time changes the options. Monotonic clock.
 */
export class KeptOpen<Options> {
  readonly #it: Openable<Options>;
  readonly #events: KeptOpenEvents;
  readonly #retrying: Repeat;
  /** Those in force. */
  #options: Options | undefined;
  /** True if what is open was opened with the options in force. */
  #isInForce = false;
  #isStopped = false;
  #retryMs = RETRY_MS;

  constructor(clock: Clock, it: Openable<Options>, events: KeptOpenEvents) {
    this.#it = it;
    this.#events = events;
    this.#retrying = new Repeat(
      clock,
      () => this.#tryAgain(),
      () => (this.#hasFailed ? this.#retryMs : Number.POSITIVE_INFINITY),
    );
  }

  /** True while it is open with the options in force. */
  get isOpen(): boolean {
    return this.#isInForce && this.#it.isOpen();
  }

  /** Resolves after the first attempt. Never rejects: what cannot be opened is tried again. */
  async start(options: Options | undefined): Promise<void> {
    this.#isStopped = false;
    this.#options = options;
    await this.#tryAgain();
    this.#retrying.start();
  }

  /**
   * Tries out new options. Rejects as serve() does, and the old options stay in force. Options that
   * have failed before are not tried out, so that they do not keep an unrelated change from taking
   * effect.
   */
  async prepare(options: Options | undefined): Promise<Prepared> {
    await this.#retrying.stop();
    const isTried = options !== undefined && !(this.#hasFailed && isDeepStrictEqual(options, this.#options));
    try {
      if (isTried) await this.#it.serve(options);
    } catch (error) {
      const wasLost = this.#isInForce && !this.#it.isOpen();
      if (!this.#isInForce) await this.#it.close();
      if (wasLost) this.#events.onFailure(error);
      this.#resume();
      throw error;
    }
    return {
      commit: async () => {
        this.#options = this.#isStopped ? undefined : options;
        this.#isInForce = isTried;
        if (this.#options === undefined) await this.#it.close();
        this.#resume();
        if (this.#hasFailed) this.#retrying.now();
        else if (!this.#isStopped) this.#events.onChange();
      },
      discard: async () => {
        if (isTried) await this.#goBack();
        this.#resume();
      },
    };
  }

  /** Call when it has ended by itself. It is opened again after a while. */
  lost(): void {
    this.#retrying.soon();
  }

  /** Resolves when it is closed, which is not told as a change. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#options = undefined;
    await this.#retrying.stop();
    this.#isInForce = false;
    await this.#it.close();
  }

  #resume(): void {
    if (!this.#isStopped) this.#retrying.start();
  }

  get #hasFailed(): boolean {
    return this.#options !== undefined && !this.isOpen;
  }

  async #goBack(): Promise<void> {
    this.#isInForce = false;
    if (this.#options === undefined) await this.#it.close();
    else await this.#tryAgain();
  }

  async #tryAgain(): Promise<void> {
    if (this.#options === undefined || this.isOpen) return;
    try {
      await this.#it.serve(this.#options);
      this.#isInForce = true;
      this.#retryMs = RETRY_MS;
      this.#events.onChange();
    } catch (error) {
      this.#events.onFailure(error);
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
    }
  }
}
