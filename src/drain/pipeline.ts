// The stages of transfers at work: read ahead → sending → disposing. Only sending is limited by the
// link; a disk that stalls for a moment holds up the other two, while what was read ahead keeps the
// link busy.
// Invariant: a transfer is in one stage at a time, and as many send as the limit allows, in the
// order they were ready; one that is sent whole may always do so, for those in parts may take days.

export interface PipelinePorts {
  /** Uploads that may be sending now. */
  readonly limit: () => number;
  /** What the link lets us send at most, in bytes per second. */
  readonly rateBytesPerSec: () => number;
}

/** Where one transfer is. */
export interface Passage {
  /** Sent whole, not in parts. */
  readonly isWhole: boolean;
  /** Bytes of content in memory before it is sent; parts are read as they are sent. */
  readonly aheadBytes: number;
  stage: 'ahead' | 'sending' | 'disposing';
}

interface Waiting {
  readonly passage: Passage;
  readonly go: () => void;
}

/**
 * Content read ahead bridges a disk that stalls for so long: a journal commit on a busy disk takes
 * some 100 ms.
 */
const READ_AHEAD_MS = 500;
/** Each file read ahead, and each on its way out, holds a descriptor. */
const MOST_BESIDE_SENDING = 256;

export class Pipeline {
  readonly #ports: PipelinePorts;
  readonly #onMoved: () => void;
  /** Ready, and waiting for a turn. */
  readonly #queue = new Set<Waiting>();
  #aheadFiles = 0;
  #aheadBytes = 0;
  #sending = 0;
  #sendingWhole = 0;
  #disposing = 0;

  /** `onMoved` is called when there may be room for one more. */
  constructor(ports: PipelinePorts, onMoved: () => void) {
    this.#ports = ports;
    this.#onMoved = onMoved;
  }

  get sending(): number {
    return this.#sending;
  }

  /** Uploads that only the limit keeps waiting. */
  get ready(): number {
    return this.#queue.size;
  }

  /** Whether one more transfer may begin. */
  get hasRoom(): boolean {
    if (this.#disposing >= MOST_BESIDE_SENDING) return false;
    if (this.#aheadFiles + this.#sending < this.#ports.limit()) return true;
    const enoughBytes = (this.#ports.rateBytesPerSec() * READ_AHEAD_MS) / 1000;
    return this.#aheadBytes < enoughBytes && this.#aheadFiles < MOST_BESIDE_SENDING;
  }

  /** A transfer of `sizeBytes` begins; it must `leave`. */
  enter(sizeBytes: number, isWhole: boolean): Passage {
    const aheadBytes = isWhole ? sizeBytes : 0;
    this.#aheadFiles += 1;
    this.#aheadBytes += aheadBytes;
    return { isWhole, aheadBytes, stage: 'ahead' };
  }

  /**
   * Waits for a turn, and keeps it until `send` has succeeded. Rejects with the signal's reason
   * when it aborts before.
   */
  async whileSending<T>(passage: Passage, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    await this.#turn(passage, signal);
    this.#leaveAhead(passage);
    passage.stage = 'sending';
    this.#onMoved();
    const sent = await send();
    passage.stage = 'disposing';
    this.#disposing += 1;
    this.#count(passage, -1);
    this.grant();
    this.#onMoved();
    return sent;
  }

  /**
   * The transfer has ended, whichever way. A turn that failed ends only here, when it is known what
   * the failure means.
   */
  leave(passage: Passage): void {
    if (passage.stage === 'ahead') this.#leaveAhead(passage);
    else if (passage.stage === 'sending') this.#count(passage, -1);
    else this.#disposing -= 1;
  }

  /** Lets those go on for whom there is room. Call when the limit has risen. */
  grant(): void {
    for (const waiting of this.#queue) {
      const { passage, go } = waiting;
      const isFirstWhole = passage.isWhole && this.#sendingWhole === 0;
      if (this.#sending >= this.#ports.limit() && !isFirstWhole) continue;
      this.#queue.delete(waiting);
      this.#count(passage, 1);
      go();
    }
  }

  #count({ isWhole }: Passage, uploads: 1 | -1): void {
    this.#sending += uploads;
    if (isWhole) this.#sendingWhole += uploads;
  }

  #leaveAhead({ aheadBytes }: Passage): void {
    this.#aheadFiles -= 1;
    this.#aheadBytes -= aheadBytes;
  }

  #turn(passage: Passage, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        this.#queue.delete(waiting);
        reject(signal.reason);
      };
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting = { passage, go };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.add(waiting);
      this.grant();
    });
  }
}
