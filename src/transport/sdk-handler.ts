// What the SDK calls for each request, whether another thread sends it or this one.

import { Readable } from 'node:stream';
import type { AnswerHead } from './answer-reader.ts';
import type {
  HttpAnswer,
  HttpHandlerOptions,
  HttpRequest,
  RequestHead,
  SmallAnswer,
} from './http-request.ts';
import type { AnswerSink } from './outgoing-request.ts';
import { signalOf } from './request-signal.ts';
import { type WireHead, wireHead } from './wire-head.ts';

/**
 * Only an object may be longer. The longest other answer lists 1,000 multipart uploads: below 4 MB.
 */
const ANSWER_BYTES_MAX = 8 * 1024 ** 2;
/** A piece takes this much memory beside its bytes. A server may send them one by one. */
const PIECE_BYTES = 256;

/** A request that was begun. */
export interface RunningRequest {
  /** Asks for the next piece of the answer's body. */
  read(): void;
  /** Gives the request and the rest of its answer up. The sink hears nothing more. */
  abort(): void;
}

export interface SdkHandlerPorts {
  /** Begins a request. Within the call, the sink may be told that it failed, and nothing else. */
  begin(head: WireHead, body: Uint8Array, sink: AnswerSink): RunningRequest;
  /** Closes idle connections. */
  close(): void;
}

/**
 * handle() rejects with an error named `AbortError` when the caller's signal aborts, and with a
 * TypeError for a body that is not a Buffer, Uint8Array or string. A stream cannot be repeated, and
 * its length cannot be trusted. An answer that is too long fails with the code
 * ERR_HTTP_ANSWER_TOO_LONG. After `destroy`, requests still work.
 */
export class SdkHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #ports: SdkHandlerPorts;

  constructor(ports: SdkHandlerPorts) {
    this.#ports = ports;
  }

  async handle(request: HttpRequest, options: HttpHandlerOptions = {}): Promise<HttpAnswer> {
    const signal = signalOf(request) ?? (options.abortSignal as AbortSignal | undefined);
    const body = bytesOf(request.body);
    return await new Promise<HttpAnswer>((resolve, reject) => {
      new StreamedAnswer(resolve, reject, signal, isForObject(request)).begin(this.#ports, request, body);
    });
  }

  exchange(head: RequestHead, body: Uint8Array, signal: AbortSignal): Promise<SmallAnswer> {
    return new Promise((resolve, reject) => {
      new WholeAnswer(resolve, reject, signal).begin(this.#ports, head, body);
    });
  }

  destroy(): void {
    this.#ports.close();
  }

  updateHttpClientConfig(): void {
    // The SDK would pass its logger and time-outs; what sends has its own.
  }

  httpHandlerConfigs(): object {
    return {};
  }
}

/** One request, until its answer is complete. It listens to the caller's signal meanwhile. */
abstract class Answering<Answer> implements AnswerSink {
  protected readonly resolve: (answer: Answer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  #running: RunningRequest | undefined;
  #keptBytes = 0;

  constructor(
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
  ) {
    this.resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
  }

  abstract answered(head: AnswerHead): void;
  abstract piece(bytes: Uint8Array): void;

  begin(ports: SdkHandlerPorts, head: RequestHead, body: Uint8Array): void {
    if (this.#signal?.aborted) return this.#reject(aborted());
    const wire = wireHead(head, body.byteLength);
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#running = ports.begin(wire, body, this);
  }

  ended(): void {
    this.#running = undefined;
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  failed(error: unknown): void {
    this.#running = undefined;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#reject(error);
  }

  protected read(): void {
    this.#running?.read();
  }

  /** Call for each piece that is kept. False if the answer is too long; it is given up then. */
  protected hasRoomFor(bytes: Uint8Array): boolean {
    this.#keptBytes += bytes.byteLength + PIECE_BYTES;
    if (this.#keptBytes <= ANSWER_BYTES_MAX) return true;
    this.giveUp(tooLong());
    return false;
  }

  protected giveUp(error: Error): void {
    const running = this.#running;
    if (running === undefined) return;
    this.failed(error);
    running.abort();
  }

  readonly #onAbort = () => this.giveUp(aborted());
}

class StreamedAnswer extends Answering<HttpAnswer> {
  #isForObject: boolean;
  #pieces: Readable | undefined;

  constructor(
    resolve: (answer: HttpAnswer) => void,
    reject: (error: unknown) => void,
    signal: AbortSignal | undefined,
    isForObject: boolean,
  ) {
    super(resolve, reject, signal);
    this.#isForObject = isForObject;
  }

  answered({ statusCode, reason, headers }: AnswerHead): void {
    // The SDK keeps every other body whole, also that of a refusal.
    this.#isForObject &&= statusCode < 300;
    const pieces = new Readable({
      read: () => this.read(),
      destroy: (error, callback) => {
        // The rest of the answer is not wanted.
        this.giveUp(error ?? aborted());
        callback(error);
      },
    });
    // Readers still receive the error. Without this listener, an unread body would crash the
    // process.
    pieces.on('error', () => undefined);
    this.#pieces = pieces;
    this.resolve({ response: { statusCode, reason, headers, body: pieces } } as HttpAnswer);
  }

  piece(bytes: Uint8Array): void {
    if (this.#isForObject || this.hasRoomFor(bytes)) this.#pieces?.push(bytes);
  }

  override ended(): void {
    super.ended();
    this.#pieces?.push(null);
  }

  override failed(error: unknown): void {
    super.failed(error);
    this.#pieces?.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

class WholeAnswer extends Answering<SmallAnswer> {
  #head: AnswerHead | undefined;
  readonly #pieces: Uint8Array[] = [];

  answered(head: AnswerHead): void {
    this.#head = head;
    this.read();
  }

  piece(bytes: Uint8Array): void {
    if (!this.hasRoomFor(bytes)) return;
    this.#pieces.push(bytes);
    this.read();
  }

  override ended(): void {
    super.ended();
    if (this.#head === undefined) return;
    const { statusCode, headers } = this.#head;
    this.resolve({ statusCode, headers, body: Buffer.concat(this.#pieces) });
  }
}

function aborted(): DOMException {
  return new DOMException('the request was aborted', 'AbortError');
}

function tooLong(): Error {
  const error = new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
  return Object.assign(error, { code: 'ERR_HTTP_ANSWER_TOO_LONG' });
}

/** True if the answer may be an object, which is as long as it is. */
function isForObject({ method, query }: HttpRequest): boolean {
  return method === 'GET' && query?.['x-id'] === 'GetObject';
}

/** Throws a TypeError for anything that is neither bytes nor text. */
export function bytesOf(body: unknown): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError('a request body must be a Buffer, a Uint8Array or a string, not a stream');
}
