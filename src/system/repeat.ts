// One piece of work, again and again on the clock. The stages' loops are made of it, so that each
// of them ends in the same way, and none stops because one run failed.
import type { Clock } from './clock.ts';

/** The work. The signal aborts when the loop is stopped. */
export type Run = (signal: AbortSignal) => void | Promise<void>;

/**
 * How long to wait in ms; 0 or less is at once, Infinity is until `soon` or `now`. A function is
 * asked at the start and after each run: what makes a run necessary must show in its answer.
 */
export type Pause = number | (() => number);

/**
 * Runs never overlap, and the pause begins when a run has ended. Errors belong to the work: one
 * that a run throws is not caught here, and the next run is planned all the same.
 */
export class Repeat {
  readonly #clock: Clock;
  readonly #run: Run;
  readonly #pause: () => number;
  /** Defined from the start to the stop. */
  #ending: AbortController | undefined;
  #isRunning = false;
  /** Of an asynchronous run. */
  #ended: Promise<void> | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
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

  /** The first run comes after a pause. Does nothing when started already. */
  start(): void {
    if (this.isStarted) return;
    this.#ending = new AbortController();
    this.soon();
  }

  /** The first run begins within this call. Does nothing when started already. */
  startNow(): void {
    if (this.isStarted) return;
    this.#ending = new AbortController();
    this.now();
  }

  /**
   * The next run begins in `ms` [a pause] at the latest: one that is planned sooner stays. Does
   * nothing during a run, after which the pause is asked for anyway, and unless started.
   */
  soon(ms?: number): void {
    if (!this.isStarted || this.#isRunning) return;
    const inMs = Math.max(0, ms ?? this.#pause());
    const dueMs = this.#clock.monotonicMs() + inMs;
    if (dueMs >= this.#dueMs) return;
    this.#unplan();
    this.#dueMs = dueMs;
    this.#cancel = this.#clock.schedule(inMs, () => this.now());
  }

  /** A run begins within this call. Does nothing during a run, and unless started. */
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
   * Aborts the run in progress, and plans no other. Resolves when that run has ended, and rejects
   * with its error. May be started again.
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
    this.#dueMs = Number.POSITIVE_INFINITY;
  }
}
