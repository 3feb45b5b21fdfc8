// The stages of transfers: read ahead → sending → disposing.

export interface PipelinePorts {
  /** How many uploads may be sending now. */
  readonly limit: () => number;
  /** How many files may be read ahead. */
  readonly ahead: () => number;
  /** The target: the most that the link allows, in wire bytes a second. */
  readonly rateBytesPerSec: () => number;
}

/** Where one transfer is. */
export interface PipelineSlot {
  /** True if it is sent whole, not in parts. */
  readonly isWhole: boolean;
  /** Bytes of content in memory before it is sent. Parts are read while they are sent. */
  readonly aheadBytes: number;
  stage: 'ahead' | 'sending' | 'disposing';
}

interface Waiting {
  readonly go: () => void;
  readonly giveUp: (reason: unknown) => void;
}

/**
 * Content read ahead bridges a disk that stalls for this time. A journal commit on a busy disk
 * takes about 100 ms.
 */
const READ_AHEAD_MS = 500;
/** Each file read ahead, and each one being removed, holds a descriptor. */
const BESIDE_SENDING_MAX = 256;

/**
 * Only sending is limited by the link. If a disk stalls for a moment, it delays the other two
 * stages, while the content read ahead keeps the link busy.
 * Invariant: a transfer is in one stage at a time, and as many send as the limit allows, in the
 * order in which they became ready. One whole file may always send, because multipart uploads can
 * take days.
 */
export class Pipeline {
  readonly #ports: PipelinePorts;
  readonly #onMoved: () => void;
  /** Ready, and waiting for a turn. */
  readonly #queue = new Map<PipelineSlot, Waiting>();
  #aheadFiles = 0;
  #aheadBytes = 0;
  #sending = 0;
  #sendingWhole = 0;
  #disposing = 0;

  /** `onMoved` is called when there may be room for one more transfer. */
  constructor(ports: PipelinePorts, onMoved: () => void) {
    this.#ports = ports;
    this.#onMoved = onMoved;
  }

  get sending(): number {
    return this.#sending;
  }

  /** Uploads that wait only because of the limit. */
  get ready(): number {
    return this.#queue.size;
  }

  /** True if one more transfer may begin. */
  get hasRoom(): boolean {
    if (this.#disposing >= BESIDE_SENDING_MAX) return false;
    if (this.#aheadFiles + this.#sending < this.#ports.limit()) return true;
    const enoughBytes = (this.#ports.rateBytesPerSec() * READ_AHEAD_MS) / 1000;
    return (
      this.#aheadBytes < enoughBytes && this.#aheadFiles < Math.min(BESIDE_SENDING_MAX, this.#ports.ahead())
    );
  }

  /** A transfer of `sizeBytes` begins. It must leave(). */
  enter(sizeBytes: number, isWhole: boolean): PipelineSlot {
    const aheadBytes = isWhole ? sizeBytes : 0;
    this.#aheadFiles += 1;
    this.#aheadBytes += aheadBytes;
    return { isWhole, aheadBytes, stage: 'ahead' };
  }

  /**
   * Waits for a turn and keeps it until `send` has succeeded. Rejects as `send` does, with the
   * signal's reason if it is aborted, or with the reason of giveUp().
   */
  async whileSending<T>(slot: PipelineSlot, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#queue.size === 0 && this.#mayCount(slot)) this.#count(slot, 1);
    else
      await new Promise<void>((go, giveUp) => {
        this.#queue.set(slot, { go, giveUp });
        this.grant();
      });
    this.#leaveAhead(slot);
    slot.stage = 'sending';
    this.#onMoved();
    const sent = await send();
    slot.stage = 'disposing';
    this.#disposing += 1;
    this.#count(slot, -1);
    this.grant();
    this.#onMoved();
    return sent;
  }

  /**
   * The transfer has ended in any way. A turn that failed ends only here, after the failure was
   * judged.
   */
  leave(slot: PipelineSlot): void {
    if (slot.stage === 'ahead') this.#leaveAhead(slot);
    else if (slot.stage === 'sending') this.#count(slot, -1);
    else this.#disposing -= 1;
  }

  /** Starts the transfers for which there is room. Call it when the limit has risen. */
  grant(): void {
    for (const [slot, { go }] of this.#queue) {
      if (!this.#mayCount(slot)) {
        // The others may not send either, except a whole file while none is sent.
        if (this.#sendingWhole > 0) return;
        continue;
      }
      this.#queue.delete(slot);
      this.#count(slot, 1);
      go();
    }
  }

  /** Ends the transfer's wait for a turn, if it waits. Call it when its signal is aborted. */
  giveUp(slot: PipelineSlot, reason: unknown): void {
    const waiting = this.#queue.get(slot);
    this.#queue.delete(slot);
    waiting?.giveUp(reason);
  }

  #mayCount({ isWhole }: PipelineSlot): boolean {
    return this.#sending < this.#ports.limit() || (isWhole && this.#sendingWhole === 0);
  }

  #count({ isWhole }: PipelineSlot, uploads: 1 | -1): void {
    this.#sending += uploads;
    if (isWhole) this.#sendingWhole += uploads;
  }

  #leaveAhead({ aheadBytes }: PipelineSlot): void {
    this.#aheadFiles -= 1;
    this.#aheadBytes -= aheadBytes;
  }
}
