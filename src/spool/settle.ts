// Decides whether a file is complete: nothing has happened to it for `settle`. Pure: both clocks are arguments.
// The wall clock alone would be fooled by a file system whose clock differs and by steps, so a file once seen
// unsettled is judged by the monotonic clock from then on.
import { type FileIdentity, sameContentIdentity } from './entry.ts';

/** Both clocks, read at one moment. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

interface Sighting {
  readonly identity: FileIdentity;
  readonly seenMonotonicMs: number;
  /** How long nothing had happened to it when first seen with this identity, as far as the wall clock could tell. */
  readonly quietMs: number;
  generation: number;
}

// About 250 bytes each. Files beyond are judged by the wall clock until a place is free.
const SIGHTINGS_MAX = 10_000;

/** NTP slews the clock by less than this between two looks; more is a step. */
const STEP_MS = 500;

export class Settle {
  #settleMs: number;
  readonly #sightingsMax: number;
  readonly #sightings = new Map<string, Sighting>();
  #generation = 0;
  /** From when on nothing has spoken against the wall clock, by the monotonic one; and how far apart they are. */
  #trusted: { readonly sinceMs: number; readonly offsetMs: number } | undefined;

  /** `settleMs` ≥ 0; 0 takes every file at once. */
  constructor(settleMs: number, sightingsMax: number = SIGHTINGS_MAX) {
    this.#settleMs = settleMs;
    this.#sightingsMax = sightingsMax;
  }

  /** The watch begins: without this, with the first file that is asked about. */
  begin(now: Moment): void {
    this.#trusted = { sinceMs: now.monotonicMs, offsetMs: now.wallMs - now.monotonicMs };
  }

  setSettleMs(settleMs: number): void {
    this.#settleMs = settleMs;
  }

  /**
   * Milliseconds until the file may be settled if nothing happens to it: 0 when it is, never more than `settle`.
   * `id` names the file from one scan to the next.
   */
  remainingMs(id: string, identity: FileIdentity, now: Moment): number {
    const sighting = this.#sightings.get(id);
    // A change of ctime alone (a chmod, another link of the file) is none of the content, and would keep it for ever.
    if (sighting === undefined || !sameContentIdentity(sighting.identity, identity)) {
      const quietMs = this.#quietMs(identity, now);
      this.#sightings.delete(id);
      if (quietMs >= this.#settleMs) return 0;
      this.#remember(id, identity, quietMs, now);
      return this.#settleMs - quietMs;
    }
    const quietMs = sighting.quietMs + Math.max(0, now.monotonicMs - sighting.seenMonotonicMs);
    const remainingMs = Math.max(0, this.#settleMs - quietMs);
    // Settled by both clocks, it stays so without being remembered.
    if (remainingMs === 0 && this.#quietMs(identity, now) >= this.#settleMs) this.#sightings.delete(id);
    else sighting.generation = this.#generation;
    return remainingMs;
  }

  /** Forgets the files that were not asked about since the last call. Call after each complete scan. */
  endScan(): void {
    for (const [id, { generation }] of this.#sightings) {
      if (generation !== this.#generation) this.#sightings.delete(id);
    }
    this.#generation++;
  }

  get trackedFiles(): number {
    return this.#sightings.size;
  }

  /**
   * By the wall clock, but no longer than was watched in the first `settle` after a start, or after the clock stepped
   * forward: a machine without a clock of its own starts, its producers write, and NTP then steps an hour ahead.
   */
  #quietMs(identity: FileIdentity, now: Moment): number {
    const offsetMs = now.wallMs - now.monotonicMs;
    if (this.#trusted === undefined || offsetMs - this.#trusted.offsetMs > STEP_MS)
      this.#trusted = { sinceMs: now.monotonicMs, offsetMs };
    else if (offsetMs !== this.#trusted.offsetMs) this.#trusted = { ...this.#trusted, offsetMs };
    const watchedMs = now.monotonicMs - this.#trusted.sinceMs;
    const quietMs = this.#byWallMs(identity, now);
    return watchedMs >= this.#settleMs ? quietMs : Math.min(quietMs, watchedMs);
  }

  #byWallMs(identity: FileIdentity, now: Moment): number {
    const touchedMs = Math.max(Number(identity.mtimeNs / 1_000_000n), Number(identity.ctimeNs / 1_000_000n));
    // A time stamp in the future says nothing about how long ago it was.
    return Math.max(0, now.wallMs - touchedMs);
  }

  #remember(id: string, identity: FileIdentity, quietMs: number, now: Moment): void {
    if (this.#sightings.size >= this.#sightingsMax) return;
    this.#sightings.set(id, {
      identity,
      quietMs,
      seenMonotonicMs: now.monotonicMs,
      generation: this.#generation,
    });
  }
}
