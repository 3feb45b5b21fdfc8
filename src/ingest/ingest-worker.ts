// The main thread's handle of the ingest thread.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { atMost } from '../system/at-most.ts';
import { uncarry } from '../system/carried-error.ts';
import type { Clock } from '../system/clock.ts';
import { noteStuck } from '../system/stuck-threads.ts';
import type { IngestEvent } from './ingest-event.ts';
import type { IngestNotice, IngestOrder, Listening } from './ingest-messages.ts';
import type { BacklogSize, IngestOptions } from './ingest-options.ts';
import { silentFault } from './silent-fault.ts';

export interface IngestWorkerPorts {
  readonly clock: Clock;
  readonly onEvent: (event: IngestEvent) => void;
  /** The thread has broken down. It can only be replaced. */
  readonly onBroken: (error: unknown) => void;
}

const THREAD = new URL(`./ingest-thread${extname(import.meta.url)}`, import.meta.url);
/** In MiB. The content of files is outside the heap. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128 };
/** More than a slow disk needs for what has been received. */
const CLOSE_MS = 10_000;
/** A thread that waits for a dead disk cannot be ended: the end of the process ends it. */
const TERMINATE_MS = 1_000;
/** More than a look at the spool, a certificate and a port takes. */
const SERVE_MS = 15_000;

/** Starts the thread. serve() may be called again when the last call has settled. */
export class IngestWorker {
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #settle: (outcome: Listening | Error) => void = () => undefined;
  #isServing = false;
  #isClosing = false;
  #hasEnded = false;

  constructor({ clock, onEvent, onBroken }: IngestWorkerPorts) {
    this.#clock = clock;
    this.#worker = new Worker(THREAD, { name: 'halfpipe ingest', resourceLimits: RESOURCE_LIMITS });
    this.#worker.on('message', (notice: IngestNotice) => this.#receive(notice, onEvent));
    this.#ended = new Promise((resolve) => {
      let failure: unknown = new Error('the ingest thread has ended');
      this.#worker.once('error', (error) => {
        failure = error;
      });
      this.#worker.once('exit', () => {
        this.#hasEnded = true;
        this.#isServing = false;
        resolve();
        if (this.#isClosing) return;
        this.#settle(failure instanceof Error ? failure : new Error(String(failure)));
        onBroken(failure);
      });
    });
  }

  /** True while files are taken, as far as this side knows. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /**
   * Rejects with a Fault, and what was in force before stays so if it can; or with another error
   * when the thread breaks down or does not answer.
   */
  serve(options: IngestOptions): Promise<Listening> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(SERVE_MS, () => reject(silentFault(SERVE_MS)));
      this.#settle = (outcome) => {
        cancel();
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#send({ kind: 'serve', options });
    });
  }

  setBacklog(backlog: BacklogSize): void {
    this.#send({ kind: 'backlog', backlog });
  }

  /** Resolves when the thread has ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#send({ kind: 'close' });
    await atMost(CLOSE_MS, this.#ended, this.#clock);
    if (this.#hasEnded) return;
    noteStuck(this.#worker);
    await atMost(TERMINATE_MS, this.#worker.terminate(), this.#clock);
  }

  #send(order: IngestOrder): void {
    this.#worker.postMessage(order);
  }

  #receive(notice: IngestNotice, onEvent: IngestWorkerPorts['onEvent']): void {
    switch (notice.kind) {
      case 'serving':
        this.#isServing = true;
        return this.#settle(notice.listening);
      case 'refused':
        this.#isServing = notice.isOpen;
        return this.#settle(uncarry(notice.error));
      case 'event': {
        const { event } = notice;
        return onEvent(event.kind === 'fault' ? { ...event, error: uncarry(event.error) } : event);
      }
    }
  }
}
