// The main thread's handle of the digesting thread.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../system/clock.ts';
import { type DigestOf, digestOf, HASHED_AT_ONCE_BYTES } from './digest.ts';
import type { Digest } from './object-store.ts';

export interface DigestOrder {
  readonly id: number;
  /** In shared memory. */
  readonly bytes: Uint8Array;
}

export interface DigestNotice {
  readonly id: number;
  readonly digest: Digest;
}

const THREAD = new URL(`./digest-thread${extname(import.meta.url)}`, import.meta.url);
/** In MiB. There is nothing on its heap but messages. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };
/** The thread takes memory, and 30 ms of a core to start. */
const IDLE_MS = 5_000;

interface Asked {
  readonly bytes: Uint8Array;
  readonly resolve: (digest: Digest | Promise<Digest>) => void;
}

/**
 * Digests large contents in a thread of its own, because MD5 and SHA-256 take 1.8 s of a core for
 * each GB. The thread starts with the first such content, and ends when there was none for a while.
 * Once it has broken down, this thread digests everything.
 */
export class DigestWorker {
  readonly #clock: Pick<Clock, 'schedule'>;
  readonly #thread: URL;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #isBroken = false;
  #lastId = 0;
  #cancelEnd: (() => void) | undefined;

  /** Starts no thread yet. `thread`: what runs in it. */
  constructor(clock: Pick<Clock, 'schedule'>, thread = THREAD) {
    this.#clock = clock;
    this.#thread = thread;
  }

  /** The content must not change meanwhile. Never rejects. */
  readonly digestOf: DigestOf = (bytes) => {
    const isLarge = bytes.byteLength > HASHED_AT_ONCE_BYTES;
    if (!isLarge || !(bytes.buffer instanceof SharedArrayBuffer) || this.#isBroken) return digestOf(bytes);
    this.#cancelEnd?.();
    return new Promise((resolve) => {
      this.#lastId += 1;
      this.#asked.set(this.#lastId, { bytes, resolve });
      try {
        this.#worker ??= this.#start();
        this.#worker.postMessage({ id: this.#lastId, bytes } satisfies DigestOrder);
      } catch {
        // The machine has no thread for us.
        this.#break();
      }
    });
  };

  /** Resolves when the thread has ended; this thread digests what was asked for. */
  async stop(): Promise<void> {
    this.#cancelEnd?.();
    const worker = this.#worker;
    this.#worker = undefined;
    this.#digestHere();
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(this.#thread, { name: 'halfpipe digest', resourceLimits: RESOURCE_LIMITS });
    worker.unref();
    worker.on('message', (notice: DigestNotice) => {
      if (this.#worker === worker) this.#receive(notice);
    });
    // What matters is that it ends.
    worker.once('error', () => undefined);
    worker.once('exit', () => {
      if (this.#worker === worker) this.#break();
    });
    return worker;
  }

  #receive({ id, digest }: DigestNotice): void {
    this.#asked.get(id)?.resolve(digest);
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#cancelEnd = this.#clock.schedule(IDLE_MS, () => void this.stop());
  }

  #break(): void {
    this.#isBroken = true;
    this.#worker = undefined;
    this.#digestHere();
  }

  #digestHere(): void {
    for (const { bytes, resolve } of this.#asked.values()) resolve(digestOf(bytes));
    this.#asked.clear();
  }
}
