// Takes files over HTTP while `ingest.listen` is set, in a thread that is loaded only then.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import { KeptOpen } from '../system/kept-open.ts';
import type { Prepared } from '../system/prepared.ts';
import { Repeat } from '../system/repeat.ts';
import { HandedSocket } from './handed-socket.ts';
import type { IngestEvent } from './ingest-event.ts';
import type { Listening } from './ingest-messages.ts';
import type { BacklogSize, IngestOptions } from './ingest-options.ts';
import type { IngestWorker, IngestWorkerPorts } from './ingest-worker.ts';
import { silentFault } from './silent-fault.ts';

const OFF: Listening = { urls: [], isTls: false };

type Worker = Pick<IngestWorker, 'isServing' | 'serve' | 'setBacklog' | 'close'>;

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
/**
 * The thread reports every second. It writes with calls that block, so it is silent while the disk
 * does not answer. Seconds are counted as this side lives through them: a machine that was asleep
 * misses none.
 */
const SILENT_SECONDS_MAX = 30;

/**
 * start() and stop() pair up. In between, one prepare() at a time changes the options. Whatever
 * happens to the thread, the drain goes on, and a thread that breaks down is started again.
 */
export class Ingestion {
  readonly #ports: IngestionPorts;
  readonly #telling: Repeat;
  readonly #kept: KeptOpen<IngestOptions>;
  readonly #handed = new HandedSocket();
  #worker: Worker | undefined;
  #listening: Listening = OFF;
  /** What was told last; undefined while no files are taken. */
  #told: Listening | undefined = OFF;
  #silentSeconds = 0;

  constructor(ports: IngestionPorts) {
    this.#ports = ports;
    this.#telling = new Repeat(ports.clock, () => this.#attend(), BACKLOG_MS);
    const it = {
      isOpen: () => this.#worker?.isServing === true,
      serve: (options: IngestOptions) => this.#serve(options),
      close: () => this.#close(),
    };
    this.#kept = new KeptOpen(ports.clock, it, {
      onFailure: (error) => this.#tellDown({ kind: 'ingestDown', error }),
      onChange: () => this.#tell(),
    });
  }

  /** Never rejects; see KeptOpen. */
  async start(options: IngestOptions | undefined): Promise<void> {
    await this.#kept.start(options);
    this.#telling.start();
  }

  /** Tries out new options. Rejects with a Fault, and the old options stay in force. */
  prepare(options: IngestOptions | undefined): Promise<Prepared> {
    return this.#kept.prepare(options);
  }

  /** Resolves when no file is being taken any more. */
  async stop(): Promise<void> {
    await this.#telling.stop();
    await this.#kept.stop();
  }

  async #serve(options: IngestOptions): Promise<void> {
    const { clock, startWorker, backlog } = this.#ports;
    this.#handed.check(options);
    this.#worker ??= await startWorker({
      clock,
      onEvent: (event) => this.#hear(event),
      onBroken: (error) => this.#broken(error),
    });
    this.#worker.setBacklog(backlog());
    this.#listening = await this.#worker.serve(options);
    this.#handed.served(options);
  }

  #broken(error: unknown): void {
    this.#worker = undefined;
    this.#listening = OFF;
    this.#handed.closed();
    this.#tellDown({ kind: 'ingestBroke', problem: explain(error) });
    this.#kept.lost();
  }

  #hear(event: IngestEvent): void {
    const wasSilent = this.#silentSeconds > SILENT_SECONDS_MAX;
    this.#silentSeconds = 0;
    this.#ports.onEvent(event);
    if (wasSilent) this.#tell();
  }

  #attend(): void {
    if (!this.#kept.isOpen) return;
    this.#worker?.setBacklog(this.#ports.backlog());
    this.#silentSeconds += 1;
    if (this.#silentSeconds === SILENT_SECONDS_MAX + 1)
      this.#tellDown({ kind: 'ingestDown', error: silentFault(SILENT_SECONDS_MAX * 1_000) });
  }

  #tellDown(event: IngestEvent): void {
    this.#told = undefined;
    this.#ports.onEvent(event);
  }

  /** Says nothing twice. */
  #tell(): void {
    if (isDeepStrictEqual(this.#listening, this.#told)) return;
    this.#told = this.#listening;
    this.#ports.onEvent({ kind: 'ingestListening', ...this.#listening });
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#listening = OFF;
    this.#handed.closed();
    await worker?.close();
  }
}
