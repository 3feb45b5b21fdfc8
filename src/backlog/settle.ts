// Decides whether a file is complete.
import { type FileIdentity, sameContentIdentity } from '../spool/entry.ts';
import { type Arrival, PATIENCE_MS_MAX, Patience, WHOLE } from './patience.ts';

/** Both clocks, read at the same moment. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

interface Sighting {
  readonly identity: FileIdentity;
  readonly seenMonotonicMs: number;
  /** When the file was first seen unsettled, with any identity. */
  readonly sinceMonotonicMs: number;
  /** How long the file had been quiet when first seen with this identity, by the wall clock. */
  readonly quietMs: number;
  generation: number;
}

// About 250 bytes each. Further files are judged by the wall clock until a place is free.
const SIGHTINGS_MAX = 10_000;

/** NTP changes the clock by less than this between two looks. A larger change is a step. */
const STEP_MS = 500;

/**
 * A file is complete when it has been quiet for as long as `settle` and patience require. Both
 * clocks are arguments, so this is deterministic. A step of the wall clock, or a file system with
 * another clock, would mislead the wall clock alone. So once a file was seen unsettled, the
 * monotonic clock decides.
 */
export class Settle {
  #settleMs: number;
  readonly patience = new Patience();
  readonly #sightingsMax: number;
  readonly #sightings = new Map<string, Sighting>();
  #generation = 0;
  /**
   * Since when (monotonic clock) the wall clock can be trusted, and how far apart the two clocks
   * are.
   */
  #trusted: { readonly sinceMs: number; readonly offsetMs: number } | undefined;

  /** `settleMs` ≥ 0. With 0, every file is complete at once. */
  constructor(settleMs: number, sightingsMax: number = SIGHTINGS_MAX) {
    this.#settleMs = settleMs;
    this.#sightingsMax = sightingsMax;
  }

  /** Starts the watch. Without this call, the watch starts with the first file. */
  begin(now: Moment): void {
    this.#trusted = { sinceMs: now.monotonicMs, offsetMs: now.wallMs - now.monotonicMs };
  }

  setSettleMs(settleMs: number): void {
    this.#settleMs = settleMs;
  }

  /**
   * Milliseconds until the file is complete if nothing happens to it; 0 when it is complete. `id`
   * identifies the file from one scan to the next.
   */
  remainingMs(id: string, identity: FileIdentity, now: Moment, arrival: Arrival = WHOLE): number {
    const sighting = this.#sightings.get(id);
    if (sighting === undefined && !arrival.isWhole) this.patience.appeared(id, now.monotonicMs);
    // A chmod or another link changes only ctime. That is not a change of content, and would keep
    // the file for ever.
    if (sighting === undefined || !sameContentIdentity(sighting.identity, identity))
      return this.#changed(id, identity, now, arrival, sighting);
    const neededMs = this.#neededMs(id, arrival, sighting, now);
    const quietMs = sighting.quietMs + Math.max(0, now.monotonicMs - sighting.seenMonotonicMs);
    const remainingMs = Math.max(0, neededMs - quietMs);
    // Both clocks call it settled, so it stays settled without being remembered.
    if (remainingMs === 0 && this.#quietMs(identity, now, neededMs) >= neededMs) this.#sightings.delete(id);
    else sighting.generation = this.#generation;
    return remainingMs;
  }

  #changed(
    id: string,
    identity: FileIdentity,
    now: Moment,
    arrival: Arrival,
    before: Sighting | undefined,
  ): number {
    if (before !== undefined && isRewritten(before.identity, identity)) this.patience.rewritten(id);
    const neededMs = this.#neededMs(id, arrival, before, now);
    const quietMs = this.#quietMs(identity, now, neededMs);
    this.#sightings.delete(id);
    if (quietMs >= neededMs) return 0;
    this.#remember(id, identity, quietMs, now, before?.sinceMonotonicMs ?? now.monotonicMs);
    return neededMs - quietMs;
  }

  /**
   * A file that never stops changing but is sometimes quiet for settle is uploaded in versions,
   * seldom.
   */
  #neededMs(id: string, arrival: Arrival, sighting: Sighting | undefined, now: Moment): number {
    const isOld = sighting !== undefined && now.monotonicMs - sighting.sinceMonotonicMs >= PATIENCE_MS_MAX;
    return isOld ? this.#settleMs : this.patience.quietMs(id, this.#settleMs, arrival);
  }

  /**
   * Call after each complete scan. Forgets the files that were not asked about since the last call.
   */
  endScan(): void {
    for (const [id, { generation }] of this.#sightings) {
      if (generation !== this.#generation) this.#sightings.delete(id);
    }
    this.#generation += 1;
  }

  get trackedFiles(): number {
    return this.#sightings.size;
  }

  /**
   * How long the file has been quiet, by the wall clock, but not longer than it was watched in the
   * first `neededMs` after a start or after the clock stepped forward. Example: a machine without a
   * hardware clock starts, its producers write, and then NTP steps an hour ahead.
   */
  #quietMs(identity: FileIdentity, now: Moment, neededMs: number): number {
    const offsetMs = now.wallMs - now.monotonicMs;
    if (this.#trusted === undefined || offsetMs - this.#trusted.offsetMs > STEP_MS)
      this.#trusted = { sinceMs: now.monotonicMs, offsetMs };
    else if (offsetMs !== this.#trusted.offsetMs) this.#trusted = { ...this.#trusted, offsetMs };
    const watchedMs = now.monotonicMs - this.#trusted.sinceMs;
    const quietMs = this.#byWallMs(identity, now);
    return watchedMs >= neededMs ? quietMs : Math.min(quietMs, watchedMs);
  }

  #byWallMs(identity: FileIdentity, now: Moment): number {
    const touchedAtMs = Math.max(
      Number(identity.mtimeNs / 1_000_000n),
      Number(identity.ctimeNs / 1_000_000n),
    );
    // A time stamp in the future does not say how long ago the change was.
    return Math.max(0, now.wallMs - touchedAtMs);
  }

  #remember(
    id: string,
    identity: FileIdentity,
    quietMs: number,
    now: Moment,
    sinceMonotonicMs: number,
  ): void {
    if (this.#sightings.size >= this.#sightingsMax) return;
    this.#sightings.set(id, {
      identity,
      quietMs,
      seenMonotonicMs: now.monotonicMs,
      sinceMonotonicMs,
      generation: this.#generation,
    });
  }
}

/** True if another file has the name, or the same file was truncated. */
function isRewritten(before: FileIdentity, now: FileIdentity): boolean {
  return before.ino !== now.ino || before.dev !== now.dev || now.sizeBytes < before.sizeBytes;
}
