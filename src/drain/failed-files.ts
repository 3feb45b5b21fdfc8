// Remembers files that failed, and counts how many wait for which reason.
import type { FileIdentity, SpoolPath } from '../spool/entry.ts';
import type { Fault } from '../system/fault.ts';

export interface FailedFile {
  /** Failed attempts for any reason. Each one makes the next wait longer. */
  failures: number;
  /** Attempts that count against the file itself and lead to quarantine. */
  strikes: number;
  /** The signs of a working store, as counted at the file's last strike. */
  signsAtStrike: number;
  /** Deferred: the entry returns unchanged, even if the file changes meanwhile. */
  waits: boolean;
  /** How often the file was found open for writing since it last changed. */
  looks: number;
  /** The file's identity at that time. */
  lookedAt: FileIdentity | undefined;
  /** The last message about the file that was logged. */
  told: string | undefined;
  /** The reason why the file waits; see `kinds`. */
  kind: string | undefined;
  /** When it is tried again, by the monotonic clock; 0 if it does not wait. */
  dueAtMs: number;
  /** Why it waits. Not the fault itself, which may hold much. */
  why: FailureReason | undefined;
}

export interface FailureReason {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Files that wait for the same reason. */
export interface WaitingKind {
  /** The code of the fault. */
  readonly reason: string;
  readonly files: number;
  /** The file that failed last. */
  readonly example: string;
  readonly fault: Fault;
  /** When the first of them is tried again, by the monotonic clock. */
  readonly nextTryAtMs: number;
}

/** Twice as many as the backlog defers. */
const FILES_MAX = 20_000;
/** Codes come from stores. Beyond this many, they are counted together. */
const KINDS_MAX = 32;
const FURTHER = 'other';

/**
 * A file is forgotten once it is uploaded, gone or quarantined. Beyond the bound, the file that
 * failed longest ago is forgotten as well, because no event reports that a waiting file was removed
 * by its producer.
 */
export class FailedFiles {
  readonly #filesMax: number;
  readonly #byId = new Map<string, FailedFile>();
  readonly #kinds = new Map<string, Omit<WaitingKind, 'nextTryAtMs'>>();

  constructor(filesMax = FILES_MAX) {
    this.#filesMax = filesMax;
  }

  /** How many files wait because they failed. */
  get waiting(): number {
    let files = 0;
    for (const kind of this.#kinds.values()) files += kind.files;
    return files;
  }

  /**
   * Why files wait now: those whose next try is to come, and those that are `running` for it. The
   * most frequent reason first.
   */
  kindsAt(nowMs: number, running: (id: string) => boolean): WaitingKind[] {
    const waiting = new Map<string, { files: number; nextTryAtMs: number }>();
    for (const [id, { kind, dueAtMs }] of this.#byId) {
      if (kind === undefined || (dueAtMs <= nowMs && !running(id))) continue;
      const { files, nextTryAtMs } = waiting.get(kind) ?? { files: 0, nextTryAtMs: dueAtMs };
      waiting.set(kind, { files: files + 1, nextTryAtMs: Math.min(dueAtMs, nextTryAtMs) });
    }
    return [...waiting]
      .flatMap(([reason, counted]) => {
        const kind = this.#kinds.get(reason);
        return kind === undefined ? [] : [{ ...kind, ...counted }];
      })
      .sort((a, b) => b.files - a.files);
  }

  has({ id }: SpoolPath): boolean {
    return this.#byId.has(id);
  }

  find({ id }: SpoolPath): FailedFile | undefined {
    return this.#byId.get(id);
  }

  /** The record of the file, to be read and written. A new record begins empty. */
  of({ id }: SpoolPath): FailedFile {
    const none: FailedFile = {
      failures: 0,
      strikes: 0,
      signsAtStrike: -1,
      waits: false,
      looks: 0,
      lookedAt: undefined,
      told: undefined,
      kind: undefined,
      dueAtMs: 0,
      why: undefined,
    };
    const file = this.#byId.get(id) ?? none;
    this.#byId.delete(id);
    this.#byId.set(id, file);
    const [longestAgo] = this.#byId.keys();
    if (this.#byId.size > this.#filesMax && longestAgo !== undefined) this.#forget(longestAgo);
    return file;
  }

  /** The file now waits because of this fault, until `dueAtMs` by the monotonic clock. */
  waitsFor(path: SpoolPath, fault: Fault, dueAtMs: number): void {
    const file = this.of(path);
    file.dueAtMs = dueAtMs;
    this.#leaveKind(file);
    const { message, hint, code = fault.faultClass } = fault;
    file.why = { code, message, hint };
    const reason = this.#kinds.has(code) || this.#kinds.size < KINDS_MAX ? code : FURTHER;
    const files = (this.#kinds.get(reason)?.files ?? 0) + 1;
    this.#kinds.set(reason, { reason, files, example: `${path}`, fault });
    file.kind = reason;
  }

  forget({ id }: SpoolPath): void {
    this.#forget(id);
  }

  /** Forgets the files below a folder, because it waits as a whole. */
  forgetBelow(covers: (id: string) => boolean): void {
    for (const id of [...this.#byId.keys()]) if (covers(id)) this.#forget(id);
  }

  #forget(id: string): void {
    const file = this.#byId.get(id);
    if (file !== undefined) this.#leaveKind(file);
    this.#byId.delete(id);
  }

  #leaveKind(file: FailedFile): void {
    const kind = file.kind === undefined ? undefined : this.#kinds.get(file.kind);
    file.kind = undefined;
    if (kind === undefined) return;
    if (kind.files > 1) this.#kinds.set(kind.reason, { ...kind, files: kind.files - 1 });
    else this.#kinds.delete(kind.reason);
  }
}
