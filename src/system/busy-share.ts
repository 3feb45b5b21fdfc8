// How busy the threads of this process are.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** Something with an event loop: a Worker. */
export interface Loop {
  readonly performance: { eventLoopUtilization(): EventLoopUtilization };
}

/**
 * Compares the event loop of this thread and that of `other`. A loop that works and one that waits
 * for the processor are both busy: neither has time for more.
 */
export class BusyShare {
  readonly #loops: readonly Loop[];
  #seen: readonly EventLoopUtilization[];

  constructor(other: Loop) {
    this.#loops = [{ performance }, other];
    this.#seen = this.#look();
  }

  /** The share of the time since the last call, 0 to 1, in which the busier loop was busy. */
  take(): number {
    const before = this.#seen;
    this.#seen = this.#look();
    return Math.max(...this.#seen.map((now, at) => shareBetween(before[at], now)));
  }

  #look(): EventLoopUtilization[] {
    return this.#loops.map((loop) => loop.performance.eventLoopUtilization());
  }
}

/** 0 before the loop has begun. */
function shareBetween(before: EventLoopUtilization | undefined, now: EventLoopUtilization): number {
  const active = now.active - (before?.active ?? 0);
  const all = active + now.idle - (before?.idle ?? 0);
  return all > 0 ? active / all : 0;
}
