// A clock that stands still until a test moves it. Callbacks run in the order of their times, each at its own time.
import type { Clock } from '../../src/system/clock.ts';

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class SimClock implements Clock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #scheduled = new Set<Scheduled>();

  constructor(wallMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallMs(): number {
    return this.#monotonicMs + this.#wallOffsetMs;
  }

  /** Steps the wall clock only, as an operator or NTP would. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.schedule(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  schedule(ms: number, callback: () => void): () => void {
    const scheduled = {
      atMs: this.#monotonicMs + Math.max(0, ms),
      order: this.#order++,
      callback,
    };
    this.#scheduled.add(scheduled);
    return () => void this.#scheduled.delete(scheduled);
  }

  /** How many callbacks wait for their time. */
  get pending(): number {
    return this.#scheduled.size;
  }

  /** Lets `ms` pass. Between any two callbacks everything that was promised gets its turn. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await settlePromises();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#scheduled.delete(next);
      this.#monotonicMs = Math.max(this.#monotonicMs, next.atMs);
      next.callback();
      await settlePromises();
    }
    this.#monotonicMs = untilMs;
  }

  /** Lets `ms` pass while the process stands still: what fell due is called late, all at the end. */
  async freeze(ms: number): Promise<void> {
    this.#monotonicMs += ms;
    await this.advance(0);
  }

  #next(untilMs: number): Scheduled | undefined {
    let next: Scheduled | undefined;
    for (const scheduled of this.#scheduled) {
      if (scheduled.atMs > untilMs) continue;
      const isSooner =
        next === undefined ||
        scheduled.atMs < next.atMs ||
        (scheduled.atMs === next.atMs && scheduled.order < next.order);
      if (isSooner) next = scheduled;
    }
    return next;
  }
}

/** Long enough for chains of promises; involves no clock. */
export async function settlePromises(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
