// A last look at files that were removed though it could not be told whether a process had them
// open for writing: their descriptors are kept for a minute. What is written through another
// descriptor meanwhile would be lost with them; it is brought back into the spool, with the content
// before it. Invariant: nothing is given up without a look right before.
import { openFilesMax } from '../system/capabilities.ts';
import type { Clock } from '../system/clock.ts';
import { type FileIdentity, type SpoolPath, sameContentIdentity } from './entry.ts';

/** The part of an open file that is needed; hold() asks for one close() more. */
export interface LookedAt {
  readonly path: SpoolPath;
  readonly sizeBytes: number;
  currentIdentity(): Promise<FileIdentity>;
  hold(): void;
  close(): Promise<void>;
}

export interface LateLookParts {
  readonly clock: Clock;
  /**
   * The file was written to, and its content is back in the spool; or why it cannot be, which is
   * tried again.
   */
  readonly onLate: (path: SpoolPath, problem: unknown) => void;
  /**
   * How many descriptors may be kept [256, or an eighth of all there may be], and how much space on
   * the disk [256 MiB]: the oldest give way.
   */
  readonly filesMax?: number;
  readonly bytesMax?: number;
}

interface Kept {
  readonly file: LookedAt;
  readonly bringBack: () => Promise<void>;
  /** As it was when its content was last known to be safe: in the store, or in the spool again. */
  safe: FileIdentity;
  seen: FileIdentity;
  /** When it last changed, or was removed. */
  changedMs: number;
}

const FILES_MAX = 256;
const BYTES_MAX = 256 * 1024 ** 2;
const TURN_MS = 1_000;
/**
 * A file that has not been written to for so long is not looked at; nor is one for longer after it
 * was removed.
 */
const LOOK_MS = 60_000;
/** A writer that goes on is given time to end; then once more, for what it writes after that. */
const QUIET_MS = 10_000;

export class LateLook {
  readonly #parts: LateLookParts;
  readonly #filesMax: number;
  readonly #bytesMax: number;
  readonly #kept = new Set<Kept>();
  #bytes = 0;
  #turn: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  constructor(parts: LateLookParts) {
    this.#parts = parts;
    this.#filesMax = parts.filesMax ?? Math.min(FILES_MAX, Math.floor(openFilesMax() / 8));
    this.#bytesMax = parts.bytesMax ?? BYTES_MAX;
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * `file` has just been removed, as `identity`. `bringBack` puts what its descriptor holds into
   * the spool.
   */
  async keep(file: LookedAt, identity: FileIdentity, bringBack: () => Promise<void>): Promise<void> {
    const { clock } = this.#parts;
    if (clock.wallMs() - Number(identity.mtimeNs / 1_000_000n) > LOOK_MS) return;
    file.hold();
    this.#kept.add({ file, bringBack, safe: identity, seen: identity, changedMs: clock.monotonicMs() });
    this.#bytes += file.sizeBytes;
    for (const oldest of this.#kept) {
      if (this.#kept.size <= this.#filesMax && this.#bytes <= this.#bytesMax) break;
      await this.#giveUp(oldest);
    }
    this.#arm();
  }

  /** A last look at all of them. Resolves when no descriptor is kept. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#turn;
    for (const kept of this.#kept) await this.#giveUp(kept);
  }

  #arm(): void {
    if (this.#cancel !== undefined || this.#turn !== undefined || this.#kept.size === 0) return;
    this.#cancel = this.#parts.clock.schedule(TURN_MS, () => {
      this.#cancel = undefined;
      this.#turn = this.#lookAtAll().finally(() => {
        this.#turn = undefined;
        this.#arm();
      });
    });
  }

  async #lookAtAll(): Promise<void> {
    for (const kept of this.#kept) {
      await this.#look(kept);
      const quietMs = this.#parts.clock.monotonicMs() - kept.changedMs;
      if (quietMs >= QUIET_MS) await this.#save(kept);
      if (quietMs >= LOOK_MS && isSafe(kept)) await this.#giveUp(kept);
    }
  }

  async #look(kept: Kept): Promise<void> {
    // What the disk does not tell cannot be brought back either; it may tell the next time.
    const now = await kept.file.currentIdentity().catch(() => undefined);
    if (now === undefined || sameContentIdentity(now, kept.seen)) return;
    kept.seen = now;
    kept.changedMs = this.#parts.clock.monotonicMs();
  }

  async #save(kept: Kept): Promise<void> {
    if (isSafe(kept)) return;
    const { seen, file, bringBack } = kept;
    try {
      await bringBack();
      kept.safe = seen;
      this.#parts.onLate(file.path, undefined);
    } catch (problem) {
      this.#parts.onLate(file.path, problem);
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

function isSafe({ safe, seen }: Kept): boolean {
  return sameContentIdentity(safe, seen);
}
