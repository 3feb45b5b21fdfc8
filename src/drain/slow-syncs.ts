// Keeps the watchdog from ending a slow sync.
import type { Clock } from '../system/clock.ts';

/** Enough for 4 GiB of dirty memory at 7 MB/s, the speed of a slow SD card. */
const PATIENCE_MS = 10 * 60_000;

/**
 * A disk may take minutes to write a large file. That counts as progress, because a restart would
 * only begin the wait again. After ten minutes (monotonic clock), it counts as a standstill.
 */
export class SlowSyncs {
  readonly #clock: Clock;
  readonly #begunAtMs = new Set<{ readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if a sync is running that has not taken too long. */
  get areUnderWay(): boolean {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#begunAtMs].some(({ atMs }) => nowMs - atMs < PATIENCE_MS);
  }

  /** Runs `sync` and counts it. Rejects as `sync` does. */
  async run(sync: () => Promise<void>): Promise<void> {
    const begun = { atMs: this.#clock.monotonicMs() };
    this.#begunAtMs.add(begun);
    try {
      await sync();
    } finally {
      this.#begunAtMs.delete(begun);
    }
  }
}
