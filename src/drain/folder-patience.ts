// Folders whose files the store refuses as a whole, such as a prefix the credentials may not write:
// after some refusals the folder is tested, then held, and one file of it is tried now and then.
// Deterministic: time is an argument. A folder is the bytes of its path as latin1 text with a `/`
// at its end; '' stands for the files right in the spool.
import { foldersOf, type SpoolPath } from '../spool/entry.ts';
import type { Fault } from '../system/fault.ts';

export interface HeldFolder {
  readonly folder: string;
  /** Why the store refuses its files. */
  readonly fault: Fault;
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

/** Refusals without a file that passed, after which a folder is tested. */
const TESTED_AT = 3;
/** A folder that took something is not tested again for so long. */
const WORKS_MS = 10 * 60_000;
/** The wait between tries doubles up to this multiple of the first. */
const LONGEST_WAIT = 8;
/** Bounds on memory: of folders with a refusal lately, and of those that are held. */
const RECORDS_MAX = 2_000;
const HELD_MAX = 200;

export class FolderPatience {
  readonly #records = new Map<string, Record>();
  readonly #held = new Map<string, Hold>();

  get held(): HeldFolder[] {
    return [...this.#held].map(([folder, { fault }]) => ({ folder, fault }));
  }

  holds(path: SpoolPath): boolean {
    return this.holderOf(path) !== undefined;
  }

  /** The topmost held folder that the file is in. */
  holderOf(path: SpoolPath): string | undefined {
    return this.#held.size > 0 ? foldersOf(path).find((folder) => this.#held.has(folder)) : undefined;
  }

  /**
   * A file was refused for its own sake or its folder's. Returns the topmost folder to be tested
   * now, if there is one.
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

  /** The folder took an object of our own. */
  works(folder: string, nowMs: number): void {
    const record = this.#record(folder);
    record.refusals = 0;
    record.worksUntilMs = nowMs + WORKS_MS;
  }

  /** False when as many are held as may be. */
  hold(folder: string, fault: Fault, nowMs: number, firstWaitMs: number): boolean {
    if (this.#held.size >= HELD_MAX) return false;
    this.#held.set(folder, { fault, tries: 0, tryAtMs: nowMs + firstWaitMs });
    return true;
  }

  /** A held folder of which a file may be tried. The next one may be after a longer wait. */
  takeDue(nowMs: number, firstWaitMs: number): string | undefined {
    for (const [folder, hold] of this.#held) {
      if (nowMs < hold.tryAtMs) continue;
      hold.tries += 1;
      hold.tryAtMs = nowMs + firstWaitMs * Math.min(LONGEST_WAIT, 2 ** hold.tries);
      return folder;
    }
    return undefined;
  }

  /** A file passed: its folders work. Returns those that were held. */
  passed(path: SpoolPath, nowMs: number): string[] {
    // In a healthy drain nothing is to be noted of a file that passed.
    if (this.#records.size + this.#held.size === 0) return [];
    const folders = foldersOf(path);
    for (const folder of folders) if (this.#records.has(folder)) this.works(folder, nowMs);
    return folders.filter((folder) => this.#held.delete(folder));
  }

  /** It took an object of our own, or a file. Returns it when it was held. */
  free(folder: string, nowMs: number): string[] {
    this.works(folder, nowMs);
    return this.#held.delete(folder) ? [folder] : [];
  }

  /** The settings are new. Returns the folders that were held. */
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
