// Takes files over HTTP while `ingest.listen` is set, in a thread that is loaded only then.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import type { Prepared } from '../system/prepared.ts';
import { Repeat } from '../system/repeat.ts';
import type { IngestEvent } from './ingest-event.ts';
import type { BacklogSize, IngestOptions } from './ingest-options.ts';
import type { IngestWorker, IngestWorkerPorts } from './ingest-worker.ts';

type Worker = Pick<IngestWorker, 'serve' | 'setBacklog' | 'close'>;

export interface IngestionPorts {
  readonly clock: Clock;
  /** Loads and starts the thread. */
  readonly startWorker: (ports: IngestWorkerPorts) => Promise<Worker>;
  /** What waits in the spool now. */
  readonly backlog: () => BacklogSize;
  readonly onEvent: (event: IngestEvent) => void;
}

/** How soon the thread learns that the backlog is beyond its limit, or no longer. */
const BACKLOG_MS = 1_000;
/** The wait after a failure. It doubles with each further one. */
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;

/**
 * start() and stop() pair up. In between, one prepare() at a time changes the options. Whatever
 * happens to the thread, the drain goes on, and the thread is started again.
 */
export class Ingestion {
  readonly #ports: IngestionPorts;
  readonly #telling: Repeat;
  readonly #retrying: Repeat;
  /** Those in force. */
  #options: IngestOptions | undefined;
  #worker: Worker | undefined;
  /** True while the thread serves the options in force. */
  #isServing = false;
  #retryMs = RETRY_MS;

  constructor(ports: IngestionPorts) {
    this.#ports = ports;
    this.#telling = new Repeat(ports.clock, () => this.#tellBacklog(), BACKLOG_MS);
    this.#retrying = new Repeat(
      ports.clock,
      () => this.#tryAgain(),
      () => (this.#hasFailed ? this.#retryMs : Number.POSITIVE_INFINITY),
    );
  }

  /**
   * Never rejects, because the drain must not wait for a port or a file with tokens: what cannot
   * be served is tried again and again.
   */
  async start(options: IngestOptions | undefined): Promise<void> {
    this.#options = options;
    await this.#tryAgain();
    this.#telling.start();
    this.#retrying.start();
  }

  /**
   * Tries out new options. Rejects with a Fault, and the old options stay in force. Options that
   * already failed are not tried out: an unrelated reload must not be refused for them.
   */
  async prepare(options: IngestOptions | undefined): Promise<Prepared> {
    await this.#retrying.stop();
    const isTried = options !== undefined && !(this.#hasFailed && isDeepStrictEqual(options, this.#options));
    try {
      if (isTried) await this.#serve(options);
    } catch (error) {
      // The thread has kept the old options, if there were any.
      if (this.#options === undefined) await this.#close();
      this.#retrying.start();
      throw error;
    }
    return {
      commit: async () => {
        const wasOn = this.#options !== undefined;
        this.#options = options;
        this.#isServing = isTried;
        if (options === undefined) await this.#close();
        if (options === undefined && wasOn) this.#tellOff();
        this.#retrying.start();
        if (!isTried) this.#retrying.now();
      },
      discard: async () => {
        this.#isServing = false;
        if (this.#options === undefined) {
          await this.#close();
          if (isTried) this.#tellOff();
        } else await this.#tryAgain();
        this.#retrying.start();
      },
    };
  }

  /** Resolves when no file is being taken any more. */
  async stop(): Promise<void> {
    this.#options = undefined;
    await this.#retrying.stop();
    await this.#telling.stop();
    await this.#close();
  }

  /** The options in force cannot be served. */
  get #hasFailed(): boolean {
    return this.#options !== undefined && !this.#isServing;
  }

  async #tryAgain(): Promise<void> {
    if (this.#options === undefined || this.#isServing) return;
    try {
      await this.#serve(this.#options);
      this.#isServing = true;
      this.#retryMs = RETRY_MS;
    } catch (error) {
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
      this.#ports.onEvent({ kind: 'ingestDown', error });
    }
  }

  async #serve(options: IngestOptions): Promise<void> {
    const { clock, onEvent, startWorker, backlog } = this.#ports;
    this.#worker ??= await startWorker({ clock, onEvent, onBroken: (error) => this.#broken(error) });
    this.#worker.setBacklog(backlog());
    await this.#worker.serve(options);
  }

  #broken(error: unknown): void {
    this.#worker = undefined;
    this.#isServing = false;
    this.#ports.onEvent({ kind: 'ingestBroke', problem: explain(error) });
    this.#retrying.soon();
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#isServing = false;
    await worker?.close();
  }

  #tellOff(): void {
    this.#ports.onEvent({ kind: 'ingestListening', urls: [], isTls: false });
  }

  #tellBacklog(): void {
    if (this.#isServing) this.#worker?.setBacklog(this.#ports.backlog());
  }
}
