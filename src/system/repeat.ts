// Repeats work on the clock. All loops of the stages use it, so that they end in the same way, and
// none stops because one run failed.
import type { Clock } from './clock.ts';

/** The work. The signal aborts when the loop is stopped. */
export type Run = (signal: AbortSignal) => void | Promise<void>;

/**
 * How long to wait, in ms: 0 or less means at once, Infinity means until soon() or now(). A
 * function is asked at the start and after each run, so its answer must reflect everything that
 * makes a run necessary.
 */
export type Pause = number | (() => number);

/**
 * Runs never overlap, and the pause begins when a run has ended. An error that a run throws is not
 * caught here, and the next run is still planned. Monotonic clock.
 */
export class Repeat {
  readonly #clock: Clock;
  readonly #run: Run;
  readonly #pause: () => number;
  /** Defined from start to stop. */
  #ending: AbortController | undefined;
  #isRunning = false;
  /** The end of an asynchronous run. */
  #ended: Promise<void> | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, run: Run, pause: Pause) {
    this.#clock = clock;
    this.#run = run;
    this.#pause = typeof pause === 'number' ? () => pause : pause;
  }

  get isStarted(): boolean {
    return this.#ending !== undefined;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The first run comes after a pause. Does nothing if already started. */
  start(): void {
    if (this.isStarted) return;
    this.#ending = new AbortController();
    this.soon();
  }

  /** The first run begins within this call. Does nothing if already started. */
  startNow(): void {
    if (this.isStarted) return;
    this.#ending = new AbortController();
    this.now();
  }

  /**
   * Plans the next run in `ms` [a pause] at the latest; an earlier plan stays. Does nothing if not
   * started, or during a run, because the pause is asked for after it.
   */
  soon(ms?: number): void {
    if (!this.isStarted || this.#isRunning) return;
    const inMs = Math.max(0, ms ?? this.#pause());
    const dueAtMs = this.#clock.monotonicMs() + inMs;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#unplan();
    this.#dueAtMs = dueAtMs;
    this.#cancel = this.#clock.schedule(inMs, () => this.now());
  }

  /** Begins a run within this call. Does nothing if not started, or during a run. */
  now(): void {
    if (this.#ending === undefined || this.#isRunning) return;
    this.#unplan();
    this.#isRunning = true;
    try {
      const run = this.#run(this.#ending.signal);
      if (run instanceof Promise) this.#ended = run.finally(() => this.#end());
    } finally {
      if (this.#ended === undefined) this.#end();
    }
  }

  /**
   * Aborts the running work and plans no other. Resolves when that run has ended; rejects with its
   * error. The loop may be started again.
   */
  async stop(): Promise<void> {
    this.#ending?.abort();
    this.#ending = undefined;
    this.#unplan();
    await this.#ended;
  }

  #end(): void {
    this.#isRunning = false;
    this.#ended = undefined;
    this.soon();
  }

  #unplan(): void {
    this.#cancel();
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }
}
