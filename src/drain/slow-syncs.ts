// A disk may take minutes to write down a large file. The drain waits for that and makes progress:
// a restart would only begin the wait anew. Not for ever: a disk that never answers is a
// standstill.
import type { Clock } from '../system/clock.ts';

/** 4 GiB of dirty memory at 7 MB/s, as a slow SD card writes. */
const PATIENCE_MS = 10 * 60_000;

export class SlowSyncs {
  readonly #clock: Clock;
  readonly #begunMs = new Set<{ readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one is under way that has not taken too long. */
  get areUnderWay(): boolean {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#begunMs].some(({ atMs }) => nowMs - atMs < PATIENCE_MS);
  }

  async run(sync: () => Promise<void>): Promise<void> {
    const begun = { atMs: this.#clock.monotonicMs() };
    this.#begunMs.add(begun);
    try {
      await sync();
    } finally {
      this.#begunMs.delete(begun);
    }
  }
}
