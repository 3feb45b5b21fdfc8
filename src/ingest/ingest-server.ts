// The listening sockets of the door, with or without TLS. A slow or hostile client cannot hurt it:
// headers are bounded in size and time, connections in number, and one request is answered at a
// time.
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import type { Server as HttpServer, IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { Connections } from '../http/connections.ts';
import { listenOnEach, urlOf } from '../http/listen-on-each.ts';
import { Fault } from '../system/fault.ts';
import { http } from '../system/node-http.ts';
import { type HandedSocket, INGEST_LISTEN, type IngestPlace } from './ingest-options.ts';
import type { Patience } from './ingest-ports.ts';
import { listenAtPath } from './unix-socket.ts';

/** Enough for a path of 1,024 bytes in percent-encoding, a token and the digests. */
const HEADER_BYTES_MAX = 8_192;
/** Node.js looks for late headers this often. */
const LATE_CHECK_MS = 1_000;

export interface ServerPorts {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * The parser of Node.js refuses a request with `error`. The connection is of no use any more.
   */
  readonly reject: (socket: Socket, error: Error) => void;
  /** The content of a request that is not answered yet cannot be read to its end. */
  readonly onBroken: (request: IncomingMessage, error: Error) => void;
  /** Something went wrong with a listening socket. */
  readonly onError: (error: unknown) => void;
}

export interface ServerSettings {
  /** Undefined: plain HTTP. */
  readonly certificate: SecureContextOptions | undefined;
  readonly connectionsMax: number;
  readonly patience: Patience;
}

/** listen() and close() pair up, once. */
export class IngestServer {
  readonly #ports: ServerPorts;
  readonly #settings: ServerSettings;
  readonly #connections: Connections;
  /** By the socket that the request has; under TLS, that is not the one that was accepted. */
  readonly #accepted = new Map<string, Socket>();
  readonly #answering = new WeakMap<Socket, ServerResponse>();
  #servers: readonly (HttpServer | HttpsServer)[] = [];

  constructor(settings: ServerSettings, ports: ServerPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#connections = new Connections(settings.connectionsMax);
  }

  /** Rejects with a Fault; nothing listens then. */
  async listen(place: IngestPlace): Promise<void> {
    const servers = await this.#opened(place);
    if (this.isTls && servers.some((server) => typeof server.address() === 'string')) {
      for (const server of servers) server.close();
      throw tlsAtPath();
    }
    this.#servers = servers;
    for (const server of this.#servers) server.on('error', this.#ports.onError);
  }

  get urls(): readonly string[] {
    return this.#servers.map((server) => {
      const address = server.address();
      if (typeof address === 'string') return `unix:${address}`;
      return address === null ? 'unix:' : urlOf(this.isTls ? 'https' : 'http', server);
    });
  }

  get isTls(): boolean {
    return this.#settings.certificate !== undefined;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** The request shows a valid token: its connection stays until the request is answered. */
  hold({ socket }: IncomingMessage): void {
    this.#connections.hold(this.#acceptedFor(socket));
  }

  /** The request is answered, and the client may still send the rest of it. */
  leave({ socket }: IncomingMessage): void {
    this.#connections.leave(this.#acceptedFor(socket));
  }

  /** From the next connection on. */
  bound(connectionsMax: number): void {
    this.#connections.max = connectionsMax;
  }

  /** New connections get this certificate. */
  secure(certificate: SecureContextOptions): void {
    for (const server of this.#servers)
      if (server instanceof HttpsServer) server.setSecureContext(certificate);
  }

  /** Lets in no new connection. Resolves when the last one has ended: call closeAll(). */
  async close(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    const closed = servers.map((server) => once(server, 'close'));
    for (const server of servers) server.close();
    await Promise.all(closed);
  }

  closeAll(): void {
    this.#connections.closeAll();
  }

  async #opened(place: IngestPlace): Promise<readonly (HttpServer | HttpsServer)[]> {
    if (place.kind === 'tcp') return listenOnEach({ ...place, ...INGEST_LISTEN }, () => this.#create());
    const server = this.#create();
    if (place.kind === 'unix') await listenAtPath(server, place.path);
    else await listenAtDescriptor(server, place);
    return [server];
  }

  #create(): HttpServer | HttpsServer {
    const { certificate, patience } = this.#settings;
    const options: ServerOptions = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: patience.headersMs,
      // The door measures by itself how fast the content comes.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(LATE_CHECK_MS, patience.headersMs),
      keepAliveTimeout: patience.idleMs,
      // The door refuses such a request in its own words.
      requireHostHeader: false,
    };
    const server =
      certificate === undefined
        ? http.createServer(options)
        : createSecureServer({ ...options, ...certificate, handshakeTimeout: patience.headersMs });
    server.on('connection', (socket) => this.#accept(socket));
    for (const event of ['request', 'checkContinue', 'checkExpectation'])
      server.on(event, (request: IncomingMessage, response: ServerResponse) =>
        this.#request(request, response),
      );
    server.on('clientError', (error: Error, socket) => this.#unreadable(socket as Socket, error));
    return server;
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    if (!this.isTls) return;
    const name = peerOf(socket);
    this.#accepted.set(name, socket);
    socket.once('close', () => {
      if (this.#accepted.get(name) === socket) this.#accepted.delete(name);
    });
  }

  #acceptedFor(socket: Socket): Socket {
    return this.isTls ? (this.#accepted.get(peerOf(socket)) ?? socket) : socket;
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const earlier = this.#answering.get(socket);
    // A client that does not wait for the answer gets that answer alone.
    if (earlier !== undefined && !earlier.headersSent) return void earlier.setHeader('Connection', 'close');
    if (!this.#connections.answering(this.#acceptedFor(socket), response)) return;
    this.#answering.set(socket, response);
    response.once('close', () => this.#answering.delete(socket));
    this.#ports.answer(request, response);
  }

  #unreadable(socket: Socket, error: Error): void {
    const response = this.#answering.get(socket);
    if (response?.req.complete === true && !response.headersSent)
      // What follows a request cannot be read. The request itself is answered.
      response.setHeader('Connection', 'close');
    else if (response?.headersSent === true || !socket.writable) socket.destroy();
    else if (response !== undefined) this.#ports.onBroken(response.req, error);
    else this.#ports.reject(socket, error);
  }
}

async function listenAtDescriptor(server: Server, { fd, inode }: Partial<HandedSocket>): Promise<void> {
  // Without a descriptor, Node.js would listen at any free port of all addresses.
  if (fd === undefined) throw noSocket();
  try {
    // The end of a server or of its thread closes the socket, and other files get its descriptor.
    if (fstatSync(fd).ino !== inode) throw new Error('it has been closed in this process');
    server.listen({ fd });
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('blocked', `cannot listen on the socket of systemd (ingest.listen): ${reason}`, {
      ...{ operation: 'listen', subject: 'ingest.listen', cause, isLocal: true },
      hint: 'Restart the service: its socket unit hands the socket over again',
    });
  }
}

function noSocket(): Fault {
  return new Fault('blocked', 'ingest.listen is systemd, but systemd has handed over no socket', {
    operation: 'listen',
    subject: 'ingest.listen',
    hint: 'Enable the socket unit of the service, or set ingest.listen to an address and a port',
    isLocal: true,
  });
}

/** A connection under TLS is known by its addresses, and at a Unix socket it has none. */
function tlsAtPath(): Fault {
  return new Fault('blocked', 'cannot use ingest.tls at a Unix socket, whose bytes stay on the machine', {
    ...{ operation: 'listen', subject: 'ingest.listen', isLocal: true },
    hint: 'Remove ingest.tls, or listen on an address and a port',
  });
}

function peerOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}
