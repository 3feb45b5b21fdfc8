// Entries that are to be tried again later.

import { type Entry, type FileIdentity, type SpoolPath, sameIdentity } from '../spool/entry.ts';
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';

export interface Delay {
  readonly deferForMs: number;
  /** When a file that is being written comes back if it changes before its time. */
  readonly whenChangedMs?: number | undefined;
}

export interface Deferral {
  readonly entry: Entry;
  readonly dueAtMs: number;
  /** When a file that is being written is due if it changes before its time. */
  readonly dueWhenChangedMs?: number | undefined;
}

// Entries that are due within this time are handed over together: a separate pass for each would
// add up.
const GRANULARITY_MS = 50;

/**
 * Holds entries until their time comes by the monotonic clock. It has no bound of its own; the
 * backlog takes entries out with takeLast().
 */
export class Deferrals {
  readonly #clock: Clock;
  readonly #onDue: (entries: readonly Entry[]) => void;
  readonly #byId = new Map<string, Deferral>();
  readonly #handOvers: Repeat;

  /**
   * `onDue` gets the entries whose time has come, at least one. They are no longer deferred then.
   */
  constructor(clock: Clock, onDue: (entries: readonly Entry[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#handOvers = new Repeat(
      clock,
      () => {
        const nowMs = clock.monotonicMs();
        this.#handOver(({ dueAtMs }) => dueAtMs <= nowMs);
      },
      () => this.#untilNextMs(),
    );
  }

  start(): void {
    this.#handOvers.start();
  }

  /** Nothing becomes due until the next start(). */
  stop(): void {
    void this.#handOvers.stop();
  }

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** How many of the files are being written. */
  get written(): number {
    let written = 0;
    for (const { dueWhenChangedMs } of this.#byId.values()) if (dueWhenChangedMs !== undefined) written += 1;
    return written;
  }

  *entries(): Generator<Entry> {
    for (const { entry } of this.#byId.values()) yield entry;
  }

  add(entry: Entry, { deferForMs, whenChangedMs }: Delay): void {
    const nowMs = this.#clock.monotonicMs();
    const dueWhenChangedMs = whenChangedMs === undefined ? undefined : nowMs + whenChangedMs;
    this.#put({ entry, dueAtMs: nowMs + deferForMs, dueWhenChangedMs });
  }

  /** Something happened to the file, or a scan saw it with this identity. */
  changed(id: string, identity?: FileIdentity): void {
    const deferral = this.#byId.get(id);
    if (deferral?.dueWhenChangedMs === undefined || deferral.dueWhenChangedMs >= deferral.dueAtMs) return;
    if (identity !== undefined && sameIdentity(identity, deferral.entry.identity)) return;
    this.#put({ ...deferral, dueAtMs: deferral.dueWhenChangedMs });
  }

  /** Takes out the entry that is due last, if there is one. */
  takeLast(): Deferral | undefined {
    let last: Deferral | undefined;
    for (const deferral of this.#byId.values())
      if (last === undefined || deferral.dueAtMs >= last.dueAtMs) last = deferral;
    if (last !== undefined) this.#byId.delete(last.entry.path.id);
    return last;
  }

  [Symbol.iterator](): Iterator<Deferral> {
    return this.#byId.values();
  }

  /** Forgets all entries. onDue is not called. */
  clear(): void {
    this.#byId.clear();
  }

  /** Makes everything due. */
  releaseAll(): void {
    this.#handOver(() => true);
  }

  /** Makes due what is accepted. Returns how many entries that are. */
  release(accepts: (path: SpoolPath) => boolean): number {
    return this.#handOver(({ entry }) => accepts(entry.path));
  }

  #put(deferral: Deferral): void {
    this.#byId.set(deferral.entry.path.id, deferral);
    this.#handOvers.soon(this.#untilMs(deferral.dueAtMs));
  }

  #handOver(isDue: (deferral: Deferral) => boolean): number {
    const due: Entry[] = [];
    for (const [id, deferral] of this.#byId) {
      if (!isDue(deferral)) continue;
      this.#byId.delete(id);
      due.push(deferral.entry);
    }
    if (due.length > 0) this.#onDue(due);
    return due.length;
  }

  #untilNextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { dueAtMs } of this.#byId.values()) nextMs = Math.min(nextMs, dueAtMs);
    return this.#untilMs(nextMs);
  }

  #untilMs(dueAtMs: number): number {
    return Math.max(GRANULARITY_MS, dueAtMs - this.#clock.monotonicMs());
  }
}
