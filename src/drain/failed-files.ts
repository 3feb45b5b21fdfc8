// What the drain remembers of files that failed. Whoever is uploaded, gone or in quarantine is forgotten, and beyond a
// bound whoever failed longest ago: a file that its producer removes while it waits is never heard of again.
import type { FileIdentity, SpoolPath } from '../spool/entry.ts';

export interface FailedFile {
  /** Attempts that failed, for whatever reason: the next one waits the longer. */
  failures: number;
  /** Attempts that speak against the file itself, and lead to quarantine. */
  strikes: number;
  /** Signs of a working store that there had been at its last strike. */
  signsAtStrike: number;
  /** Its entry comes back as it is now, whatever becomes of the file meanwhile. */
  waits: boolean;
  /** How often it was found open for writing since it last changed; and how it was then. */
  looks: number;
  lookedAt: FileIdentity | undefined;
  /** What people were last told of it. */
  told: string | undefined;
}

/** Twice what the backlog defers. */
const FILES_MAX = 20_000;

export class FailedFiles {
  readonly #filesMax: number;
  readonly #byId = new Map<string, FailedFile>();

  constructor(filesMax = FILES_MAX) {
    this.#filesMax = filesMax;
  }

  has({ id }: SpoolPath): boolean {
    return this.#byId.has(id);
  }

  /** To be read and written, while the file fails; begins with nothing. */
  of({ id }: SpoolPath): FailedFile {
    const none = {
      ...{ failures: 0, strikes: 0, signsAtStrike: -1, waits: false },
      ...{ looks: 0, lookedAt: undefined, told: undefined },
    };
    const file = this.#byId.get(id) ?? none;
    this.#byId.delete(id);
    this.#byId.set(id, file);
    const [longestAgo] = this.#byId.keys();
    if (this.#byId.size > this.#filesMax && longestAgo !== undefined) this.#byId.delete(longestAgo);
    return file;
  }

  forget({ id }: SpoolPath): void {
    this.#byId.delete(id);
  }
}
