// The main thread's side of the sending thread, where the link is measured and every byte leaves: neither reading,
// scanning nor signing, nor the garbage they make, holds up a slice there.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { UplinkEvents, UplinkIdentity } from '../link/uplink.ts';
import type { Limits, PaceView } from '../pace/governor.ts';
import { limitsOn } from '../pace/limits.ts';
import type { ShaperActivity } from '../pace/shaper.ts';
import { UploadLimit } from '../pace/upload-limit.ts';
import type { RequestHandler } from '../store/s3-client.ts';
import { uncarry } from './carried-error.ts';
import type { HandlerLimits, Notice, Order } from './messages.ts';
import type { HttpHandlerOptions, HttpRequest } from './paced-handler.ts';
import type { PacedLinkOptions } from './paced-link.ts';
import { RemoteRequests } from './remote-requests.ts';

export interface SendingOptions extends PacedLinkOptions {
  readonly concurrency: number | 'auto';
  readonly maxConcurrency: number;
}

export interface SendingEvents extends UplinkEvents {
  /** Ten times a second: what left since the last time, and how it waited. */
  onReport(activity: ShaperActivity, elapsedMs: number): void;
  /** Some connection shows signs of life. */
  onAlive(): void;
}

const THREAD = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);
/** Its garbage is small and short-lived: collecting little of it at a time takes a fraction of a millisecond. */
const YOUNG_GENERATION_MB = 4;

export class SendingThread {
  readonly uploadLimit: UploadLimit;
  readonly #events: SendingEvents;
  readonly #worker: Worker;
  readonly #requests = new RemoteRequests((order, moved) => this.#send(order, moved));
  #options: SendingOptions;
  #identity: UplinkIdentity | undefined;
  #pace: PaceView | undefined;
  #handlers = 0;
  #stopping = false;
  #configured: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(options: SendingOptions, events: SendingEvents) {
    this.#options = options;
    this.#events = events;
    this.uploadLimit = new UploadLimit(options.concurrency, options.maxConcurrency);
    this.#worker = new Worker(THREAD, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
    this.#worker.on('message', (notice: Notice) => this.#receive(notice));
    // Uncaught: without this thread there is nothing to be done, and systemd starts us anew.
    this.#worker.on('error', (cause) => {
      throw new Error('the sending thread broke down', { cause });
    });
    this.#worker.on('exit', (code) => {
      if (!this.#stopping) throw new Error(`the sending thread ended with ${code}`);
    });
  }

  /** Finds the link. Rejects with a Fault that names the key to set when there is none, or none of known capacity. */
  static async start(options: SendingOptions, events: SendingEvents): Promise<SendingThread> {
    const thread = new SendingThread(options, events);
    try {
      await thread.#configure(options);
    } catch (error) {
      thread.stop();
      throw error;
    }
    return thread;
  }

  get identity(): UplinkIdentity {
    return known(this.#identity);
  }

  get limits(): Limits {
    return limitsOn(this.identity.capacityBitsPerSec, this.#options.budget);
  }

  /** As of the last report. */
  get pace(): PaceView {
    return known(this.#pace);
  }

  /** Measures from now on. */
  measure(): void {
    this.#send({ kind: 'start' });
  }

  /** In force when it resolves. Rejects, changing nothing, when the new options lead to no link. */
  async reconfigure(options: SendingOptions): Promise<void> {
    await this.#configure(options);
    this.#options = options;
    this.uploadLimit.configure(options.concurrency, options.maxConcurrency);
  }

  /** For a client of the SDK. Its `destroy` closes idle connections; requests go on to work. */
  createHandler(limits: HandlerLimits): RequestHandler {
    this.#handlers += 1;
    const handler = this.#handlers;
    this.#send({ kind: 'open', handler, limits });
    return {
      metadata: { handlerProtocol: 'http/1.1' },
      handle: (request: HttpRequest, options?: HttpHandlerOptions) =>
        this.#requests.begin(handler, request, options),
      destroy: () => this.#send({ kind: 'close', handler }),
      // The SDK would hand over its logger and time-outs; the paced handler has its own.
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    } as RequestHandler;
  }

  /** Ends the thread, with whatever it is about. It may be looking up a name: nobody waits for that. */
  stop(): void {
    this.#stopping = true;
    void this.#worker.terminate();
  }

  async #configure({ uplink, budget, sampleIntervalMs }: SendingOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#configured = { resolve, reject };
      this.#send({ kind: 'configure', options: { uplink, budget, sampleIntervalMs } });
    });
  }

  #send(order: Order, moved: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(order, moved);
  }

  #receive(notice: Notice): void {
    switch (notice.kind) {
      case 'configured':
        this.#identity = notice.identity;
        this.#pace = notice.pace;
        return this.#configured?.resolve();
      case 'refused':
        return this.#configured?.reject(uncarry(notice.error));
      case 'link':
        this.#identity = notice.identity;
        return this.#events.onChange(notice.identity);
      case 'measurable':
        return this.#events.onMeasurable(notice.problem);
      case 'report':
        this.#pace = notice.pace;
        return this.#events.onReport(notice.activity, notice.elapsedMs);
      case 'alive':
        return this.#events.onAlive();
      default:
        return this.#requests.receive(notice);
    }
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the link has not been found yet');
  return value;
}
