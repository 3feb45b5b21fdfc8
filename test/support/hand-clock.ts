// A clock that moves only when a test says so; everything due is called in order on the way.
import type { Clock } from '../../src/system/clock.ts';

interface Alarm {
  readonly atMs: number;
  readonly ring: () => void;
}

export class HandClock implements Clock {
  #nowMs = 0;
  #alarms: Alarm[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  schedule(ms: number, ring: () => void): () => void {
    const alarm = { atMs: this.#nowMs + ms, ring };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.schedule(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        reject(signal.reason);
      });
    });
  }

  /** Time passes and every alarm rings at its moment; promises settle in between. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (let next = this.#takeDue(endMs); next !== undefined; next = this.#takeDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.ring();
      await settled();
    }
    this.#nowMs = endMs;
    await settled();
  }

  /** Time passes while the process stands still: what became due rings late, once it goes on. */
  async freeze(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.pass(0);
  }

  #takeDue(untilMs: number): Alarm | undefined {
    const due = this.#alarms.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
    this.#alarms = this.#alarms.filter((alarm) => alarm !== due);
    return due;
  }
}

/** Resolves after every promise reaction that is already possible. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
