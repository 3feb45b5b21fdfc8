// Watches removed files for a minute when it is unknown whether a process still had them open for
// writing.
import { openFilesMax } from '../system/capabilities.ts';
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';
import { type FileIdentity, type SpoolPath, sameContentIdentity } from './entry.ts';

/** The part of an open file that is needed. Each hold() needs one more close(). */
export interface LookedAt {
  readonly path: SpoolPath;
  readonly sizeBytes: number;
  currentIdentity(): FileIdentity | Promise<FileIdentity>;
  hold(): void;
  close(): Promise<void>;
}

export interface LateLookPorts {
  readonly clock: Clock;
  /**
   * A removed file was written to. `problem` is undefined if its content is back in the spool, else
   * the error; the attempt is repeated.
   */
  readonly onLate: (path: SpoolPath, problem: unknown) => void;
  /**
   * How many descriptors may be kept [256, or an eighth of the limit] and how much disk space their
   * files may hold [256 MiB]. Beyond either limit, the oldest are given up.
   */
  readonly filesMax?: number;
  readonly bytesMax?: number;
}

interface Kept {
  readonly file: LookedAt;
  readonly bringBack: () => Promise<void>;
  /**
   * The file's identity when its content was last known to be safe: in the store, or back in the
   * spool.
   */
  safe: FileIdentity;
  seen: FileIdentity;
  /** When the file last changed, or was removed. Monotonic clock. */
  changedAtMs: number;
}

const FILES_MAX = 256;
const BYTES_MAX = 256 * 1024 ** 2;
const ROUND_MS = 1_000;
/**
 * A file that was not written to for this time before its removal is not watched. A watched file is
 * given up after the same time without a change.
 */
const LOOK_MS = 60_000;
/** How long the writer must be quiet before the content is brought back. */
const QUIET_MS = 10_000;

/**
 * Keeps the descriptors of removed files whose writers are unknown. If a process writes to such a
 * file after its removal, the file's whole content is brought back into the spool; without this it
 * would be lost.
 * Invariant: no descriptor is closed without a last look right before. Times use the monotonic
 * clock, a file's age the wall clock.
 */
export class LateLook {
  readonly #ports: LateLookPorts;
  readonly #filesMax: number;
  readonly #bytesMax: number;
  readonly #kept = new Set<Kept>();
  #bytes = 0;
  readonly #rounds: Repeat;

  constructor(ports: LateLookPorts) {
    this.#ports = ports;
    this.#filesMax = ports.filesMax ?? Math.min(FILES_MAX, Math.floor(openFilesMax() / 8));
    this.#bytesMax = ports.bytesMax ?? BYTES_MAX;
    this.#rounds = new Repeat(
      ports.clock,
      () => this.#lookAtAll(),
      () => (this.#kept.size > 0 ? ROUND_MS : Number.POSITIVE_INFINITY),
    );
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * Watches `file`, which was just removed with this `identity`. `bringBack` copies what the
   * descriptor holds into the spool. May resolve late, because older files may have to be given up
   * first.
   */
  async keep(file: LookedAt, identity: FileIdentity, bringBack: () => Promise<void>): Promise<void> {
    const { clock } = this.#ports;
    if (clock.wallMs() - Number(identity.mtimeNs / 1_000_000n) > LOOK_MS) return;
    file.hold();
    this.#kept.add({ file, bringBack, safe: identity, seen: identity, changedAtMs: clock.monotonicMs() });
    this.#bytes += file.sizeBytes;
    for (const oldest of this.#kept) {
      if (this.#kept.size <= this.#filesMax && this.#bytes <= this.#bytesMax) break;
      await this.#giveUp(oldest);
    }
    this.#rounds.start();
    this.#rounds.soon();
  }

  /** Takes a last look at all files and closes them. Resolves when no descriptor is kept. */
  async flush(): Promise<void> {
    await this.#rounds.stop();
    for (const kept of this.#kept) await this.#giveUp(kept);
  }

  async #lookAtAll(): Promise<void> {
    for (const kept of this.#kept) {
      await this.#look(kept);
      const quietMs = this.#ports.clock.monotonicMs() - kept.changedAtMs;
      if (quietMs >= QUIET_MS) await this.#save(kept);
      if (quietMs >= LOOK_MS && isSafe(kept)) await this.#giveUp(kept);
    }
  }

  async #look(kept: Kept): Promise<void> {
    const now = await identityOf(kept.file);
    if (now === undefined || sameContentIdentity(now, kept.seen)) return;
    kept.seen = now;
    kept.changedAtMs = this.#ports.clock.monotonicMs();
  }

  async #save(kept: Kept): Promise<void> {
    if (isSafe(kept)) return;
    const { seen, file, bringBack } = kept;
    try {
      await bringBack();
      kept.safe = seen;
      this.#ports.onLate(file.path, undefined);
    } catch (problem) {
      this.#ports.onLate(file.path, problem);
    }
  }

  async #giveUp(kept: Kept): Promise<void> {
    if (!this.#kept.delete(kept)) return;
    this.#bytes -= kept.file.sizeBytes;
    await this.#look(kept);
    await this.#save(kept);
    await kept.file.close();
  }
}

/**
 * Undefined if the disk does not answer. Then the content cannot be brought back either, and the
 * next look may succeed.
 */
async function identityOf(file: LookedAt): Promise<FileIdentity | undefined> {
  try {
    return await file.currentIdentity();
  } catch {
    return undefined;
  }
}

function isSafe({ safe, seen }: Kept): boolean {
  return sameContentIdentity(safe, seen);
}
