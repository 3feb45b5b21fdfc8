// Both sides of the way to the sending thread, in one thread. Messages are cloned and moved as between two threads, and
// a test can look at the parts that pace and serve.

import { MessageChannel } from 'node:worker_threads';
import type { RequestNotice, RequestOrder } from '../../src/thread/messages.ts';
import { RemoteRequests } from '../../src/thread/remote-requests.ts';
import { RequestService } from '../../src/thread/request-service.ts';
import type {
  HttpAnswer,
  HttpHandlerOptions,
  HttpRequest,
  RequestHead,
  SmallAnswer,
} from '../../src/transport/http-request.ts';
import type { PacedHandlerOptions } from '../../src/transport/paced-handler.ts';

export class TwoThreads {
  readonly orders: RequestOrder[] = [];
  readonly notices: RequestNotice[] = [];
  readonly #channel = new MessageChannel();
  readonly #requests: RemoteRequests;
  readonly #service: RequestService;

  constructor({ pacer, clock, wayOut, ...limits }: PacedHandlerOptions) {
    const { port1: main, port2: sending } = this.#channel;
    this.#service = new RequestService(
      (notice, moved = []) => sending.postMessage(notice, moved),
      pacer,
      clock,
    );
    this.#requests = new RemoteRequests((order, moved = []) => main.postMessage(order, moved));
    main.on('message', (notice: RequestNotice) => {
      this.notices.push(notice);
      this.#requests.receive(notice);
    });
    sending.on('message', (order: RequestOrder) => {
      this.orders.push(order);
      this.#service.obey(order);
    });
    main.postMessage({ kind: 'open', handler: 1, options: limits, wayOut });
  }

  handle(request: HttpRequest, options?: HttpHandlerOptions): Promise<HttpAnswer> {
    return this.#requests.begin(1, request, options);
  }

  exchange(head: RequestHead, body: Uint8Array, signal: AbortSignal): Promise<SmallAnswer> {
    return this.#requests.exchange(1, head, body, signal);
  }

  /** Requests that are not over, as this side and the other one know it. */
  get underWay(): readonly [number, number] {
    return [this.#requests.underWay, this.#service.inFlight];
  }

  destroy(): void {
    this.#channel.port1.postMessage({ kind: 'close', handler: 1 });
  }

  end(): void {
    this.#channel.port1.close();
  }
}
