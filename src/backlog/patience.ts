// How long nothing must have happened to a file until it counts as complete. Deterministic: time is
// an argument. A file that was renamed into place is complete. One whose last change was a write
// may be between two writes; the more so, the less is known of its writers, and the more often it
// was taken for complete and then changed or came back.

/** What is known of how a file came to its name. */
export interface Arrival {
  /**
   * Whether the last that happened to it was more than a write: a rename, or that its times were
   * set.
   */
  readonly isWhole: boolean;
  /** Whether a process that has it open for writing would be noticed. */
  readonly tellsWriters: boolean;
}

export const WHOLE: Arrival = { isWhole: true, tellsWriters: true };

/**
 * In multiples of settle: a writer that has closed the file may go on; one that has it open pauses
 * for longer.
 */
const CLOSED_FACTOR = 5;
const PERHAPS_OPEN_FACTOR = 15;
/**
 * No file waits for longer than this, nor for longer than settle if that is more, unless it changes
 * more often.
 */
export const LONGEST_MS = 10 * 60_000;
/** A name that is there again within this time, written and not renamed, is that of a log, say. */
const RETURN_MS = 60_000;
const LONGEST_FOR_RETURNS_MS = 64_000;
/** Where settle is 0, a file that changed after it was taken waits for this and its doublings. */
const LEAST_MS = 1_000;
/**
 * About 100 bytes each: beyond that, the name of which nothing was heard for longest is forgotten.
 */
const NAMES_MAX = 10_000;

interface Name {
  /** How often it was taken for complete, and then changed. */
  changes: number;
  /** How often it came back soon after it was removed, and how often in a row. */
  returns: number;
  removedMs: number | undefined;
  /** It is written anew each time, not continued: each version counts. */
  isRewritten: boolean;
}

export class Patience {
  readonly #names = new Map<string, Name>();
  readonly #namesMax: number;

  constructor(namesMax: number = NAMES_MAX) {
    this.#namesMax = namesMax;
  }

  get size(): number {
    return this.#names.size;
  }

  /** How long nothing must have happened to the file, in milliseconds, ≥ `settleMs`. */
  quietMs(id: string, settleMs: number, { isWhole, tellsWriters }: Arrival): number {
    const { changes = 0, returns = 0, isRewritten = false } = this.#names.get(id) ?? {};
    const factor = isWhole ? 1 : tellsWriters ? CLOSED_FACTOR : PERHAPS_OPEN_FACTOR;
    const baseMs = settleMs * factor;
    const forChangesMs = changes === 0 ? baseMs : Math.max(baseMs, LEAST_MS) * 2 ** Math.min(changes, 30);
    const awaitsReturn = !isWhole && !isRewritten;
    const forReturnsMs = awaitsReturn
      ? Math.min(LONGEST_FOR_RETURNS_MS, baseMs * 2 ** Math.min(returns, 30))
      : 0;
    return Math.max(settleMs, Math.min(LONGEST_MS, Math.max(forChangesMs, forReturnsMs)));
  }

  /** The file was taken for complete, and has changed since. */
  changed(id: string): void {
    this.#of(id).changes += 1;
  }

  /** It has left the spool. */
  removed(id: string, nowMs: number): void {
    this.#of(id).removedMs = nowMs;
  }

  /** A file has the name that was not there when last looked for, or was complete. */
  appeared(id: string, nowMs: number): void {
    const name = this.#names.get(id);
    if (name?.removedMs === undefined) return;
    if (nowMs - name.removedMs <= RETURN_MS) name.returns += 1;
    else this.#names.delete(id);
    name.removedMs = undefined;
  }

  /** While it was waited for, the file gave way to another, or became shorter. */
  rewritten(id: string): void {
    this.#of(id).isRewritten = true;
  }

  #of(id: string): Name {
    const name = this.#names.get(id) ?? { changes: 0, returns: 0, removedMs: undefined, isRewritten: false };
    this.#names.delete(id);
    this.#names.set(id, name);
    const [longestAgo] = this.#names.keys();
    if (this.#names.size > this.#namesMax && longestAgo !== undefined) this.#names.delete(longestAgo);
    return name;
  }
}
