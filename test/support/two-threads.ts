// Both sides of the way to the sending thread, in one thread. Messages are cloned and moved as between two threads, and
// a test can look at the parts that pace and serve.

import { MessageChannel } from 'node:worker_threads';
import type { Notice, RequestNotice, RequestOrder } from '../../src/thread/messages.ts';
import { Outbox } from '../../src/thread/outbox.ts';
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
import type { SdkHandler } from '../../src/transport/sdk-handler.ts';

export class TwoThreads {
  readonly orders: RequestOrder[] = [];
  readonly notices: RequestNotice[] = [];
  readonly #channel = new MessageChannel();
  readonly #requests: RemoteRequests;
  readonly #service: RequestService;
  readonly #handler: SdkHandler;
  readonly #orders: Outbox<RequestOrder>;

  constructor({ pacer, clock, wayOut, ...limits }: PacedHandlerOptions) {
    const { port1: main, port2: sending } = this.#channel;
    const notices = new Outbox<Notice>(clock, (messages, moved) => sending.postMessage(messages, moved));
    const orders = new Outbox<RequestOrder>(clock, (messages, moved) => main.postMessage(messages, moved));
    this.#orders = orders;
    this.#service = new RequestService((notice, moved) => notices.put(notice, moved), pacer, clock);
    this.#requests = new RemoteRequests((order, moved) => orders.put(order, moved));
    main.on('message', (received: readonly RequestNotice[]) => {
      for (const notice of received) {
        this.notices.push(notice);
        this.#requests.receive(notice);
      }
    });
    sending.on('message', (received: readonly RequestOrder[]) => {
      for (const order of received) {
        this.orders.push(order);
        this.#service.obey(order);
      }
    });
    orders.put({ kind: 'open', handler: 1, options: limits, wayOut });
    this.#handler = this.#requests.handler(1);
  }

  handle(request: HttpRequest, options?: HttpHandlerOptions): Promise<HttpAnswer> {
    return this.#handler.handle(request, options);
  }

  exchange(head: RequestHead, body: Uint8Array, signal: AbortSignal): Promise<SmallAnswer> {
    return this.#handler.exchange(head, body, signal);
  }

  /** Requests that are not over, as this side and the other one know it. */
  get underWay(): readonly [number, number] {
    return [this.#requests.underWay, this.#service.inFlight];
  }

  destroy(): void {
    this.#handler.destroy();
  }

  end(): void {
    this.#orders.flush();
    this.#channel.port1.close();
  }
}
