// The space of the spool's disk that uploads under way still need, so that together they do not
// fill it: an upload that was let in may use what it was promised, and no other upload may.
import type { Clock } from '../system/clock.ts';
import { Refusal } from './refusal.ts';

export interface FreeSpace {
  readonly bytes: number;
  /** Undefined if the file system has no fixed number of files. */
  readonly files: number | undefined;
}

/** A reading is good for so long. What is written since is counted. */
const READING_MS = 200;
/** What an upload of unknown length is promised at once. */
const STEP_BYTES = 1_048_576;
/** Below this number of free inodes, the disk is as good as full. */
const FILES_MIN = 100;

interface Reading extends FreeSpace {
  readonly atMs: number;
  /** How many bytes had been written when the disk was asked. */
  readonly writtenBytes: number;
}

/** Decides what fits. Monotonic clock. */
export class PromisedSpace {
  /** `ingest.minFreeSpace`. */
  minFreeBytes: number;
  readonly #read: () => Promise<FreeSpace>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #reading: Reading | undefined;
  #looking: Promise<Reading> | undefined;
  #promisedBytes = 0;
  #writtenBytes = 0;

  constructor(minFreeBytes: number, read: () => Promise<FreeSpace>, clock: Pick<Clock, 'monotonicMs'>) {
    this.minFreeBytes = minFreeBytes;
    this.#read = read;
    this.#clock = clock;
  }

  /** Resolves when the disk answers. Rejects with its Fault. */
  async look(): Promise<void> {
    await this.#recent();
  }

  /**
   * Promises room for an upload; undefined: its length is not known. Rejects with a Refusal if
   * there is too little, or with a Fault of the disk.
   */
  async promise(sizeBytes: number | undefined): Promise<Promised> {
    const grow = (bytes: number) => this.#reserve(bytes);
    const take = (bytes: number) => {
      this.#promisedBytes -= bytes;
    };
    const wrote = (bytes: number) => {
      this.#writtenBytes += bytes;
    };
    const bytes = sizeBytes ?? STEP_BYTES;
    await this.#reserve(bytes);
    return new Promised(bytes, { grow, take, wrote });
  }

  async #reserve(bytes: number): Promise<void> {
    const reading = await this.#recent();
    const writtenSince = this.#writtenBytes - reading.writtenBytes;
    const room = reading.bytes - writtenSince - this.minFreeBytes;
    const hasFewFiles = (reading.files ?? FILES_MIN) < FILES_MIN;
    if (hasFewFiles || bytes > room - this.#promisedBytes)
      // Only what has been written makes the disk full: any client can announce a large file.
      throw hasFewFiles || room < STEP_BYTES ? full() : this.#tooLarge(bytes, room);
    this.#promisedBytes += bytes;
  }

  #tooLarge(bytes: number, room: number): Refusal {
    const others = `${this.#promisedBytes} of them are for uploads under way`;
    const detail = `${bytes} bytes do not fit into the ${room} that may be used, and ${others}`;
    return new Refusal('no-room', `${detail}: try again when files have been uploaded`);
  }

  /** Uploads that ask at the same time share one look at the disk. */
  #recent(): Promise<Reading> {
    const last = this.#reading;
    const isOld = last === undefined || this.#clock.monotonicMs() - last.atMs >= READING_MS;
    if (last !== undefined && !isOld) return Promise.resolve(last);
    this.#looking ??= this.#lookAtDisk().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookAtDisk(): Promise<Reading> {
    const atMs = this.#clock.monotonicMs();
    const writtenBytes = this.#writtenBytes;
    this.#reading = { ...(await this.#read()), atMs, writtenBytes };
    return this.#reading;
  }
}

function full(): Refusal {
  return new Refusal(
    'disk-full',
    "The spool's disk has too little space: try again when files have been uploaded",
  );
}

interface Ledger {
  readonly grow: (bytes: number) => Promise<void>;
  readonly take: (bytes: number) => void;
  readonly wrote: (bytes: number) => void;
}

/** The promise to one upload. release() ends it. */
export class Promised {
  readonly #ledger: Ledger;
  #remainingBytes: number;

  constructor(bytes: number, ledger: Ledger) {
    this.#remainingBytes = bytes;
    this.#ledger = ledger;
  }

  /**
   * Before the upload writes `bytes`. Rejects like promise() if it needs more than it was promised.
   */
  async use(bytes: number): Promise<void> {
    if (bytes > this.#remainingBytes) {
      const more = Math.max(bytes, STEP_BYTES);
      await this.#ledger.grow(more);
      this.#remainingBytes += more;
    }
    this.#remainingBytes -= bytes;
    this.#ledger.take(bytes);
    this.#ledger.wrote(bytes);
  }

  release(): void {
    this.#ledger.take(this.#remainingBytes);
    this.#remainingBytes = 0;
  }
}
