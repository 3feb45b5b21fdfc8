// The one place where bytes leave for the store.
import type { Clock } from '../system/clock.ts';
import type { Content } from './content.ts';
import { Deliveries } from './deliveries.ts';
import { type AnswerSink, OutgoingRequest } from './outgoing-request.ts';
import type { Pacer } from './pacer.ts';
import { type HandlerOptions, RequestWatch, type WatchOptions } from './request-watch.ts';
import { WayOut, type WayOutOptions } from './way-out.ts';
import type { WireHead } from './wire-head.ts';

export interface PacedHandlerOptions extends HandlerOptions, WatchOptions {
  readonly pacer: Pacer;
  readonly clock: Clock;
  /** Default: what the kernel has accepted counts as delivered. */
  readonly deliveries?: Deliveries;
  readonly wayOut: WayOutOptions;
}

/**
 * Sends signed requests at the pacer's speed. So retries, parts and metadata requests are all
 * charged where they leave, and nothing is charged twice.
 */
export class PacedHandler {
  readonly #options: PacedHandlerOptions & { readonly deliveries: Deliveries };
  readonly #wayOut: WayOut;

  constructor(options: PacedHandlerOptions) {
    const { clock, deliveries = new Deliveries({ clock }) } = options;
    this.#options = { ...options, deliveries };
    this.#wayOut = new WayOut(options.wayOut, options, clock);
  }

  /**
   * Sends the request on a connection that is opened when its turn comes. It fails with an error
   * named `TimeoutError` past the deadline or the idle limit, and with one with code SIGNATURE_AGED
   * when its turn does not come within a minute. The sink may be told so within this call.
   */
  send(head: WireHead, content: Content, sink: AnswerSink): OutgoingRequest {
    const { clock, pacer, deliveries } = this.#options;
    const departure = this.#wayOut.departureOf(head);
    const watch = new RequestWatch(clock, this.#options, (error) => request.expire(error));
    const text = departure.textOf(head);
    const { method } = head;
    const ports = { clock, pacer, deliveries, watch, departure, head: text, method, content, sink };
    const request = new OutgoingRequest(ports);
    request.begin();
    return request;
  }

  /**
   * Closes idle connections now, and those in use when their request is over. New requests still
   * work.
   */
  close(): void {
    this.#wayOut.close();
  }
}
