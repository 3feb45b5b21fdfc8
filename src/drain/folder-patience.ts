// Finds folders whose files the store refuses as a whole, for example a prefix that the credentials
// may not write to.
import { foldersOf, type SpoolPath } from '../spool/entry.ts';
import type { Fault } from '../system/fault.ts';

export interface HeldFolder {
  readonly folder: string;
  /** Why the store refuses its files. */
  readonly fault: Fault;
  /** When a file of it is tried again, by the monotonic clock. */
  readonly tryAtMs: number;
}

interface Hold {
  readonly fault: Fault;
  tries: number;
  tryAtMs: number;
}

interface Record {
  refusals: number;
  worksUntilMs: number;
}

/** After this many refusals without a success, a folder is tested. */
const TESTED_AT = 3;
/** A folder that accepted something is not tested again for this time. */
const WORKS_MS = 10 * 60_000;
/** The wait between tries doubles up to this multiple of the first. */
const WAIT_MAX = 8;
/** The most folders with a recent refusal, and the most held folders, that are remembered. */
const RECORDS_MAX = 2_000;
const HELD_MAX = 200;

/**
 * After some refusals, a folder is tested with an object of our own. If that is refused as well,
 * the folder is held, and one file of it is tried now and then. Deterministic: time is an argument,
 * of the monotonic clock.
 * A folder is named by the bytes of its path as latin1 text with a `/` at its end; '' means the
 * files in the root of the spool.
 */
export class FolderPatience {
  readonly #records = new Map<string, Record>();
  readonly #held = new Map<string, Hold>();

  get held(): HeldFolder[] {
    return [...this.#held].map(([folder, { fault, tryAtMs }]) => ({ folder, fault, tryAtMs }));
  }

  holds(path: SpoolPath): boolean {
    return this.holderOf(path) !== undefined;
  }

  /** The topmost held folder that contains the file. */
  holderOf(path: SpoolPath): string | undefined {
    return this.#held.size > 0 ? foldersOf(path).find((folder) => this.#held.has(folder)) : undefined;
  }

  /**
   * A file was refused because of itself or its folder. Returns the topmost folder that should be
   * tested now, if there is one.
   */
  refused(path: SpoolPath, nowMs: number): string | undefined {
    let tested: string | undefined;
    for (const folder of foldersOf(path)) {
      const record = this.#record(folder);
      record.refusals += 1;
      if (record.refusals >= TESTED_AT && nowMs >= record.worksUntilMs) tested ??= folder;
    }
    return tested;
  }

  /** The folder accepted an object of our own. */
  works(folder: string, nowMs: number): void {
    const record = this.#record(folder);
    record.refusals = 0;
    record.worksUntilMs = nowMs + WORKS_MS;
  }

  /** Returns false if the maximum number of folders is held already. */
  hold(folder: string, fault: Fault, nowMs: number, firstWaitMs: number): boolean {
    if (this.#held.size >= HELD_MAX) return false;
    this.#held.set(folder, { fault, tries: 0, tryAtMs: nowMs + firstWaitMs });
    return true;
  }

  /**
   * Returns a held folder of which a file may be tried now. The next try of that folder comes after
   * a longer wait.
   */
  takeDue(nowMs: number, firstWaitMs: number): string | undefined {
    for (const [folder, hold] of this.#held) {
      if (nowMs < hold.tryAtMs) continue;
      hold.tries += 1;
      hold.tryAtMs = nowMs + firstWaitMs * Math.min(WAIT_MAX, 2 ** hold.tries);
      return folder;
    }
    return undefined;
  }

  /** A file passed, so its folders work. Returns those that were held. */
  passed(path: SpoolPath, nowMs: number): string[] {
    // In a healthy drain, there is nothing to note about a file that passed.
    if (this.#records.size + this.#held.size === 0) return [];
    const folders = foldersOf(path);
    for (const folder of folders) if (this.#records.has(folder)) this.works(folder, nowMs);
    return folders.filter((folder) => this.#held.delete(folder));
  }

  /** The folder accepted an object of our own or a file. Returns it if it was held. */
  free(folder: string, nowMs: number): string[] {
    this.works(folder, nowMs);
    return this.#held.delete(folder) ? [folder] : [];
  }

  /** There are new settings. Returns the folders that were held. */
  clear(): string[] {
    const held = [...this.#held.keys()];
    this.#held.clear();
    this.#records.clear();
    return held;
  }

  #record(folder: string): Record {
    const record = this.#records.get(folder) ?? { refusals: 0, worksUntilMs: Number.NEGATIVE_INFINITY };
    this.#records.delete(folder);
    this.#records.set(folder, record);
    const [longestAgo] = this.#records.keys();
    if (this.#records.size > RECORDS_MAX && longestAgo !== undefined) this.#records.delete(longestAgo);
    return record;
  }
}
