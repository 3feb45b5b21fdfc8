// A small HTTP server that a slow or hostile client cannot hurt: headers, requests and silence are
// bounded in size and time, and so is the number of connections.
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Clock } from '../system/clock.ts';
import { http } from '../system/node-http.ts';
import { Connections } from './connections.ts';
import { type ListenAt, listenOnEach, urlOf } from './listen-on-each.ts';
import { Turnstile } from './turnstile.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Enough for a token and what a browser adds; Node.js itself would accept 16 KiB. */
const HEADER_BYTES_MAX = 8_192;
/** From the connection, or the last answer's end, to the end of the next request's headers. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
/** Node.js looks for late requests this often. Its default of 30 s would let them live as long. */
const LATE_CHECK_MS = 1_000;
/** A client that takes none of its answer for this long is gone. */
const SILENCE_MS = 30_000;
/** Longer than the usual minute between two scrapes. */
const KEEP_ALIVE_MS = 65_000;

/** Listens on each address of one port. listen() and close() pair up, and may be repeated. */
export class HttpServer {
  readonly #answer: Answer;
  readonly #onError: (error: unknown) => void;
  readonly #connections = new Connections();
  readonly #turnstile: Turnstile;
  #servers: readonly Server[] = [];

  /** `onError` is told what goes wrong with a listening socket later. */
  constructor(clock: Clock, answer: Answer, onError: (error: unknown) => void) {
    this.#answer = answer;
    this.#onError = onError;
    this.#turnstile = new Turnstile(clock);
  }

  /**
   * Rejects with a Fault when an address cannot be listened on; none is then. An address that this
   * machine does not have, such as ::1 without IPv6, is left out while there is another.
   */
  async listen(at: ListenAt): Promise<void> {
    const opened = await listenOnEach(at, () => this.#create());
    for (const server of opened) server.on('error', this.#onError);
    this.#servers = opened;
  }

  /** Where it listens, as URLs without a path. */
  get urls(): readonly string[] {
    return this.#servers.map((server) => urlOf('http', server));
  }

  /** Resolves when the port is free again. Answers under way are cut off. */
  async close(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    const closed = servers.map((server) => once(server, 'close'));
    for (const server of servers) server.close();
    this.#connections.closeAll();
    await Promise.all(closed);
  }

  #create(): Server {
    const server = http.createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: LATE_CHECK_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        noDelay: true,
      },
      (request, response) => {
        if (!this.#connections.answering(request.socket, response)) return;
        this.#connections.hold(request.socket);
        this.#turnstile.pass(() => {
          if (!response.destroyed) this.#answer(request, response);
        });
      },
    );
    server.timeout = SILENCE_MS;
    server.on('connection', (socket) => this.#connections.add(socket));
    return server;
  }
}
