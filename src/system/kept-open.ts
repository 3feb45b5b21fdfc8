// What the config opens, changes and closes, such as a listener, and what must not keep the rest of
// the daemon from its work when it fails.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from './clock.ts';
import type { Prepared } from './prepared.ts';
import { Repeat } from './repeat.ts';

export interface Openable<Options> {
  /** Opens it, or changes it while it is open. Rejects, and what was in force before stays so. */
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
  /** True while it is open with the options in force. */
  #isOpen = false;
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

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves after the first attempt. Never rejects: what cannot be opened is tried again. */
  async start(options: Options | undefined): Promise<void> {
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
      if (!this.#isOpen) await this.#it.close();
      this.#retrying.start();
      throw error;
    }
    return {
      commit: async () => {
        this.#options = options;
        this.#isOpen = isTried;
        if (options === undefined) await this.#it.close();
        this.#retrying.start();
        if (this.#hasFailed) this.#retrying.now();
        else this.#events.onChange();
      },
      discard: async () => {
        if (isTried) await this.#goBack();
        this.#retrying.start();
      },
    };
  }

  /** Call when it has ended by itself. It is opened again after a while. */
  lost(): void {
    this.#isOpen = false;
    this.#retrying.soon();
  }

  /** Resolves when it is closed, which is not told as a change. */
  async stop(): Promise<void> {
    this.#options = undefined;
    await this.#retrying.stop();
    this.#isOpen = false;
    await this.#it.close();
  }

  get #hasFailed(): boolean {
    return this.#options !== undefined && !this.#isOpen;
  }

  async #goBack(): Promise<void> {
    this.#isOpen = false;
    if (this.#options === undefined) await this.#it.close();
    else await this.#tryAgain();
  }

  async #tryAgain(): Promise<void> {
    if (this.#options === undefined || this.#isOpen) return;
    try {
      await this.#it.serve(this.#options);
      this.#isOpen = true;
      this.#retryMs = RETRY_MS;
      this.#events.onChange();
    } catch (error) {
      this.#events.onFailure(error);
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
    }
  }
}
