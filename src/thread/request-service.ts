// In the sending thread: sends what the main thread orders, and reports the outcome.
import type { Clock } from '../system/clock.ts';
import { brokenInvariant } from '../system/invariant.ts';
import type { Deliveries } from '../transport/deliveries.ts';
import { PacedHandler } from '../transport/paced-handler.ts';
import type { Pacer } from '../transport/pacer.ts';
import type { RequestOrder, SentBytes } from './messages.ts';
import { ServedRequest, type Tell } from './served-request.ts';

type Of<Kind extends RequestOrder['kind']> = Extract<RequestOrder, { kind: Kind }>;

/**
 * Runs requests through the paced handlers that the main thread has opened. Failures go back as
 * `failed` notices.
 */
export class RequestService {
  readonly #tell: Tell;
  readonly #pacer: Pacer;
  readonly #clock: Clock;
  readonly #deliveries: Deliveries | undefined;
  readonly #handlers = new Map<number, PacedHandler>();
  readonly #inFlight = new Map<number, ServedRequest>();

  constructor(tell: Tell, pacer: Pacer, clock: Clock, deliveries?: Deliveries) {
    this.#tell = tell;
    this.#pacer = pacer;
    this.#clock = clock;
    this.#deliveries = deliveries;
  }

  /** How many requests are not over. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** By the number of the request: how much of its body has been sent. */
  sent(): SentBytes {
    return [...this.#inFlight].map(([id, { content }]) => [id, content.takenBytes]);
  }

  /** Orders about requests that are over are ignored. */
  obey(order: RequestOrder): void {
    switch (order.kind) {
      case 'open':
        return this.#open(order);
      case 'close':
        // The handler stays for uploads that are in flight: a few KB for each reload.
        return this.#handlers.get(order.handler)?.close();
      case 'request':
        return this.#begin(order);
      case 'body':
        return this.#inFlight.get(order.id)?.content.arrive(order.piece);
      case 'read':
        return this.#inFlight.get(order.id)?.read();
      case 'abort':
        return this.#inFlight.get(order.id)?.abort();
    }
  }

  #open({ handler, options, wayOut }: Of<'open'>): void {
    const onAlive = () => this.#tell({ kind: 'alive' });
    const paced = new PacedHandler({
      ...options,
      wayOut,
      pacer: this.#pacer,
      clock: this.#clock,
      onAlive,
      ...(this.#deliveries === undefined ? {} : { deliveries: this.#deliveries }),
    });
    this.#handlers.set(handler, paced);
  }

  #begin({ id, handler, head, bodyBytes, piece }: Of<'request'>): void {
    if (this.#inFlight.has(id)) brokenInvariant(`a request begins once, and request ${id} is under way`);
    const paced = this.#handlers.get(handler);
    if (paced === undefined) throw new TypeError(`handler ${handler} has not been opened`);
    const served = new ServedRequest(id, bodyBytes, this.#tell, () => this.#inFlight.delete(id));
    this.#inFlight.set(id, served);
    if (piece !== undefined) served.content.arrive(piece);
    served.begin(paced, head);
  }
}
