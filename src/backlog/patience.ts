// Decides how long a file must be quiet before it counts as complete.

/** What is known about how a file came to its name. */
export interface Arrival {
  /** True if the last event was more than a write: a rename, or a change of the file's times. */
  readonly isWhole: boolean;
  /** True if halfpipe would notice a process that has the file open for writing. */
  readonly tellsWriters: boolean;
}

export const WHOLE: Arrival = { isWhole: true, tellsWriters: true };

/**
 * In multiples of settle. A writer that has closed the file may open it again. A writer that still
 * has the file open may pause for longer.
 */
const CLOSED_FACTOR = 5;
const PERHAPS_OPEN_FACTOR = 15;
/**
 * No file waits longer than this (or than settle, if settle is longer) unless it changes more
 * often.
 */
export const PATIENCE_MS_MAX = 10 * 60_000;
/** A file that returns within this time by a write, not a rename, is probably a log. */
const RETURN_MS = 60_000;
const PATIENCE_FOR_RETURNS_MS_MAX = 64_000;
/**
 * With settle 0, a file that changed after it was taken waits this long, doubled with each further
 * change.
 */
const PATIENCE_MS_MIN = 1_000;
/** About 100 bytes each. Beyond this, the name with the oldest news is forgotten. */
const NAMES_MAX = 10_000;

interface Name {
  /** How often the file was taken for complete and then changed. */
  changes: number;
  /** How often in a row the name came back soon after its removal. */
  returns: number;
  /** Monotonic clock. Undefined while the file is there. */
  removedAtMs: number | undefined;
  /** True if the file is written anew each time, not continued. Then each version counts. */
  isRewritten: boolean;
}

/**
 * Learns from each name's past how long it must be quiet. A file that was renamed into place is
 * complete. A file whose last change was a write may be between two writes. It waits longer if less
 * is known about its writers, and each time it changed or came back after it was taken.
 * Deterministic: time is an argument, of the monotonic clock. A restart forgets what was learned.
 */
export class Patience {
  readonly #names = new Map<string, Name>();
  readonly #namesMax: number;

  constructor(namesMax: number = NAMES_MAX) {
    this.#namesMax = namesMax;
  }

  get size(): number {
    return this.#names.size;
  }

  /** How long the file must be quiet, in milliseconds, ≥ `settleMs`. */
  quietMs(id: string, settleMs: number, { isWhole, tellsWriters }: Arrival): number {
    const { changes = 0, returns = 0, isRewritten = false } = this.#names.get(id) ?? {};
    const factor = isWhole ? 1 : tellsWriters ? CLOSED_FACTOR : PERHAPS_OPEN_FACTOR;
    const baseMs = settleMs * factor;
    const forChangesMs =
      changes === 0 ? baseMs : Math.max(baseMs, PATIENCE_MS_MIN) * 2 ** Math.min(changes, 30);
    const awaitsReturn = !isWhole && !isRewritten;
    const forReturnsMs = awaitsReturn
      ? Math.min(PATIENCE_FOR_RETURNS_MS_MAX, baseMs * 2 ** Math.min(returns, 30))
      : 0;
    return Math.max(settleMs, Math.min(PATIENCE_MS_MAX, Math.max(forChangesMs, forReturnsMs)));
  }

  /** The file was taken for complete and has changed since. */
  changed(id: string): void {
    this.#of(id).changes += 1;
  }

  /** The file has left the spool. */
  removed(id: string, nowMs: number): void {
    this.#of(id).removedAtMs = nowMs;
  }

  /** A file has this name now; the last scan saw none, or a complete one. */
  appeared(id: string, nowMs: number): void {
    const name = this.#names.get(id);
    if (name?.removedAtMs === undefined) return;
    if (nowMs - name.removedAtMs <= RETURN_MS) name.returns += 1;
    else this.#names.delete(id);
    name.removedAtMs = undefined;
  }

  /** While it was waiting, the file was replaced by another, or became shorter. */
  rewritten(id: string): void {
    this.#of(id).isRewritten = true;
  }

  #of(id: string): Name {
    const name = this.#names.get(id) ?? {
      changes: 0,
      returns: 0,
      removedAtMs: undefined,
      isRewritten: false,
    };
    this.#names.delete(id);
    this.#names.set(id, name);
    const [longestAgo] = this.#names.keys();
    if (this.#names.size > this.#namesMax && longestAgo !== undefined) this.#names.delete(longestAgo);
    return name;
  }
}
