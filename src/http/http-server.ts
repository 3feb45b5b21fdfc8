// A small HTTP server that a slow or hostile client cannot hurt: headers, requests and silence are
// bounded in size and time, and so is the number of connections.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import type { Clock } from '../system/clock.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { Connections } from './connections.ts';
import { Turnstile } from './turnstile.ts';

export interface ListenAt {
  /** IP addresses of this machine. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** The key in the config file, for hints. */
  readonly setting: string;
}

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
    const opened: Server[] = [];
    let missing: unknown;
    try {
      for (const address of at.addresses) {
        const server = this.#create();
        try {
          await listening(server, address, at.port);
          opened.push(server);
        } catch (error) {
          if (!LACKS_ADDRESS.has(errnoOf(error) ?? '')) throw refused(error, address, at);
          missing = refused(error, address, at);
        }
      }
      if (opened.length === 0) throw missing;
    } catch (error) {
      for (const server of opened) server.close();
      throw error;
    }
    for (const server of opened) server.on('error', this.#onError);
    this.#servers = opened;
  }

  /** Where it listens, as URLs without a path. */
  get urls(): readonly string[] {
    return this.#servers.map((server) => {
      const { address, port } = server.address() as AddressInfo;
      return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
    });
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
    const server = createServer(
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

const LACKS_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

async function listening(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port });
  await once(server, 'listening');
}

const WHY: Readonly<Record<string, (at: ListenAt) => readonly [reason: string, hint: string]>> = {
  EADDRINUSE: ({ port, setting }) => [
    'another program listens there',
    `Find it with ss -ltnp 'sport = :${port}' and stop it, or set ${setting} to another port`,
  ],
  EADDRNOTAVAIL: ({ setting }) => [
    'this machine has no such address',
    `ip -brief address lists its addresses: set ${setting} to one of them`,
  ],
  EACCES: ({ setting }) => ['ports below 1024 are for root', `Set ${setting} to a higher port, such as 9464`],
  EPERM: () => [
    'the service may not',
    'Look for SocketBindDeny= in systemctl cat halfpipe, and allow the port with SocketBindAllow=',
  ],
};

function refused(error: unknown, address: string, at: ListenAt): Fault {
  const code = errnoOf(error);
  const subject = `${isIPv6(address) ? `[${address}]` : address}:${at.port}`;
  const [reason, hint] = WHY[code ?? '']?.(at) ?? [
    error instanceof Error ? error.message : String(error),
    `Set ${at.setting} to another address or port`,
  ];
  return new Fault('blocked', `cannot listen on ${subject} (${at.setting}): ${reason}`, {
    ...{ operation: 'listen', subject, hint, cause: error, isLocal: true },
    ...(code === undefined ? {} : { code }),
  });
}
