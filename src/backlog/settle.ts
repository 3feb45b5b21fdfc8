// Decides whether a file is complete: nothing has happened to it for as long as `settle` and
// patience ask for. Deterministic: both clocks are arguments. The wall clock alone would be fooled
// by a file system whose clock differs and by steps, so a file once seen unsettled is judged by the
// monotonic clock from then on.
import { type FileIdentity, sameContentIdentity } from '../spool/entry.ts';
import { type Arrival, LONGEST_MS, Patience, WHOLE } from './patience.ts';

/** Both clocks, read at one moment. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

interface Sighting {
  readonly identity: FileIdentity;
  readonly seenMonotonicMs: number;
  /** When it was first seen unsettled, with whatever identity. */
  readonly sinceMonotonicMs: number;
  /**
   * How long nothing had happened to it when first seen with this identity, as far as the wall
   * clock could tell.
   */
  readonly quietMs: number;
  generation: number;
}

// About 250 bytes each. Files beyond are judged by the wall clock until a place is free.
const SIGHTINGS_MAX = 10_000;

/** NTP slews the clock by less than this between two looks; more is a step. */
const STEP_MS = 500;

export class Settle {
  #settleMs: number;
  readonly patience = new Patience();
  readonly #sightingsMax: number;
  readonly #sightings = new Map<string, Sighting>();
  #generation = 0;
  /**
   * From when on nothing has spoken against the wall clock, by the monotonic one; and how far apart
   * they are.
   */
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
   * Milliseconds until the file may be settled if nothing happens to it: 0 when it is. `id` names
   * the file from one scan to the next.
   */
  remainingMs(id: string, identity: FileIdentity, now: Moment, arrival: Arrival = WHOLE): number {
    const sighting = this.#sightings.get(id);
    if (sighting === undefined && !arrival.isWhole) this.patience.appeared(id, now.monotonicMs);
    // A change of ctime alone (a chmod, another link of the file) is none of the content, and would
    // keep it for ever.
    if (sighting === undefined || !sameContentIdentity(sighting.identity, identity))
      return this.#changed(id, identity, now, arrival, sighting);
    const neededMs = this.#neededMs(id, arrival, sighting, now);
    const quietMs = sighting.quietMs + Math.max(0, now.monotonicMs - sighting.seenMonotonicMs);
    const remainingMs = Math.max(0, neededMs - quietMs);
    // Settled by both clocks, it stays so without being remembered.
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

  /** A file that changes for ever, but is quiet for settle now and then, goes in pieces, seldom. */
  #neededMs(id: string, arrival: Arrival, sighting: Sighting | undefined, now: Moment): number {
    const isOld = sighting !== undefined && now.monotonicMs - sighting.sinceMonotonicMs >= LONGEST_MS;
    return isOld ? this.#settleMs : this.patience.quietMs(id, this.#settleMs, arrival);
  }

  /**
   * Forgets the files that were not asked about since the last call. Call after each complete scan.
   */
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
   * By the wall clock, but no longer than was watched in the first `neededMs` after a start, or
   * after the clock stepped forward: a machine without a clock of its own starts, its producers
   * write, and NTP then steps an hour ahead.
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
    const touchedMs = Math.max(Number(identity.mtimeNs / 1_000_000n), Number(identity.ctimeNs / 1_000_000n));
    // A time stamp in the future says nothing about how long ago it was.
    return Math.max(0, now.wallMs - touchedMs);
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

/** Another file under the name, or the same one from its beginning again. */
function isRewritten(before: FileIdentity, now: FileIdentity): boolean {
  return before.ino !== now.ino || before.dev !== now.dev || now.sizeBytes < before.sizeBytes;
}
