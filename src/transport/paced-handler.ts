// The one place where bytes leave for the store.

import type { Readable } from 'node:stream';
import type { Clock } from '../system/clock.ts';
import { Deliveries } from './deliveries.ts';
import type {
  HttpAnswer,
  HttpHandlerOptions,
  HttpRequest,
  RequestHead,
  SmallAnswer,
} from './http-request.ts';
import { type Content, PacedBody, type Pacer, WholeContent } from './paced-body.ts';
import { signalOf } from './request-signal.ts';
import type { HandlerOptions } from './request-watch.ts';
import { RequestWatch, type WatchOptions } from './request-watch.ts';
import { SIGNATURE_AGED } from './retry-within-sdk.ts';
import { WayOut, type WayOutOptions } from './way-out.ts';

export interface PacedHandlerOptions extends HandlerOptions, WatchOptions {
  readonly pacer: Pacer;
  readonly clock: Clock;
  /** Default: what the kernel has accepted counts as delivered. */
  readonly deliveries?: Deliveries;
  readonly wayOut: WayOutOptions;
}

/** S3 refuses a date that is 15 minutes off, and the clocks may already differ by some of these. */
const SIGNED_FOR_MS = 60_000;

/**
 * Wraps the SDK's NodeHttpHandler, behind the signer. So retries, parts and metadata requests are
 * all charged where they leave, and nothing is charged twice.
 */
export class PacedHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #options: PacedHandlerOptions & { readonly deliveries: Deliveries };
  readonly #wayOut: WayOut;

  constructor(options: PacedHandlerOptions) {
    const { clock, deliveries = new Deliveries({ clock }) } = options;
    this.#options = { ...options, deliveries };
    this.#wayOut = new WayOut(options.wayOut, options, clock);
  }

  /**
   * Sends the request at the pacer's speed, on a connection that is opened when the request's turn
   * comes. Rejects with an error named `TimeoutError` past the deadline or the idle limit;
   * `AbortError` when the caller's signal aborts; an error with code SIGNATURE_AGED when its turn
   * does not come within a minute; and a TypeError for a body that is not a Buffer, Uint8Array or
   * string. A stream cannot be repeated, and its length cannot be trusted.
   */
  async handle(request: HttpRequest, options: HttpHandlerOptions = {}): Promise<HttpAnswer> {
    return this.send(request, new WholeContent(bytesOf(request.body)), options);
  }

  /** See SmallExchange. */
  async exchange(head: RequestHead, body: Uint8Array, signal: AbortSignal): Promise<SmallAnswer> {
    return wholeAnswer(await this.send(head, new WholeContent(body), { abortSignal: signal }));
  }

  /** Like handle(), with a body that may still be arriving. The body of `request` is ignored. */
  async send(request: RequestHead, content: Content, options: HttpHandlerOptions = {}): Promise<HttpAnswer> {
    const stop = new AbortController();
    const caller = signalOf(request) ?? (options.abortSignal as AbortSignal | undefined);
    const onCallerAbort = () => stop.abort(caller?.reason);
    const watch = new RequestWatch(this.#options.clock, this.#options, (error) => stop.abort(error));
    const departure = this.#wayOut.departureOf(request);
    const { handler, head } = departure;
    const body = new PacedBody(content, headBytesOf(head), this.#options, watch);
    body.once('close', () => caller?.removeEventListener('abort', onCallerAbort));
    stop.signal.addEventListener('abort', () => body.cancel(), { once: true });
    caller?.addEventListener('abort', onCallerAbort, { once: true });
    if (caller?.aborted) onCallerAbort();
    watch.start();
    try {
      await this.#begin(body, stop);
      const answer = await handler.handle({ ...head, body } as HttpRequest, { abortSignal: stop.signal });
      this.#wayOut.arrived(departure, answer);
      return answer;
    } catch (error) {
      body.destroy();
      const { reason } = stop.signal;
      if (reason instanceof Error && OWN_REASONS.has(reason.name) && !caller?.aborted) throw reason;
      throw this.#wayOut.explained(error, departure);
    }
  }

  async #begin(body: PacedBody, stop: AbortController): Promise<void> {
    const cancel = this.#options.clock.schedule(SIGNED_FOR_MS, () => stop.abort(signatureAged()));
    try {
      await body.begin();
    } finally {
      cancel();
    }
  }

  /**
   * Closes idle connections now, and those in use when their request is over. New requests still
   * work.
   */
  destroy(): void {
    this.#wayOut.close();
  }

  updateHttpClientConfig(): void {
    // The SDK would pass its logger and time-outs; this handler has its own.
  }

  httpHandlerConfigs(): object {
    return {};
  }
}

const OWN_REASONS = new Set(['TimeoutError', 'SignatureAged']);

function signatureAged(): Error {
  const error = new Error(
    `the request waited for its turn for ${SIGNED_FOR_MS} ms: its signature is too old`,
  );
  return Object.assign(error, { name: 'SignatureAged', code: SIGNATURE_AGED });
}

/** Throws a TypeError for anything that is neither bytes nor text. */
export function bytesOf(body: unknown): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError('a request body must be a Buffer, a Uint8Array or a string, not a stream');
}

/** Resolves once the body has arrived. */
export async function wholeAnswer({ response }: HttpAnswer): Promise<SmallAnswer> {
  const { statusCode, headers, body } = response;
  return { statusCode, headers, body: Buffer.concat(await (body as Readable).toArray()) };
}

/**
 * The size of the request line and headers as Node writes them, including the `Connection` header
 * it adds. Approximate.
 */
function headBytesOf(request: RequestHead): number {
  const CONNECTION_HEADER_BYTES = 24;
  let bytes =
    request.method.length + request.path.length + ' HTTP/1.1\r\n\r\n '.length + CONNECTION_HEADER_BYTES;
  for (const [name, value] of Object.entries(request.query ?? {}))
    bytes += name.length + String(value).length + 2;
  for (const [name, value] of Object.entries(request.headers)) bytes += name.length + value.length + 4;
  return bytes;
}
